//! The engine: a world's rows in the database.

use crate::blobs::{self, Pieces, SharedRegister};
use crate::connection::Connection;
use crate::failure::Failure;
use crate::lane::Lane;
use crate::pool::Pool;
use crate::schema;
use crate::session::{BEGIN_WRITE, Session};
use crate::url::Options;
use crate::wakes::{self, Waiting};
use crate::wire::message::{BYTES, NUMBER, Parameter, TEXT};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use tokio::runtime::{Handle, RuntimeFlavor};
use virga_base::Ids;
use virga_store::{Decision, Durable, Engine, EngineFigures, Kept, Reader, StoreError, Waiters, Writer};

/// The world that is nobody's fork.
pub(crate) const ROOT: i64 = 0;

/// Keeps all rows in a database that several nodes may share.
///
/// Its calls block on the network. Within a runtime of several threads they let the others go on; within one of a single
/// thread they hold it up.
pub struct PostgresEngine {
    node: Arc<Node>,
    world: i64,
    lane: Lane,
}

/// What a process has of a database, whatever the world.
struct Node {
    options: Options,
    pool: Arc<Pool>,
    waiting: Arc<Waiting>,
    /// Drawn anew by each process.
    number: u64,
    ids: Ids,
}

/// Lets the runtime's other tasks go on while `f` blocks.
fn blocking<T>(f: impl FnOnce() -> T) -> T {
    match Handle::try_current() {
        Ok(handle) if handle.runtime_flavor() == RuntimeFlavor::MultiThread => tokio::task::block_in_place(f),
        _ => f(),
    }
}

impl PostgresEngine {
    /// Opens the database behind a URL and makes its tables where there are none. `password` is used where the URL has
    /// none. What does not work is said in a sentence for people, without the password.
    pub fn open(url: &str, password: Option<String>) -> Result<PostgresEngine, String> {
        let options = Options::parse(url, password).map_err(|why| format!("The URL of the store is wrong: {why}."))?;
        let refused = |why: String| format!("The store {options} cannot be used: {why}.");
        blocking(|| {
            let mut connection = Connection::open(&options).map_err(refused)?;
            schema::prepare(&mut connection).map_err(|failure| match failure {
                Failure::Refused(StoreError::Engine(why)) => refused(why),
                failure => refused(failure.into_error().to_string()),
            })?;
            let node = Node {
                options: options.clone(),
                pool: Pool::new(options.clone()),
                waiting: Arc::default(),
                number: Ids::random().u64(),
                ids: Ids::random(),
            };
            wakes::start(&node.pool, &node.waiting, node.number)
                .map_err(|error| refused(format!("no thread can be started, {error}")))?;
            Ok(PostgresEngine::at(Arc::new(node), ROOT))
        })
    }

    /// The bytes of objects in the same database, and what its nodes tell each other of files, wherever those lie. Once a
    /// process.
    pub fn blobs(&self) -> (Pieces, SharedRegister) {
        blobs::open(&self.node.options, &self.node.pool, self.node.number)
    }

    fn at(node: Arc<Node>, world: i64) -> PostgresEngine {
        PostgresEngine {
            lane: Lane::new(node.pool.clone(), world, node.number),
            node,
            world,
        }
    }

    /// Runs statements in a transaction of their own.
    fn transact<T>(&self, mut f: impl FnMut(&mut Connection) -> Result<T, Failure>) -> Result<T, StoreError> {
        self.lane.alone(|connection| {
            connection.query(BEGIN_WRITE);
            connection.finish(&mut |_| {})?;
            let out = f(connection)?;
            connection.query("COMMIT");
            connection.finish(&mut |_| {}).map_err(|failure| match failure {
                Failure::Lost(why) => Failure::Unknown(why),
                failure => failure,
            })?;
            Ok(out)
        })
    }
}

