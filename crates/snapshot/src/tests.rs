//! Files are read as they were written, and not at all where anything is different.

use crate::{ClockAt, Error, Event, FORM, Header, Reader, Scope, WorldEnd, Writer, summarise};
use proptest::prelude::{any, prop, proptest};
use std::collections::BTreeMap;

type Rows = Vec<(Vec<u8>, Vec<u8>)>;

fn header() -> Header {
    Header {
        virga: "1.2.3".to_owned(),
        made_at_ms: 1_767_225_600_000,
        scope: Scope::World {
            world: "main".to_owned(),
        },
        engine: "memory".to_owned(),
        tables: BTreeMap::from([(7, "test.rows".to_owned())]),
    }
}

fn end() -> WorldEnd {
    WorldEnd {
        now_ms: 5,
        clock: Some(ClockAt {
            shown_ms: 5,
            machine_ms: 6,
            rate: Some(60.5),
        }),
        openings: 3,
        due_number: 9,
        parent: Some("main".to_owned()),
        ttl_ms: None,
        ..WorldEnd::default()
    }
}

/// A key that says account 5, no region, table 7.
fn key(rest: &[u8]) -> Vec<u8> {
    let mut key = vec![0, 0, 0, 0, 5, 0, 1, 0, 7];
    key.extend_from_slice(rest);
    key
}

fn write(worlds: &[(&str, Rows)]) -> Result<Vec<u8>, Error> {
    let mut writer = Writer::new(Vec::new(), &header())?;
    for (name, rows) in worlds {
        writer.begin_world(name)?;
        for (key, value) in rows {
            writer.row(key, value)?;
        }
        writer.end_world(end())?;
    }
    Ok(writer.finish()?.0)
}

fn read(bytes: &[u8]) -> Result<Vec<(String, Rows)>, Error> {
    let mut reader = Reader::open(bytes)?;
    let mut worlds: Vec<(String, Rows)> = Vec::new();
    while let Some(event) = reader.next()? {
        match event {
            Event::World(name) => worlds.push((name, Rows::new())),
            Event::Rows(block) => {
                if let Some((_, rows)) = worlds.last_mut() {
                    rows.extend(block.rows().map(|(key, value)| (key.to_vec(), value.to_vec())));
                }
            }
            Event::Part(_) => {}
            Event::End(found) => assert_eq!(
                WorldEnd {
                    rows: 0,
                    bytes: 0,
                    ..found
                },
                end()
            ),
        }
    }
    Ok(worlds)
}

proptest! {
    #[test]
    fn what_is_written_is_read(rows in prop::collection::vec(
        (any::<Vec<u8>>(), prop::collection::vec(any::<u8>(), 0..300)), 0..200)) {
        let worlds = [("main", rows.clone()), ("empty", Rows::new()), ("other", rows)];
        let bytes = write(&worlds);
        let found = bytes.and_then(|bytes| read(&bytes));
        let worlds = worlds.map(|(name, rows)| (name.to_owned(), rows));
        assert_eq!(found, Ok(worlds.to_vec()));
    }

    #[test]
    fn bytes_of_any_kind_do_no_harm(bytes in any::<Vec<u8>>()) {
        let mut file = b"VIRGASNP\x01\0".to_vec();
        file.extend_from_slice(&bytes);
        assert!(summarise(&*bytes).is_err() && summarise(&*file).is_err());
    }
}

fn small() -> Result<Vec<u8>, Error> {
    let rows = (0..40u8).map(|i| (key(&[i]), vec![i; 30])).collect();
    write(&[("main", rows), ("test-1", vec![(key(b"a"), b"1".to_vec())])])
}

#[test]
fn every_flipped_bit_is_found() -> Result<(), Error> {
    let bytes = small()?;
    assert_eq!(summarise(&*bytes)?.totals.rows, 41);
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            assert!(summarise(&*damaged).is_err(), "byte {at}, bit {bit}");
        }
    }
    Ok(())
}

#[test]
fn every_missing_end_is_found_and_so_is_more() -> Result<(), Error> {
    let mut bytes = small()?;
    for length in 0..bytes.len() {
        assert!(summarise(&bytes[..length]).is_err(), "{length}");
    }
    bytes.push(0);
    assert!(matches!(summarise(&*bytes), Err(Error::Damaged { .. })));
    Ok(())
}

/// The frames behind the mark, whole.
fn frames(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut rest, mut frames) = (&bytes[10..], Vec::new());
    while rest.len() > 13 {
        let length = u32::from_le_bytes([rest[1], rest[2], rest[3], rest[4]]) as usize;
        let (frame, behind) = rest.split_at(13 + length);
        frames.push(frame);
        rest = behind;
    }
    frames
}

