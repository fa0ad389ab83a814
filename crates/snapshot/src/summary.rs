//! What is in a file, counted; and with that, whether it is whole.

use crate::{Error, Event, Header, Reader, Totals, WorldEnd};
use std::collections::BTreeMap;
use std::io::Read;
use virga_base::Account;
use virga_store::Place;

/// Rows that have account, region and table in common. What the whole world shares has no account.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Group {
    pub account: Option<Account>,
    pub region: String,
    pub table: u16,
}

/// One world of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldSummary {
    pub name: String,
    pub end: WorldEnd,
    /// Rows and bytes.
    pub groups: BTreeMap<Group, (u64, u64)>,
}

/// A file that is whole.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub header: Header,
    pub worlds: Vec<WorldSummary>,
    pub totals: Totals,
}

/// Reads a whole file and checks all of it.
pub fn summarise(input: impl Read) -> Result<Summary, Error> {
    let mut reader = Reader::open(input)?;
    let mut summary = Summary {
        header: reader.header().clone(),
        worlds: Vec::new(),
        totals: Totals::default(),
    };
    let (mut name, mut groups) = (String::new(), BTreeMap::new());
    while let Some(event) = reader.next()? {
        match event {
            Event::World(begun) => name = begun,
            Event::Rows(block) => {
                for (key, value) in block.rows() {
                    let (account, region, table, _) = Place::split(key).ok_or_else(|| Error::Damaged {
                        at: 0,
                        why: format!("the world {name} has a row that no Virga has written"),
                    })?;
                    let group = Group { account, region, table };
                    let (rows, bytes) = groups.entry(group).or_insert((0, 0));
                    *rows += 1;
                    *bytes += (key.len() + value.len()) as u64;
                }
            }
            Event::Part(_) => {}
            Event::End(end) => {
                summary.totals.worlds += 1;
                summary.totals.rows += end.rows;
                summary.totals.bytes += end.bytes;
                summary.totals.objects += end.objects;
                summary.totals.object_bytes += end.object_bytes;
                summary.worlds.push(WorldSummary {
                    name: std::mem::take(&mut name),
                    end,
                    groups: std::mem::take(&mut groups),
                });
            }
        }
    }
    Ok(summary)
}
