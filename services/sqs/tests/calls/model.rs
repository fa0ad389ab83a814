//! Random histories against a naive model that keeps every message in a list and looks at all of them each time.

use crate::Bench;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use serde_json::{Value as Json, json};

const RETENTION_S: u64 = 120;
const DEDUPLICATION_S: u64 = 300;

#[derive(Clone, Debug)]
enum Step {
    Send { group: u8, content: u8, delay: u8 },
    Receive { max: u8, timeout: u8 },
    Delete { which: usize },
    Change { which: usize, timeout: u8 },
    Pass { seconds: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0u8..3, any::<u8>(), prop_oneof![3 => Just(0u8), 1 => 0u8..30])
            .prop_map(|(group, content, delay)| Step::Send { group, content, delay }),
        4 => (1u8..=10, prop_oneof![Just(0u8), 1u8..40]).prop_map(|(max, timeout)| Step::Receive { max, timeout }),
        2 => any::<usize>().prop_map(|which| Step::Delete { which }),
        1 => (any::<usize>(), prop_oneof![Just(0u8), 1u8..40])
            .prop_map(|(which, timeout)| Step::Change { which, timeout }),
        3 => prop_oneof![4 => 0u8..20, 1 => 100u8..130].prop_map(|seconds| Step::Pass { seconds }),
    ]
}

#[derive(Clone, Debug)]
struct Modelled {
    body: String,
    group: u8,
    sent: u64,
    visible: u64,
    received: u32,
}

/// A handle that a receive gave: body of the message, which receive, the handle.
type Held = (String, u32, String);

#[derive(Default)]
struct Model {
    now: u64,
    messages: Vec<Modelled>,
    held: Vec<Held>,
    /// Content and when it was sent.
    remembered: Vec<(u8, u64)>,
}

impl Model {
    fn expire(&mut self) {
        let now = self.now;
        self.messages.retain(|message| now < message.sent + RETENTION_S);
    }

    fn find(&mut self, body: &str) -> Option<&mut Modelled> {
        self.messages.iter_mut().find(|message| message.body == body)
    }

    /// Visible, in flight, delayed.
    fn counts(&self) -> (u64, u64, u64) {
        let (mut visible, mut in_flight, mut delayed) = (0, 0, 0);
        for message in &self.messages {
            match (message.visible <= self.now, message.received) {
                (true, _) => visible += 1,
                (false, 0) => delayed += 1,
                (false, _) => in_flight += 1,
            }
        }
        (visible, in_flight, delayed)
    }

    /// What each group has to give: its messages up to the first hidden one.
    fn open(&self) -> Vec<Vec<&Modelled>> {
        (0..3)
            .map(|group| {
                let members = self.messages.iter().filter(|message| message.group == group);
                members.take_while(|message| message.visible <= self.now).collect()
            })
            .collect()
    }
}

async fn receive(queue: &Bench, model: &mut Model, max: u8, timeout: u8) -> Vec<String> {
    let received = queue
        .receive(u32::from(max), json!({ "VisibilityTimeout": timeout }))
        .await;
    let mut bodies = Vec::new();
    for message in &received {
        let text = crate::body(message);
        let (now, until) = (model.now, model.now + u64::from(timeout));
        let known = model
            .find(&text)
            .unwrap_or_else(|| panic!("{text} is not in the queue"));
        assert!(known.visible <= now, "{text} is hidden");
        known.received += 1;
        assert_eq!(
            message["Attributes"]["ApproximateReceiveCount"],
            json!(known.received.to_string())
        );
        let handle = message["ReceiptHandle"].as_str().unwrap_or_default().to_owned();
        let count = known.received;
        known.visible = until;
        model.held.push((text.clone(), count, handle));
        bodies.push(text);
    }
    bodies
}

fn pick(held: &[Held], which: usize) -> Option<Held> {
    (!held.is_empty()).then(|| held[which % held.len()].clone())
}

