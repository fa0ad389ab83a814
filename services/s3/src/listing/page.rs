//! One page of a list: rows, and those that share a common prefix rolled up into it.

use super::rows::{Row, Rows, Start, behind_all};
use crate::{errors, limits};
use virga_base::AwsError;

/// What a list is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub prefix: String,
    /// None where nothing is rolled up.
    pub delimiter: Option<String>,
    /// The marker behind which the page begins: common prefixes up to it were told before.
    pub marker: String,
    pub limit: usize,
}

impl Asked {
    /// Where the rows of the page begin: behind the marker, and not before the prefix.
    pub fn start(&self) -> Start {
        if self.marker < self.prefix || self.marker.is_empty() {
            Start::At(self.prefix.clone().into_bytes())
        } else {
            Start::Behind(self.marker.clone())
        }
    }

    /// Reads `max-keys` and its like.
    pub fn limit(max: Option<i32>, name: &str) -> Result<usize, AwsError> {
        match max {
            None => Ok(usize::try_from(limits::PAGE_MAX).unwrap_or(1)),
            Some(max) if max >= 0 => Ok(usize::try_from(max.min(limits::PAGE_MAX)).unwrap_or(0)),
            Some(max) => Err(errors::invalid_argument(
                &format!("Argument {name} must be an integer between 0 and 2147483647"),
                name,
                &max.to_string(),
            )),
        }
    }
}

/// One thing on a page.
pub enum Entry<R> {
    Row(R),
    /// What several rows, or one, begin with.
    Prefix(String),
}

impl<R: Row> Entry<R> {
    /// What the next page's marker is made of.
    pub fn text(&self) -> &str {
        match self {
            Entry::Row(row) => row.key(),
            Entry::Prefix(prefix) => prefix,
        }
    }
}

/// A page.
pub struct Page<R> {
    pub entries: Vec<Entry<R>>,
    /// Whether there is more behind it.
    pub is_truncated: bool,
}

/// Fills a page of rows that begin where [`Asked::start`] says.
pub fn page<W: Rows>(mut rows: W, asked: &Asked) -> Result<Page<W::Row>, AwsError> {
    let mut page = Page {
        entries: Vec::new(),
        is_truncated: false,
    };
    if asked.limit == 0 {
        return Ok(page);
    }
    let delimiter = asked.delimiter.as_deref().filter(|delimiter| !delimiter.is_empty());
    while let Some(row) = rows.next()? {
        let Some(rest) = row.key().strip_prefix(asked.prefix.as_str()) else {
            // Behind the marker and at the prefix there is nothing before those that have it.
            break;
        };
        let rolled = delimiter.and_then(|delimiter| Some(rest.find(delimiter)? + delimiter.len()));
        let entry = match rolled.and_then(|length| row.key().get(..asked.prefix.len() + length)) {
            None => Entry::Row(row),
            Some(prefix) => {
                let prefix = prefix.to_owned();
                match behind_all(prefix.as_bytes()) {
                    Some(to) => rows.jump(&to),
                    None => break,
                }
                // It was told on the page before.
                if asked.marker.starts_with(&prefix) {
                    continue;
                }
                Entry::Prefix(prefix)
            }
        };
        if page.entries.len() == asked.limit {
            page.is_truncated = true;
            break;
        }
        page.entries.push(entry);
    }
    Ok(page)
}
