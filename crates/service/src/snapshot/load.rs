//! Loading.

use super::objects::Objects;
use super::{SnapshotError, aside, is_of_world};
use crate::worlds::name;
use crate::worlds::state::{CLOCK, ClockRow, ORIGIN, OriginRow};
use crate::{Cloud, MAIN, WorldError, Worlds};
use std::collections::{BTreeSet, HashMap};
use std::fs::File;
use std::io::{BufReader, Seek};
use std::sync::Arc;
use tokio::runtime::Handle;
use virga_base::{Account, Clock, Timestamp};
use virga_snapshot::{ClockAt, Event, Reader, Scope, Summary, WorldEnd, summarise};
use virga_store::{Durable, EachRow, Incoming, Luggage, Place, Store, StoreError, TableInfo, luggage};

/// Bytes of rows that are written in one transaction.
const PAGE_BYTES: usize = 1 << 20;
/// The years 1 to 9999, and a rate that makes a year of a second.
const TIME_MIN_MS: i64 = -62_135_596_800_000;
const TIME_MAX_MS: i64 = 253_402_300_799_999;
const RATE_MAX: f64 = 31_536_000.0;

/// A snapshot to be loaded.
pub struct Load {
    pub file: File,
    /// The world to load into; the one that was saved where absent. Of a whole cloud only where it has one world.
    pub name: Option<String>,
    /// Whether what is there is given up for what is in the file.
    pub replace: bool,
}

/// What was loaded.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    pub summary: Summary,
    /// The worlds as they are named here, in the order of the file.
    pub worlds: Vec<String>,
}

/// Rows that are ready for a world, in a fork of it that nobody sees. What is not taken is given up.
struct Staged {
    name: String,
    /// The world, or the rows of one to be.
    target: Target,
    aside: String,
    fork: Option<Store>,
    openings: u64,
    /// Keeps the bytes that the rows name until they are the world's.
    objects: Objects,
}

enum Target {
    World(Arc<Cloud>),
    New { main: Arc<Cloud>, store: Option<Store> },
}

impl Staged {
    fn store(&self) -> Option<&Store> {
        match &self.target {
            Target::World(world) => Some(world.store()),
            Target::New { store, .. } => store.as_ref(),
        }
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let given_up = match (self.fork.take(), self.store()) {
            (Some(fork), Some(store)) => {
                drop(fork);
                store.forget(&self.aside)
            }
            _ => Ok(()),
        };
        let given_up = given_up.and_then(|()| match &mut self.target {
            Target::New {
                main,
                store: store @ Some(_),
            } => {
                *store = None;
                main.store().forget(&self.name)
            }
            _ => Ok(()),
        });
        if let Err(error) = given_up {
            log::warn!("rows of a snapshot that was not loaded cannot be given up now: {error}");
        }
    }
}

/// Waits until a write is safe. Only on a thread that may block.
fn wait(durable: Durable) -> Result<(), StoreError> {
    durable.map_or(Ok(()), |durable| Handle::current().block_on(durable))
}

fn io(error: &std::io::Error) -> SnapshotError {
    virga_snapshot::Error::Io(format!("the snapshot cannot be read: {error}")).into()
}

impl Worlds {
    /// Loads a snapshot. Nothing is changed before the whole file is found to be as it was written, and all of its rows are
    /// here; then each world takes its rows in one step.
    pub async fn load(self: &Arc<Worlds>, load: Load) -> Result<Loaded, SnapshotError> {
        let _changing = self.changing.lock().await;
        let worlds = self.clone();
        // It is not ended halfway by a client that goes away: what is staged is loaded, or given up.
        let staging = tokio::task::spawn_blocking(move || worlds.stage(load));
        let broke_off = |_| SnapshotError::Unfit("the load broke off".to_owned());
        let (summary, ready, dropped) = match staging.await.map_err(broke_off)?? {
            Stage::Done(loaded) => return Ok(loaded),
            Stage::Ready(summary, ready, dropped) => (summary, ready, dropped),
        };
        let mut names = Vec::new();
        for staged in ready {
            names.push(staged.name.clone());
            self.take(staged).await?;
        }
        for name in dropped {
            self.remove(&name).await?;
        }
        self.main().blobs().doubt_all();
        Ok(Loaded { summary, worlds: names })
    }

    async fn take(&self, mut staged: Staged) -> Result<(), SnapshotError> {
        // Work under way would write what belongs to the old rows.
        let alone = match &staged.target {
            Target::World(world) => Some(world.working.clone().write_owned().await),
            Target::New { .. } => None,
        };
        let durable = match (staged.store(), &staged.fork) {
            (Some(store), Some(fork)) => store.adopt(&staged.aside, fork)?,
            _ => None,
        };
        drop(staged.fork.take());
        if let Some(durable) = durable {
            durable.await?;
        }
        match &mut staged.target {
            Target::World(world) => {
                world.ids.restart(staged.openings);
                world.clock().reset();
                world.recall_clock()?;
            }
            Target::New { store, .. } => {
                if let Some(store) = store.take() {
                    let world = self.take_up(&staged.name, store)?;
                    self.put(world);
                }
            }
        }
        drop(alone);
        Ok(())
    }

