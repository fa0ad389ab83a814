//! Senders and receivers at two nodes, of which one is killed.
//!
//! Each message's body is its name. One that was answered must be received and deleted; one whose delete was answered must
//! not be seen again. FIFO messages are sent until they are answered, at either node with the same deduplication id, and
//! must then be there once, in order.

use crate::server::{Client, Refused, Server};
use crate::{call, queue};
use serde_json::{Value as Json, json};
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const SENDERS: usize = 4;
const RECEIVERS: usize = 4;
const BEFORE: Duration = Duration::from_millis(2_500);
const AFTER: Duration = Duration::from_millis(2_500);
/// What a receiver of the dead node held is seen again within this time.
const VISIBILITY_S: u32 = 3;
const DRAIN_MAX: Duration = Duration::from_secs(40);

const PLAIN: &str = "plain";
const LINE: &str = "line.fifo";

/// What came of it.
#[derive(Debug, Default)]
pub struct Tally {
    /// Sends that were answered.
    pub acknowledged: usize,
    /// Deletes that were answered.
    pub deleted: usize,
    /// Answered sends whose message was never received.
    pub lost: usize,
    /// Messages seen after their delete was answered.
    pub again: usize,
    /// FIFO messages that were there more than once.
    pub doubled: usize,
    /// FIFO messages that came before an earlier one of their group.
    pub out_of_order: usize,
    /// Requests that nobody answered, or with a 5xx.
    pub failed: usize,
}

#[derive(Default)]
struct Seen {
    acknowledged: HashSet<String>,
    /// By name: the ids that it was received with.
    received: HashMap<String, HashSet<String>>,
    deleted: HashSet<String>,
    again: usize,
    failed: usize,
    /// By FIFO group: the numbers in the order in which they were first received.
    order: HashMap<String, Vec<u64>>,
}

struct Load {
    seen: Mutex<Seen>,
    is_sending: AtomicBool,
    is_over: AtomicBool,
}

/// A client of two nodes that takes the other where one fails.
struct Pair {
    clients: [Client; 2],
    at: usize,
}

impl Pair {
    fn call(&mut self, operation: &str, input: &Json) -> Result<Json, Refused> {
        let at = self.at % 2;
        let result = self.clients[at].sqs(operation, input);
        if result.is_err() {
            self.at += 1;
        }
        result
    }
}

/// Runs a load at both nodes and kills the first in its midst.
pub fn run(mut first: Server, second: &Server) -> Result<Tally, String> {
    let attributes = |fifo: bool| {
        let mut attributes = json!({"VisibilityTimeout": VISIBILITY_S.to_string()});
        if fifo {
            attributes["FifoQueue"] = "true".into();
        }
        attributes
    };
    let mut client = second.client();
    call(
        &mut client,
        "CreateQueue",
        &json!({"QueueName": PLAIN, "Attributes": attributes(false)}),
    )?;
    call(
        &mut client,
        "CreateQueue",
        &json!({"QueueName": LINE, "Attributes": attributes(true)}),
    )?;
    let load = Load {
        seen: Mutex::default(),
        is_sending: AtomicBool::new(true),
        is_over: AtomicBool::new(false),
    };
    std::thread::scope(|scope| {
        let pair = |at: usize| Pair {
            clients: [first.client(), second.client()],
            at,
        };
        let mut threads = Vec::new();
        for n in 0..SENDERS {
            let (load, pair) = (&load, pair(n));
            threads.push(scope.spawn(move || load.send(n, pair)));
        }
        for n in 0..RECEIVERS {
            let (load, pair) = (&load, pair(n / 2));
            threads.push(scope.spawn(move || load.receive(if n % 2 == 0 { PLAIN } else { LINE }, pair)));
        }
        std::thread::sleep(BEFORE);
        first.kill();
        std::thread::sleep(AFTER);
        load.is_sending.store(false, Ordering::Relaxed);
        let begin = Instant::now();
        while begin.elapsed() < DRAIN_MAX && !load.is_drained() {
            std::thread::sleep(Duration::from_millis(50));
        }
        load.is_over.store(true, Ordering::Relaxed);
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().map_err(|_| "a client panicked".to_owned()))
    })?;
    // Whatever comes now, past every visibility timeout, was not gone.
    std::thread::sleep(Duration::from_secs(u64::from(VISIBILITY_S) + 1));
    for name in [PLAIN, LINE] {
        let input = json!({"QueueUrl": queue(name), "MaxNumberOfMessages": 10, "WaitTimeSeconds": 1});
        let answer = call(&mut client, "ReceiveMessage", &input)?;
        load.note(name, &answer);
    }
    Ok(load.tally())
}