pub(crate) fn run(
    connection: &mut Connection,
    sql: &str,
    types: &[u32],
    parameters: &[Parameter<'_>],
) -> Result<(), Failure> {
    connection.execute_once(sql, types, parameters);
    connection.sync();
    connection.finish(&mut |_| {})
}

impl Engine for PostgresEngine {
    fn read(&self, f: &mut dyn FnMut(&dyn Reader)) -> Result<(), StoreError> {
        blocking(|| {
            self.lane.retry(|| {
                let session = Session::read(&self.node.pool, self.world);
                f(&session);
                match session.failure() {
                    None => Ok(()),
                    Some(failure) => {
                        drop(session);
                        if matches!(failure, Failure::Lost(_)) {
                            self.node.pool.forget_idle();
                        }
                        Err(failure)
                    }
                }
            })
        })
    }

    fn write(&self, f: &mut dyn FnMut(&mut dyn Writer) -> Decision) -> Result<Durable, StoreError> {
        blocking(|| self.lane.write(f)).map(|()| None)
    }

    fn clear(&self) -> Result<(), StoreError> {
        let stamp = self.lane.stamp();
        let world = Parameter::Number(self.world);
        blocking(|| {
            self.transact(|connection| {
                run(
                    connection,
                    "DELETE FROM virga_rows WHERE world = $1",
                    &[NUMBER],
                    &[world],
                )?;
                run(
                    connection,
                    "UPDATE virga_wakes SET stamp = $2 WHERE world = $1",
                    &[NUMBER, BYTES],
                    &[world, Parameter::Bytes(&stamp)],
                )
            })
        })
    }

    fn figures(&self) -> EngineFigures {
        EngineFigures {
            durable_commits: self.lane.writes.load(Ordering::Relaxed),
            syncs: self.lane.commits.load(Ordering::Relaxed),
        }
    }

    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn location(&self) -> Option<String> {
        Some(self.node.options.to_string())
    }

    /// A copy of all rows: its cost grows with them.
    fn fork(&self, name: &str) -> Result<Box<dyn Engine>, StoreError> {
        let child = i64::from_be_bytes(self.node.ids.u64().to_be_bytes());
        let (from, to) = (Parameter::Number(self.world), Parameter::Number(child));
        blocking(|| {
            self.transact(|connection| {
                run(
                    connection,
                    "INSERT INTO virga_worlds (parent, name, world) VALUES ($1, $2, $3)",
                    &[NUMBER, TEXT, NUMBER],
                    &[from, Parameter::Text(name), to],
                )?;
                run(
                    connection,
                    "INSERT INTO virga_rows (world, key, value) SELECT $2, key, value FROM virga_rows WHERE world = $1",
                    &[NUMBER, NUMBER],
                    &[from, to],
                )
            })
        })?;
        Ok(Box::new(PostgresEngine::at(self.node.clone(), child)))
    }

    fn kept(&self) -> Result<Kept, StoreError> {
        let forks = blocking(|| self.lane.alone(|connection| schema::forks(connection, self.world)))?;
        let engine = |world| -> Box<dyn Engine> { Box::new(PostgresEngine::at(self.node.clone(), world)) };
        Ok(forks.into_iter().map(|(name, world)| (name, engine(world))).collect())
    }

    /// Forks of the fork become this place's.
    fn forget(&self, name: &str) -> Result<(), StoreError> {
        let place = Parameter::Number(self.world);
        blocking(|| {
            self.transact(|connection| {
                let forks = schema::forks(connection, self.world)?;
                let Some((_, gone)) = forks.into_iter().find(|(other, _)| other == name) else {
                    return Ok(());
                };
                let gone = Parameter::Number(gone);
                for sql in [
                    "DELETE FROM virga_worlds WHERE world = $1",
                    "DELETE FROM virga_rows WHERE world = $1",
                    "DELETE FROM virga_wakes WHERE world = $1",
                ] {
                    run(connection, sql, &[NUMBER], &[gone])?;
                }
                run(
                    connection,
                    "UPDATE virga_worlds SET parent = $2 WHERE parent = $1",
                    &[NUMBER, NUMBER],
                    &[gone, place],
                )
            })
        })
    }

    fn adopt(&self, name: &str, _fork: &dyn Engine) -> Result<Durable, StoreError> {
        let stamp = self.lane.stamp();
        let place = Parameter::Number(self.world);
        blocking(|| {
            self.transact(|connection| {
                let forks = schema::forks(connection, self.world)?;
                let fork = forks.into_iter().find(|(other, _)| other == name);
                let Some((_, fork)) = fork else {
                    return Err(Failure::Refused(StoreError::Engine(format!(
                        "there is no fork {name:?}"
                    ))));
                };
                let gone = Parameter::Number(fork);
                run(
                    connection,
                    "DELETE FROM virga_rows WHERE world = $1",
                    &[NUMBER],
                    &[place],
                )?;
                for sql in [
                    "UPDATE virga_rows SET world = $2 WHERE world = $1",
                    "UPDATE virga_worlds SET parent = $2 WHERE parent = $1",
                ] {
                    run(connection, sql, &[NUMBER, NUMBER], &[gone, place])?;
                }
                for sql in [
                    "DELETE FROM virga_worlds WHERE world = $1",
                    "DELETE FROM virga_wakes WHERE world = $1",
                ] {
                    run(connection, sql, &[NUMBER], &[gone])?;
                }
                run(
                    connection,
                    "UPDATE virga_wakes SET stamp = $2 WHERE world = $1",
                    &[NUMBER, BYTES],
                    &[place, Parameter::Bytes(&stamp)],
                )
            })
        })
        .map(|()| None)
    }

    fn share(&self, waiters: &Arc<dyn Waiters>) -> bool {
        self.node.waiting.add(self.world, waiters);
        true
    }
}
