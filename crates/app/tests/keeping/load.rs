//! A load of SQS with known answers, on a Virga that is killed while it works.
//!
//! Each message's body is its name. A send or delete that was answered must be found to have been done; one that was under
//! way may have been done or not; nothing else may be found. Deferred work is a task that moves messages from queue to
//! queue: wherever it was killed, in the end each message is in one of them, once.

use crate::server::{self, Client, Refused, Server};
use serde_json::{Value as Json, json};
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

const WRITERS: u64 = 8;
/// Messages that are moved in each life.
const MOVED: u64 = 20;
/// Longer than any message is delayed or hidden, in seconds.
const ALL_VISIBLE_S: u64 = 65;
/// A check hides what it receives for this time, in seconds of a clock that stands.
const HIDDEN_S: u64 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Sending,
    Sent,
    Deleting,
    Deleted,
}

/// A message that can be deleted: its name and its receipt.
type Receipt = (String, String);

/// What was done so far, and how much of it was not found again.
#[derive(Debug, Default)]
pub struct Tally {
    pub lives: u64,
    /// Sends, deletes and puts that were answered.
    pub acknowledged: u64,
    /// Of these, those that were found undone.
    pub lost: u64,
    /// What was found and had never been asked for, or twice.
    pub extra: u64,
    /// Requests under way at a kill.
    pub under_way: u64,
    /// Messages that deferred work moved.
    pub moved: u64,
}

/// A data folder, and what must be in it.
pub struct Crash {
    program: PathBuf,
    folder: PathBuf,
    chance: Chance,
    messages: HashMap<String, State>,
    /// By writer: the last number that was answered, and the last that was sent.
    puts: Vec<(u64, u64)>,
    pub tally: Tally,
}

/// A sequence of numbers that looks like chance and repeats.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 29)) % bound
    }
}

fn url(queue: &str) -> String {
    format!("http://localhost:4566/000000000000/{queue}")
}

fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{queue}")
}

impl Crash {
    pub fn new(program: &Path, folder: &Path) -> Crash {
        Crash {
            program: program.to_owned(),
            folder: folder.to_owned(),
            chance: Chance(17),
            messages: HashMap::new(),
            puts: vec![(0, 0); WRITERS as usize],
            tally: Tally::default(),
        }
    }

    /// Starts Virga, looks whether all is there, and kills it under a load.
    pub fn live_and_die(&mut self) -> Result<(), String> {
        let mut server = Server::start(server::command(&self.program, &self.folder), &self.folder)?;
        let mut client = server.client();
        let receipts = if self.tally.lives == 0 {
            prepare(&mut client)?;
            Vec::new()
        } else {
            self.check(&mut client)?
        };
        self.tally.lives += 1;
        self.give_work(&mut client)?;
        let load = Load {
            life: self.tally.lives,
            messages: Mutex::new(std::mem::take(&mut self.messages)),
            receipts: Mutex::new(receipts),
        };
        let lifetime = Duration::from_millis(20 + self.chance.below(200));
        let answered = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..WRITERS)
                .zip(&mut self.puts)
                .map(|(writer, puts)| {
                    let (load, client) = (&load, server.client());
                    scope.spawn(move || load.write(writer, client, puts))
                })
                .collect();
            std::thread::sleep(lifetime);
            server.kill();
            writers.into_iter().try_fold(0, |sum, writer| {
                let answered = writer.join().map_err(|_| "a writer panicked".to_owned())??;
                Ok::<u64, String>(sum + answered)
            })
        })?;
        self.tally.acknowledged += answered;
        self.messages = load.messages.into_inner().map_err(|error| error.to_string())?;
        Ok(())
    }

    /// Starts Virga a last time and looks whether all is there.
    pub fn check_at_end(&mut self) -> Result<(), String> {
        let server = Server::start(server::command(&self.program, &self.folder), &self.folder)?;
        self.check(&mut server.client()).map(drop)
    }

    /// Messages for deferred work to move, a few each second.
    fn give_work(&mut self, client: &mut Client) -> Result<(), String> {
        for n in 0..MOVED {
            let name = format!("{}-moved-{n}", self.tally.lives);
            client.sqs(
                "SendMessage",
                &json!({"QueueUrl": url("dead"), "MessageBody": name.clone()}),
            )?;
            self.messages.insert(name, State::Sent);
        }
        // One at a time moves in sixteenths of the load; without a rate all would be moved before the kill.
        client.sqs(
            "StartMessageMoveTask",
            &json!({"SourceArn": arn("dead"), "DestinationArn": arn("work"), "MaxNumberOfMessagesPerSecond": 5}),
        )?;
        self.tally.acknowledged += MOVED;
        self.tally.moved += MOVED;
        Ok(())
    }

    /// Compares what is there with what must be; answers receipts of all messages.
    fn check(&mut self, client: &mut Client) -> Result<Vec<Receipt>, String> {
        client.ask("/_virga/time", &json!({"action": "freeze"}))?;
        let later = ALL_VISIBLE_S + self.tally.lives * (HIDDEN_S + 2);
        client.ask("/_virga/time", &json!({"action": "advance", "by": format!("{later}s")}))?;
        let tasks = client.sqs("ListMessageMoveTasks", &json!({"SourceArn": arn("dead")}))?;
        let status = tasks["Results"][0]["Status"].as_str().unwrap_or("there is none");
        if status != "COMPLETED" {
            return Err(format!("deferred work did not go on: {tasks}"));
        }
        let mut receipts = Vec::new();
        if !receive_all(client, "dead")?.is_empty() {
            return Err("deferred work left messages behind".to_owned());
        }
        let mut found = HashSet::new();
        for (name, receipt) in receive_all(client, "work")? {
            match self.messages.get_mut(&name) {
                Some(state @ (State::Sending | State::Deleting)) => {
                    self.tally.under_way += 1;
                    *state = State::Sent;
                }
                Some(State::Sent) => {}
                // An answered delete that was not done, or a message that nobody sent.
                Some(State::Deleted) => self.tally.lost += 1,
                None => self.tally.extra += 1,
            }
            if !found.insert(name.clone()) {
                self.tally.extra += 1;
            }
            receipts.push((name, receipt));
        }
        self.messages.retain(|name, state| match state {
            State::Sent => {
                self.tally.lost += u64::from(!found.contains(name));
                true
            }
            // What is deleted stays known, so that it is told from what was never sent.
            State::Deleted => true,
            State::Sending | State::Deleting => {
                self.tally.under_way += 1;
                *state = State::Deleted;
                true
            }
        });
        let tags = client.sqs("ListQueueTags", &json!({"QueueUrl": url("work")}))?;
        for (writer, (answered, sent)) in self.puts.iter_mut().enumerate() {
            let value = tags["Tags"][format!("writer-{writer}")].as_str();
            let value = value.and_then(|value| value.parse().ok()).unwrap_or(0);
            self.tally.lost += answered.saturating_sub(value);
            self.tally.extra += value.saturating_sub(*sent);
            (*answered, *sent) = (value, value);
        }
        client.ask("/_virga/time", &json!({"action": "reset"}))?;
        Ok(receipts)
    }
}

