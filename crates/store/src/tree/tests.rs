//! The tree against the standard library's, forks and scans in both directions included.

use super::{Entry, Keyed, Node, Row, Tree};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use proptest::test_runner::TestCaseError;
use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
enum Step {
    Put(Vec<u8>, u8),
    Remove(Vec<u8>),
    /// Removes the first rows from a key on.
    RemoveRun(Vec<u8>, usize),
    /// Puts rows with rising numbers behind a key.
    PutRun(Vec<u8>, u8),
    Scan(Bound<Vec<u8>>, Bound<Vec<u8>>, bool),
    /// Goes on with a copy, and keeps the other to be looked at in the end.
    Fork,
    /// Goes on with the oldest copy.
    Swap,
}

/// Keys that share long beginnings, end within each other, and have zeros where heads are filled up with zeros.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let tail = proptest::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255), any::<u8>()], 0..4);
    let beginning = prop_oneof![
        Just(&b""[..]),
        Just(&b"\0\0\0\0\0"[..]),
        Just(&b"\0\0\0\0\0us-east-1\0\x01\x02"[..]),
        Just(&b"\0\0\0\0\0us-east-1\0\x01\x02a queue of a rather long name\0\x01"[..]),
    ];
    (beginning, tail).prop_map(|(beginning, tail)| [beginning, &tail].concat())
}

fn bound() -> impl Strategy<Value = Bound<Vec<u8>>> {
    prop_oneof![
        Just(Bound::Unbounded),
        key().prop_map(Bound::Included),
        key().prop_map(Bound::Excluded)
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => (key(), any::<u8>()).prop_map(|(key, value)| Step::Put(key, value)),
        5 => key().prop_map(Step::Remove),
        2 => (key(), 0..400usize).prop_map(|(key, count)| Step::RemoveRun(key, count)),
        2 => (key(), any::<u8>()).prop_map(|(key, count)| Step::PutRun(key, count)),
        4 => (bound(), bound(), any::<bool>()).prop_map(|(from, to, reverse)| Step::Scan(from, to, reverse)),
        1 => Just(Step::Fork),
        1 => Just(Step::Swap),
    ]
}

fn row(key: &[u8], value: &[u8]) -> Row {
    Row::new(key, value, &mut Vec::new()).unwrap_or_else(|error| panic!("{error}"))
}

fn as_slice(bound: &Bound<Vec<u8>>) -> Bound<&[u8]> {
    bound.as_ref().map(Vec::as_slice)
}

fn scanned(tree: &Tree, from: Bound<&[u8]>, to: Bound<&[u8]>, reverse: bool) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut out = Vec::new();
    tree.scan(from, to, reverse, &mut |row| {
        let (key, value) = row.split();
        out.push((key.to_vec(), value.to_vec()));
        ControlFlow::Continue(())
    });
    out
}

fn is_forward(from: &Bound<Vec<u8>>, to: &Bound<Vec<u8>>) -> bool {
    match (from, to) {
        (Bound::Unbounded, _) | (_, Bound::Unbounded) => true,
        (Bound::Included(a), Bound::Included(b)) => a <= b,
        (Bound::Included(a) | Bound::Excluded(a), Bound::Included(b) | Bound::Excluded(b)) => a < b,
    }
}

/// Every leaf equally deep, no node empty, and all keys where a search looks for them.
fn check_form(node: &Node, is_root: bool) -> usize {
    assert!(is_root || node.len() > 0);
    match node {
        Node::Leaf(_) => 0,
        Node::Branch(branch) => {
            assert!(!is_root || branch.len() > 1);
            let entries: Vec<&Entry> = branch.range(0, branch.len()).iter().flatten().collect();
            assert!(entries.windows(2).all(|pair| pair[0].key() < pair[1].key()));
            let depths: Vec<usize> = entries.iter().map(|entry| check_form(&entry.node, false)).collect();
            assert!(depths.windows(2).all(|pair| pair[0] == pair[1]));
            depths[0] + 1
        }
    }
}

