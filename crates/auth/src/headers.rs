//! A request's headers, of which most that are asked for are not there.

use http::{HeaderMap, HeaderName, HeaderValue};
use std::ops::Deref;
use virga_base::Marks;

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

    /// The first value of a header, looked for only if it may be there.
    pub fn find(self, name: &HeaderName) -> Option<&'a HeaderValue> {
        self.marks.may_have(name.as_str()).then(|| self.map.get(name)).flatten()
    }
}

impl<'a> From<&'a HeaderMap> for Headers<'a> {
    fn from(map: &'a HeaderMap) -> Headers<'a> {
        Headers::marked(map, map.keys().map(HeaderName::as_str).collect())
    }
}

impl Deref for Headers<'_> {
    type Target = HeaderMap;

    fn deref(&self) -> &HeaderMap {
        self.map
    }
}

#[cfg(test)]
mod tests {
    use super::Headers;
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
    }
}