    /// Checks a file and brings its rows here.
    fn stage(&self, load: Load) -> Result<Stage, SnapshotError> {
        let Load {
            mut file,
            name,
            replace,
        } = load;
        file.rewind().map_err(|error| io(&error))?;
        let summary = summarise(BufReader::new(&file))?;
        let wanted = self.wanted(&summary, name.as_deref())?;
        if let Scope::Account { .. } = summary.header.scope {
            return self.load_account(&file, summary, &wanted, replace).map(Stage::Done);
        }
        let is_cloud = matches!(summary.header.scope, Scope::Cloud) && name.is_none();
        let others: Vec<String> = self.list().iter().map(|world| world.world().to_owned()).collect();
        let dropped: Vec<String> = others
            .into_iter()
            .filter(|name| is_cloud && !wanted.contains(name))
            .collect();
        if let Some(other) = dropped.first().filter(|_| !replace) {
            return Err(SnapshotError::Occupied(format!(
                "the cloud has a world {other:?}, which"
            )));
        }
        let new = wanted.iter().filter(|name| self.get(name).is_none()).count();
        if (self.list().len() + new).saturating_sub(dropped.len()) > self.worlds_max {
            return Err(WorldError::TooMany { max: self.worlds_max }.into());
        }
        for name in &wanted {
            let Some(world) = self.get(name).filter(|_| !replace) else {
                continue;
            };
            if world.store().is_used(&is_of_world)? {
                return Err(SnapshotError::Occupied(format!("the world {name:?}")));
            }
        }
        file.rewind().map_err(|error| io(&error))?;
        let mut reader = Reader::open(BufReader::new(&file))?;
        let mut ready = Vec::new();
        for (name, found) in wanted.iter().zip(&summary.worlds) {
            ready.push(self.stage_world(name, &found.end, &mut reader)?);
        }
        Ok(Stage::Ready(summary, ready, dropped))
    }

    /// The names that the worlds of a file shall have here.
    fn wanted(&self, summary: &Summary, name: Option<&str>) -> Result<Vec<String>, SnapshotError> {
        let wanted: Vec<String> = match name {
            Some(_) if summary.worlds.len() > 1 => {
                return Err(SnapshotError::Unfit(format!(
                    "the snapshot is of a cloud with {} worlds, which keep their names; leave out the world to load into",
                    summary.worlds.len()
                )));
            }
            Some(name) => vec![name.to_owned()],
            None => summary.worlds.iter().map(|world| world.name.clone()).collect(),
        };
        let mut seen = BTreeSet::new();
        for name in &wanted {
            if name != MAIN {
                name::check(name).map_err(|why| WorldError::Name {
                    name: name.clone(),
                    why,
                })?;
            }
            if !seen.insert(name) {
                return Err(SnapshotError::Unfit(format!(
                    "the snapshot has the world {name:?} twice"
                )));
            }
        }
        Ok(wanted)
    }

    /// Brings the next world of a file here.
    fn stage_world(
        &self,
        name: &str,
        end: &WorldEnd,
        reader: &mut Reader<BufReader<&File>>,
    ) -> Result<Staged, SnapshotError> {
        let target = match self.get(name) {
            Some(world) => Target::World(world),
            None => {
                let main = self.main().clone();
                let store = main.store().fork(name)?;
                Target::New {
                    main,
                    store: Some(store),
                }
            }
        };
        let mut staged = Staged {
            name: name.to_owned(),
            target,
            aside: aside("load"),
            fork: None,
            openings: end.openings,
            objects: Objects::of(self.main().blobs()),
        };
        let origin = match &staged.target {
            Target::World(world) => world.origin_row(),
            Target::New { main, store } => {
                // Where the process ends before the rows are taken, this is an empty world.
                store.as_ref().map_or(Ok(()), Store::clear)?;
                Some(OriginRow {
                    name: name.to_owned(),
                    parent: end.parent.clone().unwrap_or_else(|| MAIN.to_owned()),
                    made_at: Clock::machine_now(),
                    ttl_ms: end.ttl_ms,
                    ids_seed: main.ids().fork_seed(name),
                })
            }
        };
        let Some(store) = staged.store() else {
            return Err(WorldError::Unknown(name.to_owned()).into());
        };
        let is_new = matches!(staged.target, Target::New { .. });
        let openings = end.openings.max(store.counted()?.0);
        let fork = store.fork(&staged.aside)?;
        staged.openings = openings;
        let fork = staged.fork.insert(fork);
        fork.clear()?;
        fill(fork, reader, &mut staged.objects)?;
        // A world that is new counts its own opening.
        wait(fork.count_from(openings + u64::from(!is_new), end.due_number)?)?;
        Handle::current().block_on(fork.write(&Place::world(), |tx| -> Result<(), StoreError> {
            if let Some(clock) = &end.clock {
                tx.put(&CLOCK, (), &clock_row(clock))?;
            }
            match &origin {
                Some(origin) => tx.put(&ORIGIN, (), origin),
                None => Ok(()),
            }
        }))?;
        Ok(staged)
    }