fn check_same(tree: &Tree, model: &Model) {
    check_form(&tree.root, true);
    let all: Vec<_> = model.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    assert_eq!(&scanned(tree, Bound::Unbounded, Bound::Unbounded, false), &all);
    for (key, value) in model {
        assert_eq!(tree.get(key).map(Row::value), Some(value.as_slice()));
    }
}

fn run(steps: &[Step]) -> Result<(), TestCaseError> {
    let mut trees = vec![(Tree::default(), Model::new())];
    for step in steps {
        let (tree, model) = trees.last_mut().ok_or_else(|| TestCaseError::fail("no tree"))?;
        let mut put = |key: &[u8], value: &[u8]| {
            let old = tree.insert(row(key, value));
            let expected = model.insert(key.to_vec(), value.to_vec());
            assert_eq!(old.as_ref().map(Row::value), expected.as_deref());
        };
        match step {
            Step::Put(key, value) => put(key, &[*value]),
            Step::PutRun(key, count) => {
                (0..*count).for_each(|n| put(&[key.as_slice(), &[n]].concat(), &[n]));
            }
            Step::Remove(key) => {
                let old = tree.remove(key);
                let expected = model.remove(key);
                proptest::prop_assert_eq!(old.as_ref().map(Row::value), expected.as_deref());
                proptest::prop_assert!(tree.get(key).is_none());
            }
            Step::RemoveRun(key, count) => {
                let keys: Vec<_> = model
                    .range(key.clone()..)
                    .take(*count)
                    .map(|(key, _)| key.clone())
                    .collect();
                for key in keys {
                    proptest::prop_assert_eq!(tree.remove(&key).is_some(), model.remove(&key).is_some());
                }
            }
            Step::Scan(from, to, reverse) => {
                let mut expected: Vec<_> = Vec::new();
                if is_forward(from, to) {
                    let range = model.range::<Vec<u8>, _>((from.as_ref(), to.as_ref()));
                    expected.extend(range.map(|(key, value)| (key.clone(), value.clone())));
                }
                if *reverse {
                    expected.reverse();
                }
                proptest::prop_assert_eq!(scanned(tree, as_slice(from), as_slice(to), *reverse), expected);
            }
            Step::Fork => {
                let copy = (tree.clone(), model.clone());
                trees.push(copy);
            }
            Step::Swap => trees.rotate_left(1),
        }
    }
    trees.iter().for_each(|(tree, model)| check_same(tree, model));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn it_does_what_an_ordered_map_does(steps in proptest::collection::vec(step(), 0..300)) {
        run(&steps)?;
    }
}

#[test]
fn many_rows_in_any_order_come_and_go() {
    let orders: [fn(u32) -> u32; 3] = [|n| n, |n| u32::MAX - n, |n| n.wrapping_mul(0x9e37_79b9)];
    for order in orders {
        let (mut tree, mut model) = (Tree::default(), Model::new());
        let put = |tree: &mut Tree, n: u32| tree.insert(row(&order(n).to_be_bytes(), &n.to_be_bytes()));
        for n in 0..20_000 {
            assert!(put(&mut tree, n).is_none());
            model.insert(order(n).to_be_bytes().to_vec(), n.to_be_bytes().to_vec());
        }
        check_same(&tree, &model);
        let full = tree.clone();
        for n in (0..20_000).filter(|n| n % 7 != 0) {
            assert!(tree.remove(&order(n).to_be_bytes()).is_some());
            if n % 1000 == 1 {
                check_form(&tree.root, true);
            }
        }
        let rest: Model = (0..20_000u32)
            .step_by(7)
            .map(|n| (order(n).to_be_bytes().to_vec(), n.to_be_bytes().to_vec()))
            .collect();
        check_same(&tree, &rest);
        check_same(&full, &model);
        for n in (0..20_000u32).step_by(7) {
            assert!(tree.remove(&order(n).to_be_bytes()).is_some());
        }
        check_same(&tree, &Model::new());
    }
}