impl Load {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_drained(&self) -> bool {
        let seen = self.seen();
        seen.acknowledged.iter().all(|name| seen.deleted.contains(name))
    }

    fn send(&self, sender: usize, mut pair: Pair) {
        for n in 0u64.. {
            if !self.is_sending.load(Ordering::Relaxed) {
                return;
            }
            let name = format!("{PLAIN}/{sender}/{n}");
            match pair.call("SendMessage", &json!({"QueueUrl": queue(PLAIN), "MessageBody": name})) {
                Ok(_) => drop(self.seen().acknowledged.insert(name)),
                Err(_) => self.seen().failed += 1,
            }
            let name = format!("{LINE}/{sender}/{n}");
            let message = json!({
                "QueueUrl": queue(LINE), "MessageBody": name,
                "MessageGroupId": sender.to_string(), "MessageDeduplicationId": name,
            });
            while let Err(refused) = pair.call("SendMessage", &message) {
                assert!(refused.0 == 0 || refused.0 >= 500, "{name}: {}", String::from(refused));
                self.seen().failed += 1;
            }
            self.seen().acknowledged.insert(name);
        }
    }

    fn receive(&self, name: &str, mut pair: Pair) {
        while !self.is_over.load(Ordering::Relaxed) {
            let input = json!({"QueueUrl": queue(name), "MaxNumberOfMessages": 5, "WaitTimeSeconds": 1});
            let Ok(answer) = pair.call("ReceiveMessage", &input) else {
                self.seen().failed += 1;
                continue;
            };
            for (body, receipt) in self.note(name, &answer) {
                match pair.call(
                    "DeleteMessage",
                    &json!({"QueueUrl": queue(name), "ReceiptHandle": receipt}),
                ) {
                    Ok(_) => drop(self.seen().deleted.insert(body)),
                    // Whether it was deleted or not: what is seen again is deleted again.
                    Err(_) => self.seen().failed += 1,
                }
            }
        }
    }

    /// Notes what an answer holds; answers bodies and receipts.
    fn note(&self, queue: &str, answer: &Json) -> Vec<(String, String)> {
        let mut seen = self.seen();
        let mut out = Vec::new();
        for message in answer["Messages"].as_array().into_iter().flatten() {
            let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
            let body = text("Body");
            seen.again += usize::from(seen.deleted.contains(&body));
            let is_new = !seen.received.contains_key(&body);
            seen.received.entry(body.clone()).or_default().insert(text("MessageId"));
            let mut parts = body.rsplit('/');
            let (number, group) = (parts.next().and_then(|number| number.parse().ok()), parts.next());
            if let (LINE, true, Some(number), Some(group)) = (queue, is_new, number, group) {
                seen.order.entry(group.to_owned()).or_default().push(number);
            }
            out.push((body, text("ReceiptHandle")));
        }
        out
    }

    fn tally(&self) -> Tally {
        let seen = self.seen();
        let lines = || seen.received.iter().filter(|(name, _)| name.starts_with(LINE));
        Tally {
            acknowledged: seen.acknowledged.len(),
            deleted: seen.deleted.len(),
            lost: seen
                .acknowledged
                .iter()
                .filter(|name| !seen.received.contains_key(*name))
                .count(),
            again: seen.again,
            doubled: lines().filter(|(_, ids)| ids.len() > 1).count(),
            out_of_order: seen
                .order
                .values()
                .map(|numbers| numbers.windows(2).filter(|two| two[0] > two[1]).count())
                .sum(),
            failed: seen.failed,
        }
    }
}
