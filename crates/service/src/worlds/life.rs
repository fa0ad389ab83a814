//! Who a world is, when it was last used, and its end.

use super::MAIN;
use super::state::{ORIGIN, OriginRow};
use crate::Cloud;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use virga_base::Timestamp;
use virga_store::{Place, StoreError};

static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Where a fork comes from, and how long it stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The world that it was made from, by name; that one may be gone.
    pub parent: Arc<str>,
    /// By the machine's clock.
    pub made_at: Timestamp,
    /// It is dropped after so long without a request.
    pub ttl: Option<Duration>,
}

pub(crate) struct Life {
    name: Arc<str>,
    origin: Option<Origin>,
    /// Milliseconds between the first use of any world and the last of this one.
    used_ms: AtomicU64,
    ended: AtomicBool,
    end: Notify,
}

impl Life {
    pub(crate) fn of_main() -> Life {
        Life::new(MAIN.into(), None)
    }

    pub(crate) fn of_fork(name: Arc<str>, origin: Origin) -> Life {
        Life::new(name, Some(origin))
    }

    fn new(name: Arc<str>, origin: Option<Origin>) -> Life {
        Life {
            name,
            origin,
            used_ms: AtomicU64::new(since_beginning_ms(Instant::now())),
            ended: AtomicBool::new(false),
            end: Notify::new(),
        }
    }
}

fn since_beginning_ms(at: Instant) -> u64 {
    u64::try_from(at.saturating_duration_since(*BEGAN).as_millis()).unwrap_or(u64::MAX)
}

impl Cloud {
    /// The world's name.
    pub fn world(&self) -> &str {
        &self.life.name
    }

    /// The same to keep; a world has many forks, and they share it.
    pub(super) fn shared_name(&self) -> Arc<str> {
        self.life.name.clone()
    }

    /// Where it comes from; `None` for the first world.
    pub fn origin(&self) -> Option<&Origin> {
        self.life.origin.as_ref()
    }

    /// Notes that the world is used now.
    pub fn touch(&self) {
        self.life
            .used_ms
            .store(since_beginning_ms(Instant::now()), Ordering::Relaxed);
    }

    /// How long nobody had used the world at `now`.
    pub fn unused_for(&self, now: Instant) -> Duration {
        let used_ms = self.life.used_ms.load(Ordering::Relaxed);
        Duration::from_millis(since_beginning_ms(now).saturating_sub(used_ms))
    }

    /// Whether the world was dropped.
    pub fn has_ended(&self) -> bool {
        self.life.ended.load(Ordering::SeqCst)
    }

    /// Completes when the world is dropped.
    pub async fn ended(&self) {
        let end = self.life.end.notified();
        // The end may have come before; one that comes from now on is told.
        if !self.has_ended() {
            end.await;
        }
    }

    pub(super) fn end(&self) {
        self.life.ended.store(true, Ordering::SeqCst);
        self.life.end.notify_waiters();
    }

    /// What its rows say of where it comes from.
    pub(crate) fn origin_row(&self) -> Option<OriginRow> {
        self.origin().map(|origin| OriginRow {
            name: self.world().to_owned(),
            parent: origin.parent.to_string(),
            made_at: origin.made_at,
            ttl_ms: origin.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)),
            ids_seed: self.ids().seed(),
        })
    }

    /// Writes down where this world comes from, if its rows outlive the process.
    pub(crate) async fn remember_origin(&self) -> Result<(), StoreError> {
        let Some(row) = self.origin_row().filter(|_| self.store().is_kept()) else {
            return Ok(());
        };
        self.store()
            .write(&Place::world(), |tx| tx.put(&ORIGIN, (), &row))
            .await
    }
}
