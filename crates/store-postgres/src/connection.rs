//! A connection that has logged in: statements go out in bundles, and their answers are read back in order.

use crate::failure::Failure;
use crate::url::Options;
use crate::wire::message::{self, Answer, BYTES, Columns, MANY, NUMBER, Outgoing, Parameter, SqlError};
use crate::wire::scram::{self, Scram};
use crate::wire::stream::{self, Stream};
use std::io::{Read, Write};
use virga_base::Ids;
use virga_store::StoreError;

/// A statement that each connection prepares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Statement {
    name: &'static str,
    sql: &'static str,
    types: &'static [u32],
}

pub const GET: Statement = Statement {
    name: "get",
    sql: "SELECT value FROM virga_rows WHERE world = $1 AND key = $2",
    types: &[NUMBER, BYTES],
};
pub const SCAN_UP: Statement = Statement {
    name: "scan_up",
    sql: "SELECT key, value FROM virga_rows WHERE world = $1 AND key >= $2 AND key < $3 ORDER BY key LIMIT $4",
    types: &[NUMBER, BYTES, BYTES, NUMBER],
};
pub const SCAN_DOWN: Statement = Statement {
    name: "scan_down",
    sql: "SELECT key, value FROM virga_rows WHERE world = $1 AND key >= $2 AND key < $3 ORDER BY key DESC LIMIT $4",
    types: &[NUMBER, BYTES, BYTES, NUMBER],
};
pub const PUT: Statement = Statement {
    name: "put",
    sql: "INSERT INTO virga_rows (world, key, value) VALUES ($1, $2, $3) \
          ON CONFLICT (world, key) DO UPDATE SET value = excluded.value",
    types: &[NUMBER, BYTES, BYTES],
};
pub const DELETE: Statement = Statement {
    name: "delete",
    sql: "DELETE FROM virga_rows WHERE world = $1 AND key = $2",
    types: &[NUMBER, BYTES],
};
pub const WAKE: Statement = Statement {
    name: "wake",
    sql: "INSERT INTO virga_wakes (world, topic, stamp) VALUES ($1, $2, $3) \
          ON CONFLICT (world, topic) DO UPDATE SET stamp = excluded.stamp",
    types: &[NUMBER, BYTES, BYTES],
};
pub const WAKES: Statement = Statement {
    name: "wakes",
    sql: "SELECT topic, stamp FROM virga_wakes WHERE world = $1 AND topic = ANY ($2)",
    types: &[NUMBER, MANY],
};
pub const COMMIT: Statement = Statement {
    name: "commit",
    sql: "COMMIT",
    types: &[],
};

/// Whether a world holds a file: answers `$1`, which is its name.
pub const IS_HELD: Statement = Statement {
    name: "is_held",
    sql: "SELECT $1::BYTEA FROM virga_rows WHERE world = $2 AND key >= $3 AND key < $4 LIMIT 1",
    types: &[BYTES, NUMBER, BYTES, BYTES],
};
pub const PUT_PIECE: Statement = Statement {
    name: "put_piece",
    sql: "INSERT INTO virga_blob_pieces (name, number, bytes) VALUES ($1, $2, $3)",
    types: &[BYTES, NUMBER, BYTES],
};
pub const GET_PIECE: Statement = Statement {
    name: "get_piece",
    sql: "SELECT substring(bytes FROM CAST($3 AS INTEGER) FOR CAST($4 AS INTEGER)) FROM virga_blob_pieces \
          WHERE name = $1 AND number = $2",
    types: &[BYTES, NUMBER, NUMBER, NUMBER],
};

const STATEMENTS: [Statement; 11] = [
    GET, SCAN_UP, SCAN_DOWN, PUT, DELETE, WAKE, WAKES, COMMIT, IS_HELD, PUT_PIECE, GET_PIECE,
];

/// Wishes that not every server knows; one that refuses them is left as it is. Tables are small or reached by their key,
/// and a walk over a whole table would make a transaction conflict with all others.
const WISHES: [&str; 4] = [
    "SET enable_seqscan = off",
    "SET enable_bitmapscan = off",
    "SET enable_sort = off",
    "SET plan_cache_mode = force_generic_plan",
];

const READ_BYTES: usize = 32 << 10;

/// A connection to the database.
pub struct Connection {
    stream: Stream,
    outgoing: Outgoing,
    /// What has come in; `read_to` bytes of it are done with.
    incoming: Vec<u8>,
    read_to: usize,
    /// Bundles that nobody has waited for the answers of.
    owed: u32,
    /// It failed, or is in the midst of something that nobody will end.
    is_broken: bool,
}

