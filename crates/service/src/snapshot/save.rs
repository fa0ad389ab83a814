//! Saving.

use super::{SnapshotError, What, aside, is_of_world};
use crate::worlds::REST_MAX;
use crate::worlds::state::{CLOCK, ClockRow};
use crate::{Cloud, WorldError, Worlds};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use tokio::runtime::Handle;
use virga_base::{Account, Clock};
use virga_blob::{Blobs, Name};
use virga_snapshot::{ClockAt, Header, PART_MAX_BYTES, Scope, Totals, WorldEnd, Writer};
use virga_store::{Frozen, Luggage, Record, StoreError, TableInfo, luggage};

type Tables = HashMap<u16, TableInfo>;

impl Worlds {
    /// Writes a snapshot. It blocks, on `out` too: call it on a thread that may, within a runtime.
    ///
    /// Each world is saved as it is at one moment; the worlds of a cloud one after another, for they have nothing to do
    /// with each other. One that is dropped before its turn is left out.
    pub fn save<W: Write>(&self, what: &What, version: &str, out: W) -> Result<(W, Totals), SnapshotError> {
        let (worlds, scope, account) = match what {
            What::Cloud => (self.list(), Scope::Cloud, None),
            What::World(name) => {
                let scope = Scope::World { world: name.clone() };
                (vec![self.find(name)?], scope, None)
            }
            What::Account(world, account) => {
                let scope = Scope::Account {
                    world: world.clone(),
                    account: account.to_string(),
                };
                (vec![self.find(world)?], scope, Some(*account))
            }
        };
        let tables: Tables = self.main().tables().map(|table| (table.number, *table)).collect();
        let names: BTreeMap<u16, String> = tables
            .iter()
            .map(|(number, table)| (*number, table.name.to_owned()))
            .collect();
        let header = Header {
            virga: version.to_owned(),
            made_at_ms: Clock::machine_now().as_millis(),
            scope,
            engine: self.main().store().kept_in().0.to_owned(),
            tables: names,
        };
        let mut writer = Writer::new(out, &header)?;
        // A name, not the world: one that is dropped meanwhile must not wait for its turn here.
        let names: Vec<String> = worlds.iter().map(|world| world.world().to_owned()).collect();
        drop(worlds);
        for name in names {
            match self.get(&name) {
                Some(world) => save_world(world, &tables, account, &mut writer)?,
                None if matches!(what, What::Cloud) => {}
                None => return Err(WorldError::Unknown(name).into()),
            }
        }
        Ok(writer.finish()?)
    }
}

/// The rows of a moment.
enum Moment {
    Frozen(Frozen),
    /// The world itself, where one view sees one moment.
    Live(Arc<Cloud>),
}

fn save_world<W: Write>(
    world: Arc<Cloud>,
    tables: &Tables,
    account: Option<Account>,
    writer: &mut Writer<W>,
) -> Result<(), SnapshotError> {
    let name = world.world().to_owned();
    let mut end = WorldEnd {
        parent: world.origin().map(|origin| origin.parent.to_string()),
        ttl_ms: world
            .origin()
            .and_then(|origin| origin.ttl)
            .map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)),
        ..WorldEnd::default()
    };
    let blobs = world.blobs().clone();
    // The bytes that the rows of this moment name stay until they are saved.
    let pin = blobs.pin();
    let frozen = {
        // What is being worked on is better saved as done; what takes longer is done again where it is loaded.
        let rest = Handle::current().block_on(async { tokio::time::timeout(REST_MAX, world.working.write()).await });
        let frozen = world.store().freeze(&aside("save"))?;
        end.now_ms = world.clock().now().as_millis();
        drop(rest);
        frozen
    };
    let moment = match frozen {
        Some(frozen) => {
            drop(world);
            Moment::Frozen(frozen)
        }
        None => Moment::Live(world),
    };
    writer.begin_world(&name)?;
    let mut failed: Option<SnapshotError> = None;
    let mut held = BTreeSet::new();
    let mut visit = |key: &[u8], value: &[u8]| match save_row(key, value, tables, account, &mut end, &mut held, writer)
    {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failed = Some(error);
            ControlFlow::Break(())
        }
    };
    match &moment {
        Moment::Frozen(frozen) => frozen.visit(&mut visit)?,
        Moment::Live(world) => {
            let times = std::cell::Cell::new(0);
            world.store().visit_all(
                &mut || times.set(times.get() + 1),
                &mut |key, value| match times.get() {
                    1 => visit(key, value),
                    _ => ControlFlow::Break(()),
                },
            )?;
            // What is sent cannot be taken back.
            if times.get() > 1 {
                return Err(StoreError::Unreachable("the view of the rows was lost; save again".into()).into());
            }
        }
    }
    if let Some(error) = failed {
        return Err(error);
    }
    for name in held {
        save_object(&blobs, name, writer)?;
    }
    drop(pin);
    Ok(writer.end_world(end)?)
}