#[test]
fn parts_that_are_missing_or_moved_are_found() -> Result<(), Error> {
    // Large enough for several blocks of rows, whose frames are well by themselves.
    let rows: Rows = (0..60_000u32).map(|i| (key(&i.to_be_bytes()), vec![7; 60])).collect();
    let bytes = write(&[("main", rows)])?;
    let parts = frames(&bytes);
    assert!(
        parts.len() > 6 && parts[2][0] == b'R' && parts[4][0] == b'R',
        "{}",
        parts.len()
    );
    let join = |parts: &[&[u8]]| [&bytes[..10], &parts.concat()].concat();
    assert!(summarise(&*join(&parts)).is_ok());
    for at in 0..parts.len() {
        let mut without = parts.clone();
        without.remove(at);
        assert!(summarise(&*join(&without)).is_err(), "without {at}");
        let mut twice = parts.clone();
        twice.insert(at, parts[at]);
        assert!(summarise(&*join(&twice)).is_err(), "twice {at}");
    }
    for (a, b) in [(2, 3), (2, 4), (1, 2)] {
        let mut moved = parts.clone();
        moved.swap(a, b);
        assert!(summarise(&*join(&moved)).is_err(), "{a} and {b}");
    }
    Ok(())
}

#[test]
fn objects_come_whole_or_not_at_all() -> Result<(), Error> {
    let (a, b) = ([1; 16], [2; 16]);
    let file = |parts: &[(&[u8; 16], u64, u64, &[u8])]| -> Result<Vec<u8>, Error> {
        let mut writer = Writer::new(Vec::new(), &header())?;
        writer.begin_world("main")?;
        writer.row(&key(b"k"), b"v")?;
        for (name, length, offset, bytes) in parts {
            writer.part(name, *length, *offset, bytes)?;
        }
        writer.end_world(end())?;
        Ok(writer.finish()?.0)
    };
    let good = file(&[(&a, 5, 0, b"abc"), (&a, 5, 3, b"de"), (&b, 2, 0, b"fg")])?;
    let summary = summarise(&*good)?;
    assert_eq!((summary.totals.objects, summary.totals.object_bytes), (2, 7));
    let mut reader = Reader::open(&*good)?;
    let mut found = Vec::new();
    while let Some(event) = reader.next()? {
        if let Event::Part(part) = event {
            found.push((part.name, part.offset, part.bytes().to_vec()));
        }
    }
    let wanted = [(a, 0, b"abc".to_vec()), (a, 3, b"de".to_vec()), (b, 0, b"fg".to_vec())];
    assert_eq!(found, wanted);
    for bad in [
        &[(&a, 5, 0, b"abc".as_slice())][..],
        &[(&a, 5, 0, b"abc"), (&a, 5, 2, b"cde")],
        &[(&a, 5, 0, b"abc"), (&b, 5, 3, b"de")],
        &[(&a, 5, 3, b"de")],
        &[(&a, 2, 0, b"abc")],
        &[(&a, 5, 0, b"")],
        &[(&a, 5, 0, b"abc"), (&a, 6, 3, b"def")],
    ] {
        assert!(matches!(summarise(&*file(bad)?), Err(Error::Damaged { .. })));
    }
    assert!(summarise(&*file(&[(&a, 0, 0, b"")])?).is_ok());
    Ok(())
}

#[test]
fn other_files_are_told_apart() -> Result<(), Error> {
    assert_eq!(summarise(&b""[..]), Err(Error::NotASnapshot));
    assert_eq!(summarise(&b"{\"name\": \"mail\"}"[..]), Err(Error::NotASnapshot));
    let mut later = small()?;
    later[8] = 9;
    assert_eq!(summarise(&*later), Err(Error::Newer { form: 9 }));
    assert_eq!(FORM, 2);
    Ok(())
}

#[test]
fn a_summary_counts_by_account_and_table() -> Result<(), Error> {
    let summary = summarise(&*small()?)?;
    assert_eq!(summary.header, header());
    let world = &summary.worlds[0];
    let (group, counts) = world.groups.iter().next().ok_or(Error::NotASnapshot)?;
    assert_eq!((group.table, group.region.as_str()), (7, ""));
    assert_eq!(
        group.account.map(|account| account.to_string()).as_deref(),
        Some("000000000005")
    );
    assert_eq!(*counts, (40, 40 * 40));
    // A row that is under no account, region and table is of nobody.
    let foreign = write(&[("main", vec![(b"x".to_vec(), b"y".to_vec())])])?;
    assert!(matches!(summarise(&*foreign), Err(Error::Damaged { .. })));
    Ok(())
}