impl Connection {
    /// Connects and logs in; an error is a sentence's end for people.
    pub fn open(options: &Options) -> Result<Connection, String> {
        let mut connection = Connection {
            stream: stream::connect(options).map_err(|error| error.to_string())?,
            outgoing: Outgoing::default(),
            incoming: Vec::new(),
            read_to: 0,
            owed: 0,
            is_broken: false,
        };
        connection.log_in(options)?;
        for wish in WISHES {
            connection.wish(wish)?;
        }
        Ok(connection)
    }

    /// Asks for what a server may refuse.
    pub fn wish(&mut self, sql: &str) -> Result<(), String> {
        self.query(sql);
        match self.finish(&mut |_| {}) {
            Err(Failure::Lost(why) | Failure::Unknown(why)) => Err(why),
            Ok(()) | Err(Failure::Conflict(_) | Failure::Refused(_)) => Ok(()),
        }
    }

    fn log_in(&mut self, options: &Options) -> Result<(), String> {
        self.outgoing.startup(&[
            ("user", &options.user),
            ("database", &options.database),
            ("client_encoding", "UTF8"),
            ("application_name", "virga"),
        ]);
        let mut proof: Option<Scram> = None;
        let mut expected = None;
        loop {
            self.send().map_err(describe)?;
            // Each round of the conversation ends where the server waits for us, or is ready.
            let next = loop {
                let end = self.fill().map_err(describe)?;
                let message = self.incoming.get(self.read_to..end).unwrap_or_default();
                let step = Step::of(message, options, &mut proof, &mut expected)?;
                self.read_to = end;
                match step {
                    Step::Go => {}
                    step => break step,
                }
            };
            match next {
                Step::Say(say) => say(&mut self.outgoing),
                Step::Ready | Step::Go => return Ok(()),
            }
        }
    }

    /// Prepares the statements; the tables must be there.
    pub fn prepare(&mut self) -> Result<(), Failure> {
        for statement in STATEMENTS {
            self.outgoing.parse(statement.name, statement.sql, statement.types);
        }
        self.outgoing.sync();
        self.finish(&mut |_| {})
    }

    /// Adds statements as text; they are a bundle of their own. Answered by [`Connection::finish`], or with
    /// [`Connection::owe`].
    pub fn query(&mut self, sql: &str) {
        self.outgoing.query(sql);
    }

    /// The bundle just added is not waited for: its answers are read together with the next ones.
    pub fn owe(&mut self) {
        self.owed += 1;
    }