fn prepare(client: &mut Client) -> Result<(), String> {
    client.sqs("CreateQueue", &json!({"QueueName": "dead"}))?;
    let redrive = json!({"deadLetterTargetArn": arn("dead"), "maxReceiveCount": 1000}).to_string();
    let attributes = json!({"RedrivePolicy": redrive, "MessageRetentionPeriod": "1209600"});
    client.sqs("CreateQueue", &json!({"QueueName": "work", "Attributes": attributes}))?;
    Ok(())
}

fn receive(client: &mut Client, queue: &str, hidden_s: u64) -> Result<Vec<Receipt>, Refused> {
    let input = json!({"QueueUrl": url(queue), "MaxNumberOfMessages": 10, "VisibilityTimeout": hidden_s});
    let answer = client.sqs("ReceiveMessage", &input)?;
    let messages = answer["Messages"].as_array().cloned().unwrap_or_default();
    let text = |message: &Json, name: &str| message[name].as_str().unwrap_or_default().to_owned();
    Ok(messages
        .iter()
        .map(|message| (text(message, "Body"), text(message, "ReceiptHandle")))
        .collect())
}

fn receive_all(client: &mut Client, queue: &str) -> Result<Vec<Receipt>, Refused> {
    let mut all = Vec::new();
    loop {
        let some = receive(client, queue, HIDDEN_S)?;
        if some.is_empty() {
            return Ok(all);
        }
        all.extend(some);
    }
}

/// What the writers of one life share.
struct Load {
    life: u64,
    messages: Mutex<HashMap<String, State>>,
    /// Messages to delete.
    receipts: Mutex<Vec<Receipt>>,
}

impl Load {
    /// Sends, deletes, receives and puts until nobody answers; says how much of it was answered.
    fn write(&self, writer: u64, mut client: Client, puts: &mut (u64, u64)) -> Result<u64, String> {
        let mut answered = 0;
        for n in 0.. {
            let done = match n % 8 {
                0 => self.put(writer, &mut client, puts),
                1 => self.receive(&mut client),
                2 | 4 | 6 => self.delete(&mut client),
                _ => self.send(&format!("{}-{writer}-{n}", self.life), n, &mut client),
            };
            match done {
                Ok(count) => answered += count,
                // Nobody answers: it was killed.
                Err(Refused(0, _)) => break,
                Err(refused) => return Err(refused.into()),
            }
        }
        Ok(answered)
    }

    fn set(&self, name: &str, state: State) {
        if let Ok(mut messages) = self.messages.lock() {
            messages.insert(name.to_owned(), state);
        }
    }

    fn send(&self, name: &str, n: u64, client: &mut Client) -> Result<u64, Refused> {
        // Some are delayed, beyond the life's end or not.
        let delay_s = if n.is_multiple_of(5) { n % 40 } else { 0 };
        self.set(name, State::Sending);
        client.sqs(
            "SendMessage",
            &json!({"QueueUrl": url("work"), "MessageBody": name, "DelaySeconds": delay_s}),
        )?;
        self.set(name, State::Sent);
        Ok(1)
    }

    fn delete(&self, client: &mut Client) -> Result<u64, Refused> {
        let receipt = self.receipts.lock().ok().and_then(|mut receipts| receipts.pop());
        let Some((name, receipt)) = receipt else {
            return Ok(0);
        };
        self.set(&name, State::Deleting);
        client.sqs(
            "DeleteMessage",
            &json!({"QueueUrl": url("work"), "ReceiptHandle": receipt}),
        )?;
        self.set(&name, State::Deleted);
        Ok(1)
    }

    fn receive(&self, client: &mut Client) -> Result<u64, Refused> {
        let some = receive(client, "work", 30)?;
        if let Ok(mut receipts) = self.receipts.lock() {
            // These go last, so that those of the check before go at all.
            receipts.splice(0..0, some);
        }
        Ok(0)
    }

    fn put(&self, writer: u64, client: &mut Client, puts: &mut (u64, u64)) -> Result<u64, Refused> {
        puts.1 += 1;
        let tags = json!({format!("writer-{writer}"): puts.1.to_string()});
        client.sqs("TagQueue", &json!({"QueueUrl": url("work"), "Tags": tags}))?;
        puts.0 = puts.1;
        Ok(1)
    }
}