    fn load_account(
        &self,
        file: &File,
        summary: Summary,
        wanted: &[String],
        replace: bool,
    ) -> Result<Loaded, SnapshotError> {
        let unfit = || SnapshotError::Unfit("the snapshot of an account must have one world".to_owned());
        let account = summary.header.scope.account().ok_or_else(unfit)?;
        let ([name], [found]) = (wanted, summary.worlds.as_slice()) else {
            return Err(unfit());
        };
        let world = self.find(name)?;
        if !replace && world.store().has_account(account)? {
            return Err(SnapshotError::Occupied(format!(
                "the account {account} of the world {name:?}"
            )));
        }
        let tables: HashMap<u16, &TableInfo> = world.tables().map(|table| (table.number, table)).collect();
        let objects = account_objects(file, Objects::of(world.blobs()))?;
        // Once more: ids that either side has drawn are drawn no more.
        let openings = found.end.openings.max(world.store().counted()?.0);
        let alone = Handle::current().block_on(world.working.write());
        let durable = world.store().replace_account(Incoming {
            account,
            owner: &|table, value| tables.get(&table).and_then(|table| table.owner(value)),
            rows: &mut |visit| account_rows(file, account, visit),
            openings: openings + 1,
            due_number: found.end.due_number,
        })?;
        wait(durable)?;
        world.ids.restart(openings);
        drop((alone, objects));
        world.blobs().doubt_all();
        world.store().ring();
        Ok(Loaded {
            summary,
            worlds: vec![name.clone()],
        })
    }
}

enum Stage {
    Done(Loaded),
    /// With the worlds that are not in the file and go.
    Ready(Summary, Vec<Staged>, Vec<String>),
}

/// Writes the rows of the world that comes next.
fn fill(store: &Store, reader: &mut Reader<BufReader<&File>>, objects: &mut Objects) -> Result<(), SnapshotError> {
    let mut page = Vec::new();
    let mut bytes = 0;
    while let Some(event) = reader.next()? {
        let block = match event {
            Event::World(_) => continue,
            Event::Rows(block) => block,
            Event::Part(part) => {
                objects.take(&part)?;
                continue;
            }
            Event::End(_) => break,
        };
        for (key, value) in block.rows() {
            // Only what the world's services keep; what it says of itself comes from elsewhere.
            match luggage(key, value)? {
                Luggage::Row { account: None, table } if is_of_world(table) => continue,
                Luggage::Claimed { .. } | Luggage::DueNumber(_) | Luggage::Openings(_) | Luggage::Node => continue,
                Luggage::Row { table, .. } => objects.expect(table, key),
                Luggage::Due { .. } => {}
            }
            bytes += key.len() + value.len();
            page.push((key.to_vec(), value.to_vec()));
            if bytes >= PAGE_BYTES {
                wait(store.fill(&page)?)?;
                page.clear();
                bytes = 0;
            }
        }
    }
    wait(store.fill(&page)?)?;
    objects.check()
}

/// Brings the objects of a file of an account here.
fn account_objects(mut file: &File, mut objects: Objects) -> Result<Objects, SnapshotError> {
    file.rewind().map_err(|error| io(&error))?;
    let mut reader = Reader::open(BufReader::new(file))?;
    while let Some(event) = reader.next()? {
        match event {
            Event::Part(part) => objects.take(&part)?,
            Event::Rows(block) => {
                for (key, value) in block.rows() {
                    if let Luggage::Row { table, .. } = luggage(key, value)? {
                        objects.expect(table, key);
                    }
                }
            }
            Event::World(_) | Event::End(_) => {}
        }
    }
    objects.check()?;
    Ok(objects)
}

/// Visits the rows of a file of an account.
fn account_rows(mut file: &File, account: Account, visit: EachRow<'_>) -> Result<(), StoreError> {
    let failed =
        |error: &dyn std::fmt::Display| StoreError::Engine(format!("the snapshot of {account} broke off: {error}"));
    file.rewind().map_err(|error| failed(&error))?;
    let mut reader = Reader::open(BufReader::new(file)).map_err(|error| failed(&error))?;
    while let Some(event) = reader.next().map_err(|error| failed(&error))? {
        if let Event::Rows(block) = event {
            block.rows().try_for_each(|(key, value)| visit(key, value))?;
        }
    }
    Ok(())
}

/// The clock of a file, within what a clock can show: whoever made the file may have written anything.
fn clock_row(clock: &ClockAt) -> ClockRow {
    let time = |ms: i64| Timestamp::from_millis(ms.clamp(TIME_MIN_MS, TIME_MAX_MS));
    ClockRow {
        shown: time(clock.shown_ms),
        machine: time(clock.machine_ms),
        rate: clock.rate.map(|rate| if rate > 0.0 { rate.min(RATE_MAX) } else { 1.0 }),
    }
}