    /// Adds a prepared statement to the bundle.
    pub fn execute(&mut self, statement: Statement, parameters: &[Parameter<'_>]) {
        self.outgoing.execute(statement.name, parameters);
    }

    /// Adds a statement that is used once.
    pub fn execute_once(&mut self, sql: &str, types: &[u32], parameters: &[Parameter<'_>]) {
        self.outgoing.parse("", sql, types);
        self.outgoing.execute("", parameters);
    }

    /// Ends a bundle.
    pub fn sync(&mut self) {
        self.outgoing.sync();
    }

    /// Sends what was added.
    pub fn send(&mut self) -> Result<(), Failure> {
        let sent = self
            .stream
            .write_all(self.outgoing.bytes())
            .and_then(|()| self.stream.flush());
        self.outgoing.clear();
        sent.map_err(|error| self.lost(&error.to_string()))
    }

    /// Sends all and reads the answers up to the end of the last bundle. Rows are handed to `row`; the first error is
    /// answered at the end.
    pub fn finish(&mut self, row: &mut dyn FnMut(Columns<'_>)) -> Result<(), Failure> {
        self.finish_with(row, &mut |_| {})
    }

    /// The same, and tells what each statement of the last bundle did.
    pub fn finish_with(&mut self, row: &mut dyn FnMut(Columns<'_>), done: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        self.send()?;
        let mut failed: Option<SqlError> = None;
        loop {
            let end = self.fill()?;
            let message = self.incoming.get(self.read_to..end).unwrap_or_default();
            let is_last = self.owed == 0;
            let Some(answer) = message::read(message) else {
                return Err(self.lost("the server does not speak PostgreSQL's protocol"));
            };
            let mut is_over = false;
            match answer {
                Answer::Row(columns) if is_last => row(columns),
                Answer::Done(tag) if is_last => done(tag),
                Answer::Error(error) => {
                    failed.get_or_insert(error);
                }
                Answer::Ready if is_last => is_over = true,
                Answer::Ready => self.owed -= 1,
                Answer::Row(_) | Answer::Done(_) | Answer::Authentication(..) | Answer::Other => {}
            }
            self.read_to = end;
            if let Some(Failure::Lost(why)) = failed.as_ref().map(Failure::of) {
                // The server closes the connection behind such an error.
                return Err(self.lost(&why));
            }
            if is_over {
                break;
            }
        }
        failed.map_or(Ok(()), |error| Err(Failure::of(&error)))
    }

    /// Sends what was added and reads the answers of all that is owed.
    pub fn finish_owed(&mut self) -> Result<(), Failure> {
        match self.owed.checked_sub(1) {
            Some(left) => {
                self.owed = left;
                self.finish(&mut |_| {})
            }
            None => Ok(()),
        }
    }

    /// Reads until a whole message is there; answers where it ends.
    fn fill(&mut self) -> Result<usize, Failure> {
        loop {
            let pending = self.incoming.get(self.read_to..).unwrap_or_default();
            match message::length(pending) {
                Err(why) => return Err(self.lost(&why)),
                Ok(Some(length)) if length <= pending.len() => return Ok(self.read_to + length),
                Ok(_) => {}
            }
            self.incoming.drain(..self.read_to);
            self.read_to = 0;
            let start = self.incoming.len();
            self.incoming.resize(start + READ_BYTES.max(start), 0);
            let read = self.stream.read(self.incoming.get_mut(start..).unwrap_or_default());
            self.incoming.truncate(start + *read.as_ref().unwrap_or(&0));
            match read {
                Ok(0) => return Err(self.lost("the server closed the connection")),
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.lost(&error.to_string())),
            }
        }
    }

    fn lost(&mut self, why: &str) -> Failure {
        self.is_broken = true;
        Failure::Lost(why.to_owned())
    }

    /// Whether it must not be used again.
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    pub fn mark_broken(&mut self) {
        self.is_broken = true;
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        if !self.is_broken {
            self.outgoing.terminate();
            let _ = self.send();
        }
    }
}

fn describe(failure: Failure) -> String {
    match failure {
        Failure::Refused(StoreError::Engine(why)) => why,
        Failure::Lost(why) => why,
        failure => failure.into_error().to_string(),
    }
}

/// What a message of the log-in asks for.
enum Step {
    /// Read on.
    Go,
    Say(Box<dyn FnOnce(&mut Outgoing)>),
    Ready,
}

impl Step {
    fn of(
        message: &[u8],
        options: &Options,
        proof: &mut Option<Scram>,
        expected: &mut Option<scram::Expected>,
    ) -> Result<Step, String> {
        let password = || {
            let password = options.password.clone();
            password.ok_or_else(|| "the server asks for a password, and none is given".to_owned())
        };
        let strange = || "the server's log-in makes no sense".to_owned();
        let text = |data: &[u8]| String::from_utf8(data.to_vec()).map_err(|_| strange());
        Ok(match message::read(message).ok_or_else(strange)? {
            Answer::Error(error) => return Err(error.message),
            Answer::Ready => Step::Ready,
            Answer::Authentication(3, _) => {
                let password = password()?;
                Step::Say(Box::new(move |out| out.password(&password)))
            }
            Answer::Authentication(5, salt) => {
                let answer = scram::md5(&options.user, &password()?, salt);
                Step::Say(Box::new(move |out| out.password(&answer)))
            }
            Answer::Authentication(10, names) => {
                if !names
                    .split(|byte| *byte == 0)
                    .any(|name| name == scram::MECHANISM.as_bytes())
                {
                    return Err("the server wants a way of logging in that Virga does not know".to_owned());
                }
                password()?;
                let scram = Scram::new(Ids::random().hex(32));
                let first = scram.first();
                *proof = Some(scram);
                Step::Say(Box::new(move |out| out.sasl_first(scram::MECHANISM, &first)))
            }
            Answer::Authentication(11, data) => {
                let answered = proof.as_ref().ok_or_else(strange)?.answer(&text(data)?, &password()?);
                let (answer, wanted) = answered.ok_or_else(strange)?;
                *expected = Some(wanted);
                Step::Say(Box::new(move |out| out.sasl_next(&answer)))
            }
            Answer::Authentication(12, data) => {
                let said = text(data)?;
                if !expected.as_ref().is_some_and(|expected| expected.is(&said)) {
                    return Err(
                        "the server does not know the password itself; it is not what it claims to be".to_owned(),
                    );
                }
                Step::Go
            }
            Answer::Authentication(0, _) => Step::Go,
            Answer::Authentication(..) => {
                return Err("the server wants a way of logging in that Virga does not know".to_owned());
            }
            Answer::Row(_) | Answer::Done(_) | Answer::Other => Step::Go,
        })
    }
}
