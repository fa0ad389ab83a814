//! Which headers a request may have, told without looking for them.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::ops::Deref;

/// The marks of the names of a request's headers: 64 bits, one of which stands for each name, and for others too. Most of
/// what is asked for is not there, and this tells so at a tenth of the cost of a search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Marks(u64);

impl Marks {
    /// The marks of these headers.
    pub fn of(headers: &HeaderMap) -> Marks {
        let mut marks = Marks::default();
        headers.keys().for_each(|name| marks.add(name));
        marks
    }

    pub fn add(&mut self, name: &HeaderName) {
        self.0 |= bit(name);
    }

    /// False only where the headers have no such name.
    pub fn may_have(self, name: &HeaderName) -> bool {
        self.0 & bit(name) != 0
    }

    /// The value of a header, found only if it may be there.
    pub fn find<'a>(self, headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
        self.may_have(name).then(|| headers.get(name)).flatten()
    }
}

/// A request's headers with their marks.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    map: &'a HeaderMap,
    marks: Marks,
}

impl<'a> Headers<'a> {
    /// With the marks of just these headers, where they are known already.
    pub fn marked(map: &'a HeaderMap, marks: Marks) -> Headers<'a> {
        Headers { map, marks }
    }

    /// The first value of a header.
    pub fn find(self, name: &HeaderName) -> Option<&'a HeaderValue> {
        self.marks.find(self.map, name)
    }
}

impl<'a> From<&'a HeaderMap> for Headers<'a> {
    fn from(map: &'a HeaderMap) -> Headers<'a> {
        Headers::marked(map, Marks::of(map))
    }
}

impl Deref for Headers<'_> {
    type Target = HeaderMap;

    fn deref(&self) -> &HeaderMap {
        self.map
    }
}

/// Length, last letter and the one in the middle tell nearly all names apart that AWS's clients send and services ask for.
fn bit(name: &HeaderName) -> u64 {
    let bytes = name.as_str().as_bytes();
    let last = bytes.last().copied().unwrap_or_default();
    let middle = bytes.get(bytes.len() / 2).copied().unwrap_or_default();
    1 << ((bytes.len() + 13 * usize::from(last) + 21 * usize::from(middle)) % 64)
}

#[cfg(test)]
mod tests {
    use super::{Headers, Marks};
    use http::header::{AUTHORIZATION, DATE, HOST};
    use http::{HeaderMap, HeaderName, HeaderValue};

    #[test]
    fn what_is_there_is_found() {
        let own = HeaderName::from_static("x-amz-date");
        let mut headers = HeaderMap::new();
        for name in [&HOST, &AUTHORIZATION, &own] {
            headers.append(name, HeaderValue::from_static("x"));
        }
        let marked = Headers::from(&headers);
        assert!(headers.keys().all(|name| marked.find(name).is_some()));
        assert_eq!(marked.find(&DATE), None);
        assert!(!Marks::of(&headers).may_have(&HeaderName::from_static("x-amz-content-sha256")));
        assert!(!Marks::default().may_have(&HOST));
    }
}