fn save_object<W: Write>(blobs: &Blobs, name: Name, writer: &mut Writer<W>) -> Result<(), SnapshotError> {
    let failed =
        |error: io::Error| virga_snapshot::Error::Io(format!("the bytes of an object cannot be read: {error}"));
    let mut file = blobs.open(name).map_err(failed)?;
    let length = file.length().map_err(failed)?;
    let mut offset = 0;
    loop {
        let count = usize::try_from(length - offset)
            .unwrap_or(usize::MAX)
            .min(PART_MAX_BYTES);
        let part = file.read(offset, count).map_err(failed)?;
        if part.is_empty() && offset < length {
            return Err(failed(io::ErrorKind::UnexpectedEof.into()).into());
        }
        writer.part(&name.0, length, offset, &part)?;
        offset += part.len() as u64;
        if offset == length {
            return Ok(());
        }
    }
}

fn save_row<W: Write>(
    key: &[u8],
    value: &[u8],
    tables: &Tables,
    account: Option<Account>,
    end: &mut WorldEnd,
    held: &mut BTreeSet<Name>,
    writer: &mut Writer<W>,
) -> Result<(), SnapshotError> {
    let is_wanted = |of: Option<Account>| account.is_none_or(|account| of == Some(account));
    let put =
        |writer: &mut Writer<W>, key: &[u8], value: &[u8]| -> Result<(), SnapshotError> { Ok(writer.row(key, value)?) };
    match luggage(key, value)? {
        Luggage::Row { account: None, table } if table == CLOCK.number => {
            end.clock = clock(value);
            Ok(())
        }
        Luggage::Row { account: None, table } if is_of_world(table) => Ok(()),
        Luggage::Row { account: of, table } => {
            let of = of.or_else(|| tables.get(&table).and_then(|table| table.owner(value)));
            if !is_wanted(of) {
                return Ok(());
            }
            held.extend(virga_blob::state::held_by_row(table, key));
            put(writer, key, value)
        }
        Luggage::Due { account: of } if is_wanted(Some(Account::from_number(of))) => put(writer, key, value),
        Luggage::Claimed {
            account: of,
            key,
            value,
        } if is_wanted(Some(Account::from_number(of))) => put(writer, &key, &value),
        Luggage::DueNumber(number) => {
            end.due_number = number;
            Ok(())
        }
        Luggage::Openings(openings) => {
            end.openings = openings;
            Ok(())
        }
        Luggage::Due { .. } | Luggage::Claimed { .. } | Luggage::Node => Ok(()),
    }
}

fn clock(value: &[u8]) -> Option<ClockAt> {
    let (version, rest) = value.split_first()?;
    let row = <ClockRow as Record>::decode(*version, rest)?;
    Some(ClockAt {
        shown_ms: row.shown.as_millis(),
        machine_ms: row.machine.as_millis(),
        rate: row.rate,
    })
}
