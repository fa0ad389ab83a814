//! Calls of SQS as the simulation thinks of them, and as they are sent.

use serde_json::{Map, Value as Json, json};

/// One message to send. Bodies are `#N#`, and no number is used twice.
#[derive(Clone, Debug)]
pub struct Parcel {
    pub body: u64,
    pub delay_s: Option<u32>,
    pub group: Option<u64>,
    pub deduplication: Option<String>,
}

/// One call. Queues are meant by name; those that end in `.fifo` are FIFO queues.
#[derive(Clone, Debug)]
pub enum Call {
    Create {
        queue: String,
    },
    DeleteQueue {
        queue: String,
    },
    Purge {
        queue: String,
    },
    ListQueues,
    Counts {
        queue: String,
    },
    Set {
        queue: String,
        name: &'static str,
        value: String,
    },
    SetRedrive {
        queue: String,
        target: Option<String>,
        count: u32,
    },
    Send {
        queue: String,
        parcel: Parcel,
    },
    SendBatch {
        queue: String,
        parcels: Vec<Parcel>,
    },
    Receive {
        queue: String,
        max: usize,
        visibility_s: Option<u32>,
        wait_s: u32,
        attempt: Option<u64>,
    },
    Delete {
        queue: String,
        handle: String,
    },
    DeleteBatch {
        queue: String,
        handles: Vec<String>,
    },
    Change {
        queue: String,
        handle: String,
        timeout_s: u32,
    },
    ChangeBatch {
        queue: String,
        handles: Vec<String>,
        timeout_s: u32,
    },
    StartMove {
        source: String,
        destination: Option<String>,
        rate: Option<u32>,
    },
    CancelMove {
        handle: String,
        source: String,
    },
    ListMoves {
        source: String,
    },
}

pub fn is_fifo(queue: &str) -> bool {
    queue.ends_with(".fifo")
}

pub fn arn(queue: &str) -> String {
    format!("arn:aws:sqs:us-east-1:000000000000:{queue}")
}

pub fn body(number: u64) -> String {
    format!("#{number}#")
}

/// What a new queue is given, decided by its name.
pub fn given(queue: &str) -> Map<String, Json> {
    let digit = u32::from(queue.bytes().find(u8::is_ascii_digit).unwrap_or(b'0') - b'0');
    let mut given = Map::new();
    given.insert("VisibilityTimeout".into(), json!((digit * 7 % 20).to_string()));
    given.insert(
        "MessageRetentionPeriod".into(),
        json!(if digit == 1 { "120" } else { "345600" }),
    );
    if digit == 2 {
        given.insert("DelaySeconds".into(), json!("5"));
    }
    if is_fifo(queue) {
        given.insert("FifoQueue".into(), json!("true"));
    }
    given
}

impl Parcel {
    fn to_json(&self) -> Map<String, Json> {
        let mut input = Map::new();
        input.insert("MessageBody".into(), json!(body(self.body)));
        if let Some(delay) = self.delay_s {
            input.insert("DelaySeconds".into(), json!(delay));
        }
        if let Some(group) = self.group {
            input.insert("MessageGroupId".into(), json!(format!("g{group}")));
        }
        if let Some(id) = &self.deduplication {
            input.insert("MessageDeduplicationId".into(), json!(id));
        }
        input
    }
}

impl Call {
    /// The operation and its input.
    pub fn request(&self) -> (&'static str, Json) {
        let entries = |handles: &[String], more: Option<u32>| -> Vec<Json> {
            let numbered = handles.iter().enumerate();
            numbered
                .map(|(n, handle)| match more {
                    Some(timeout) => {
                        json!({ "Id": n.to_string(), "ReceiptHandle": handle, "VisibilityTimeout": timeout })
                    }
                    None => json!({ "Id": n.to_string(), "ReceiptHandle": handle }),
                })
                .collect()
        };
        match self {
            Call::Create { queue } => ("CreateQueue", json!({ "QueueName": queue, "Attributes": given(queue) })),
            Call::DeleteQueue { queue } => ("DeleteQueue", json!({ "QueueUrl": queue })),
            Call::Purge { queue } => ("PurgeQueue", json!({ "QueueUrl": queue })),
            Call::ListQueues => ("ListQueues", json!({})),
            Call::Counts { queue } => (
                "GetQueueAttributes",
                json!({ "QueueUrl": queue, "AttributeNames": ["All"] }),
            ),
            Call::Set { queue, name, value } => (
                "SetQueueAttributes",
                json!({ "QueueUrl": queue, "Attributes": { *name: value } }),
            ),
            Call::SetRedrive { queue, target, count } => {
                let policy = match target {
                    Some(target) => json!({ "deadLetterTargetArn": arn(target), "maxReceiveCount": count }).to_string(),
                    None => String::new(),
                };
                (
                    "SetQueueAttributes",
                    json!({ "QueueUrl": queue, "Attributes": { "RedrivePolicy": policy } }),
                )
            }
            Call::Send { queue, parcel } => {
                let mut input = parcel.to_json();
                input.insert("QueueUrl".into(), json!(queue));
                ("SendMessage", Json::Object(input))
            }
            Call::SendBatch { queue, parcels } => {
                let entries: Vec<Json> = parcels
                    .iter()
                    .enumerate()
                    .map(|(n, parcel)| {
                        let mut entry = parcel.to_json();
                        entry.insert("Id".into(), json!(n.to_string()));
                        Json::Object(entry)
                    })
                    .collect();
                ("SendMessageBatch", json!({ "QueueUrl": queue, "Entries": entries }))
            }
            Call::Receive {
                queue,
                max,
                visibility_s,
                wait_s,
                attempt,
            } => {
                let mut input = json!({ "QueueUrl": queue, "MaxNumberOfMessages": max, "WaitTimeSeconds": wait_s,
                                        "MessageSystemAttributeNames": ["All"] });
                if let Some(visibility) = visibility_s {
                    input["VisibilityTimeout"] = json!(visibility);
                }
                if let Some(attempt) = attempt {
                    input["ReceiveRequestAttemptId"] = json!(format!("a{attempt}"));
                }
                ("ReceiveMessage", input)
            }
            Call::Delete { queue, handle } => ("DeleteMessage", json!({ "QueueUrl": queue, "ReceiptHandle": handle })),
            Call::DeleteBatch { queue, handles } => (
                "DeleteMessageBatch",
                json!({ "QueueUrl": queue, "Entries": entries(handles, None) }),
            ),
            Call::Change {
                queue,
                handle,
                timeout_s,
            } => (
                "ChangeMessageVisibility",
                json!({ "QueueUrl": queue, "ReceiptHandle": handle, "VisibilityTimeout": timeout_s }),
            ),
            Call::ChangeBatch {
                queue,
                handles,
                timeout_s,
            } => (
                "ChangeMessageVisibilityBatch",
                json!({ "QueueUrl": queue, "Entries": entries(handles, Some(*timeout_s)) }),
            ),
            Call::StartMove {
                source,
                destination,
                rate,
            } => {
                let mut input = json!({ "SourceArn": arn(source) });
                if let Some(destination) = destination {
                    input["DestinationArn"] = json!(arn(destination));
                }
                if let Some(rate) = rate {
                    input["MaxNumberOfMessagesPerSecond"] = json!(rate);
                }
                ("StartMessageMoveTask", input)
            }
            Call::CancelMove { handle, .. } => ("CancelMessageMoveTask", json!({ "TaskHandle": handle })),
            Call::ListMoves { source } => (
                "ListMessageMoveTasks",
                json!({ "SourceArn": arn(source), "MaxResults": 10 }),
            ),
        }
    }
}