async fn run(steps: Vec<Step>, fifo: bool) {
    let retention = RETENTION_S.to_string();
    let queue = if fifo {
        Bench::fifo(json!({ "MessageRetentionPeriod": retention })).await
    } else {
        Bench::new(json!({ "MessageRetentionPeriod": retention })).await
    };
    let mut model = Model::default();
    for (i, step) in steps.into_iter().enumerate() {
        match step {
            Step::Send { group, content, delay } => {
                send(&queue, &mut model, fifo, i, (group, content % 16, delay)).await;
            }
            Step::Receive { max, timeout } if fifo => check_fifo_receive(&queue, &mut model, max, timeout).await,
            Step::Receive { max, timeout } => {
                let expected: Vec<String> = model
                    .messages
                    .iter()
                    .filter(|message| message.visible <= model.now)
                    .take(usize::from(max))
                    .map(|message| message.body.clone())
                    .collect();
                assert_eq!(receive(&queue, &mut model, max, timeout).await, expected);
            }
            Step::Delete { which } => {
                let Some((text, count, handle)) = pick(&model.held, which) else {
                    continue;
                };
                let result = queue.call("DeleteMessage", json!({ "ReceiptHandle": handle })).await;
                let now = model.now;
                let expired = model
                    .find(&text)
                    .is_some_and(|message| fifo && (message.received != count || message.visible <= now));
                assert_eq!(result.is_err(), expired, "{text}");
                if !expired {
                    model.messages.retain(|message| message.body != text);
                }
            }
            Step::Change { which, timeout } => {
                let Some((text, count, handle)) = pick(&model.held, which) else {
                    continue;
                };
                let input = json!({ "ReceiptHandle": handle, "VisibilityTimeout": timeout });
                let result = queue.call("ChangeMessageVisibility", input).await;
                let now = model.now;
                let allowed = model
                    .find(&text)
                    .filter(|message| !fifo || (message.received == count && message.visible > now));
                assert_eq!(result.is_ok(), allowed.is_some(), "{text}");
                if let Some(message) = allowed {
                    message.visible = now + u64::from(timeout);
                }
            }
            Step::Pass { seconds } => {
                queue.pass(u64::from(seconds)).await;
                model.now += u64::from(seconds);
                model.expire();
            }
        }
        assert_eq!(queue.counts().await, model.counts());
    }
}

async fn send(queue: &Bench, model: &mut Model, fifo: bool, i: usize, what: (u8, u8, u8)) {
    let (group, content, delay) = what;
    let text = i.to_string();
    let input: Json = if fifo {
        json!({ "MessageBody": text, "MessageGroupId": group.to_string(), "MessageDeduplicationId": content.to_string() })
    } else {
        json!({ "MessageBody": text, "DelaySeconds": delay })
    };
    queue.ok("SendMessage", input).await;
    let now = model.now;
    let duplicate = |(known, at): &(u8, u64)| *known == content && now < at + DEDUPLICATION_S;
    if fifo && model.remembered.iter().any(duplicate) {
        return;
    }
    model.remembered.push((content, now));
    model.messages.push(Modelled {
        body: text,
        group,
        sent: now,
        visible: if fifo { now } else { now + u64::from(delay) },
        received: 0,
    });
}

/// As many messages as there are to have, and of each group its first ones, in order.
async fn check_fifo_receive(queue: &Bench, model: &mut Model, max: u8, timeout: u8) {
    let open: Vec<Vec<String>> = model
        .open()
        .iter()
        .map(|members| members.iter().map(|message| message.body.clone()).collect())
        .collect();
    let groups: Vec<(String, usize)> = model
        .messages
        .iter()
        .map(|message| (message.body.clone(), usize::from(message.group)))
        .collect();
    let bodies = receive(queue, model, max, timeout).await;
    let available: usize = open.iter().map(Vec::len).sum();
    assert_eq!(bodies.len(), available.min(usize::from(max)));
    for (group, members) in open.iter().enumerate() {
        let of_group: Vec<&String> = bodies
            .iter()
            .filter(|text| groups.iter().any(|(body, of)| body == *text && *of == group))
            .collect();
        assert!(
            members.iter().take(of_group.len()).eq(of_group),
            "group {group} is out of order"
        );
    }
}

fn block_on(future: impl Future<Output = ()>) {
    match tokio::runtime::Builder::new_current_thread().build() {
        Ok(runtime) => runtime.block_on(future),
        Err(error) => panic!("{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_standard_queue_behaves_as_its_model(steps in proptest::collection::vec(step(), 1..80)) {
        block_on(run(steps, false));
    }

    #[test]
    fn a_fifo_queue_behaves_as_its_model(steps in proptest::collection::vec(step(), 1..80)) {
        block_on(run(steps, true));
    }
}
