//! The clocks of the worlds that calls are sent to, brought to the times that were recorded.

use crate::Failure;
use crate::client::Client;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use virga_base::Timestamp;

pub(super) struct Clocks<'a> {
    client: &'a Client,
    /// Clocks that run are frozen, too.
    freeze: bool,
    /// By world: when its clock stands still, or nothing while it runs.
    known: HashMap<String, Option<Standing>>,
}

#[derive(Clone, Copy)]
struct Standing {
    now: Timestamp,
    /// It was brought to a recorded time before.
    follows: bool,
}

impl<'a> Clocks<'a> {
    pub(super) fn new(client: &'a Client, freeze: bool) -> Clocks<'a> {
        Clocks {
            client,
            freeze,
            known: HashMap::new(),
        }
    }

    /// Something else may have moved the clocks.
    pub(super) fn look_again(&mut self) {
        self.known.clear();
    }

    /// Whether the clock of a world stands still.
    pub(super) fn stands(&mut self, world: &str) -> Result<bool, Failure> {
        Ok(self.standing(world)?.is_some())
    }

    /// Brings the clock of a world to a time, if it stands still or shall. All that falls due on the way runs.
    pub(super) fn bring_to(&mut self, world: &str, at: Timestamp) -> Result<(), Failure> {
        let change = match self.standing(world)? {
            None if self.freeze => json!({"action": "freeze", "at": at.to_iso8601_millis()}),
            None => return Ok(()),
            Some(Standing { now, .. }) if now == at => return Ok(()),
            // The first step may be years, in which nothing of the recording happened.
            Some(Standing { now, follows }) if follows && now < at => {
                json!({"action": "advance", "by": format!("{}ms", at.since(now).as_millis())})
            }
            Some(_) => json!({"action": "set", "at": at.to_iso8601_millis()}),
        };
        self.client.in_world(world).post("/_virga/time", &change)?;
        let standing = Standing { now: at, follows: true };
        self.known.insert(world.to_owned(), Some(standing));
        Ok(())
    }

    fn standing(&mut self, world: &str) -> Result<Option<Standing>, Failure> {
        if let Some(known) = self.known.get(world) {
            return Ok(*known);
        }
        let time = self.client.in_world(world).get("/_virga/time")?;
        let is_frozen = time.get("mode").and_then(Json::as_str) == Some("frozen");
        let now = time
            .get("now")
            .and_then(Json::as_str)
            .and_then(Timestamp::parse_iso8601);
        let standing = now.filter(|_| is_frozen).map(|now| Standing { now, follows: false });
        self.known.insert(world.to_owned(), standing);
        Ok(standing)
    }
}
