//! Keys longer than an index entry may be.
//!
//! PostgreSQL refuses index entries beyond a third of a page. So keys of [`HEAD_BYTES`] and more lie in a *bucket*, the
//! row whose key is their first [`HEAD_BYTES`] bytes and whose value holds them all, in order. Shorter keys are rows of
//! their own. The order of rows is then still the order of keys.

use std::borrow::Cow;
use std::ops::Bound;

/// The length of a bucket's key; no other row has it.
pub const HEAD_BYTES: usize = 2_000;
/// Longer keys no engine takes.
pub const KEY_MAX_BYTES: usize = 65_535;

/// The key of the row that holds `key`, and what is left of it behind a bucket's.
pub fn split(key: &[u8]) -> (&[u8], Option<&[u8]>) {
    match key.split_at_checked(HEAD_BYTES) {
        Some((head, tail)) => (head, Some(tail)),
        None => (key, None),
    }
}

pub fn is_bucket(row_key: &[u8]) -> bool {
    row_key.len() == HEAD_BYTES
}

/// The rows that may hold keys between two bounds: from the first key, up to but without the second.
pub fn rows_between(from: Bound<&[u8]>, to: Bound<&[u8]>) -> (Vec<u8>, Vec<u8>) {
    let low = match from {
        Bound::Unbounded => Vec::new(),
        Bound::Included(key) => split(key).0.to_vec(),
        Bound::Excluded(key) => match split(key) {
            (head, Some(_)) => head.to_vec(),
            (key, None) => behind(key),
        },
    };
    let high = match to {
        // Above every row's key.
        Bound::Unbounded => vec![0xff; HEAD_BYTES + 1],
        Bound::Included(key) => behind(split(key).0),
        Bound::Excluded(key) => match split(key) {
            (head, Some(tail)) if !tail.is_empty() => behind(head),
            (head, _) => head.to_vec(),
        },
    };
    (low, high)
}

/// The first key behind `key`.
pub fn behind(key: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(key.len() + 1);
    out.extend_from_slice(key);
    out.push(0);
    out
}

/// The first key behind all that begin with `head`; nothing where there is none.
pub fn behind_all(head: &[u8]) -> Option<Vec<u8>> {
    let last = head.iter().rposition(|byte| *byte != 0xff)?;
    let mut out = head.get(..=last)?.to_vec();
    *out.last_mut()? += 1;
    Some(out)
}

/// A bucket's tails and values, in order. What cannot be read ends it.
pub fn entries(mut bucket: &[u8]) -> Vec<(&[u8], &[u8])> {
    let mut part = || {
        let (length, rest) = bucket.split_first_chunk::<4>()?;
        let (part, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        bucket = rest;
        Some(part)
    };
    let mut out = Vec::new();
    while let Some(tail) = part() {
        let Some(value) = part() else { break };
        out.push((tail, value));
    }
    out
}

/// A bucket with one entry changed or, without a value, removed; nothing where none is left.
pub fn changed(bucket: &[u8], tail: &[u8], value: Option<&[u8]>) -> Option<Vec<u8>> {
    let mut all = entries(bucket);
    match (all.binary_search_by(|(other, _)| (*other).cmp(tail)), value) {
        (Ok(at), Some(value)) => {
            if let Some(entry) = all.get_mut(at) {
                entry.1 = value;
            }
        }
        (Ok(at), None) => drop(all.remove(at)),
        (Err(at), Some(value)) => all.insert(at, (tail, value)),
        (Err(_), None) => {}
    }
    let mut out = Vec::new();
    for part in all.iter().flat_map(|(tail, value)| [tail, value]) {
        out.extend_from_slice(&(part.len() as u32).to_be_bytes());
        out.extend_from_slice(part);
    }
    (!out.is_empty()).then_some(out)
}

/// The keys and values that a row holds, in order.
pub fn unfold<'r>(key: &'r [u8], value: &'r [u8]) -> Vec<(Cow<'r, [u8]>, &'r [u8])> {
    if !is_bucket(key) {
        return vec![(Cow::Borrowed(key), value)];
    }
    let whole = |tail: &[u8]| Cow::Owned([key, tail].concat());
    entries(value)
        .into_iter()
        .map(|(tail, value)| (whole(tail), value))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{HEAD_BYTES, behind_all, changed, entries, rows_between, split};
    use proptest::prelude::{any, proptest};
    use std::collections::BTreeMap;
    use std::ops::Bound;

    proptest! {
        #[test]
        fn a_bucket_is_a_map(steps in proptest::collection::vec((proptest::collection::vec(0u8..3, 0..3), any::<Option<u8>>()), 0..40)) {
            let (mut bucket, mut model) = (Vec::new(), BTreeMap::new());
            for (tail, value) in steps {
                let value = value.map(|byte| vec![byte]);
                bucket = changed(&bucket, &tail, value.as_deref()).unwrap_or_default();
                match value {
                    Some(value) => drop(model.insert(tail, value)),
                    None => drop(model.remove(&tail)),
                }
            }
            let model: Vec<(&[u8], &[u8])> = model.iter().map(|(t, v)| (t.as_slice(), v.as_slice())).collect();
            assert_eq!(entries(&bucket), model);
        }

        #[test]
        fn no_bucket_makes_reading_panic(junk in any::<Vec<u8>>()) {
            let _ = entries(&junk);
        }
    }

    #[test]
    fn rows_of_long_bounds() {
        let long = [vec![b'a'; HEAD_BYTES], b"xyz".to_vec()].concat();
        let head = vec![b'a'; HEAD_BYTES];
        assert_eq!(split(&long), (&head[..], Some(&b"xyz"[..])));
        let (low, high) = rows_between(Bound::Excluded(&long), Bound::Excluded(&long));
        assert!(low <= head && head < high, "the bucket may hold keys between");
        let (_, high) = rows_between(Bound::Unbounded, Bound::Excluded(&head));
        assert!(high <= head, "all keys of the bucket are behind its own");
        assert_eq!(behind_all(&[1, 0xff]), Some(vec![2]));
        assert_eq!(behind_all(&[0xff]), None);
    }
}
