//! What is known of a request, by condition key.

/// The condition keys of a request with their values. Names are told apart without regard to case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    keys: Vec<(String, Vec<String>)>,
}

impl Context {
    pub fn new() -> Context {
        Context::default()
    }

    /// Adds a value to a key; a key may have many.
    pub fn add(&mut self, key: &str, value: impl Into<String>) {
        self.slot(key).push(value.into());
    }

    /// Makes a key present, with these values beside those that it has. A key may be present without any.
    pub fn extend(&mut self, key: &str, values: impl IntoIterator<Item = String>) {
        self.slot(key).extend(values);
    }

    /// The key's values, if it is present.
    pub fn get(&self, key: &str) -> Option<&[String]> {
        let found = self.keys.iter().find(|(name, _)| name.eq_ignore_ascii_case(key));
        found.map(|(_, values)| values.as_slice())
    }

    /// The value that stands for a policy variable: a key's only one.
    pub(crate) fn single(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            Some([value]) => Some(value),
            _ => None,
        }
    }

    fn slot(&mut self, key: &str) -> &mut Vec<String> {
        let at = match self.keys.iter().position(|(name, _)| name.eq_ignore_ascii_case(key)) {
            Some(at) => at,
            None => {
                self.keys.push((key.to_owned(), Vec::new()));
                self.keys.len() - 1
            }
        };
        &mut self.keys[at].1
    }
}
