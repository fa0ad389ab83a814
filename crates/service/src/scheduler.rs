//! The one scheduler: runs deferred work in the order it is due, off the one clock.

use crate::{Caller, Cloud, Ctx, Request, outbox};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use virga_base::{Account, AwsError, Ids, Region, Timestamp};
use virga_store::schedule::{self, DueId, DueRow};
use virga_store::{Place, StoreError};

/// How much deferred work one settle or advance runs before it gives up.
pub const SETTLE_MAX_STEPS: u64 = 1_000_000;
/// Deferred work that runs side by side in the background.
const TOGETHER_MAX: usize = 64;
/// Seconds until claimed work is taken up by another, should the claimer have died.
const LEASE_S: i64 = 20 * 60;
/// How often failing work is tried.
const ATTEMPTS_MAX: u32 = 5;

/// Why deferred work did not come to rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SettleError {
    /// Work kept causing more work that was due at once.
    NeverEnds {
        steps: u64,
    },
    Store(StoreError),
}

impl fmt::Display for SettleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SettleError::NeverEnds { steps } => {
                write!(f, "gave up after {steps} pieces of deferred work: each causes the next")
            }
            SettleError::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SettleError {}

impl From<StoreError> for SettleError {
    fn from(error: StoreError) -> SettleError {
        SettleError::Store(error)
    }
}

struct Claimed {
    /// Names the row as it was claimed; no two rows are ever of the same number.
    number: u64,
    row: DueRow,
    lease: DueId,
}

impl Cloud {
    /// Runs deferred work as it falls due, until the task is dropped.
    pub async fn run_scheduler(self: Arc<Cloud>) {
        let room = Arc::new(Semaphore::new(TOGETHER_MAX));
        let mut added = self.store().watch_due();
        loop {
            added.mark_unchanged();
            let next = match self.store().next_due() {
                Ok(next) => next,
                Err(error) => {
                    log::error!("cannot read deferred work: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    continue;
                }
            };
            let arrived = match next {
                None => {
                    let _ = added.changed().await;
                    false
                }
                Some(at) => tokio::select! {
                    () = self.clock().sleep_until(at) => true,
                    _ = added.changed() => false,
                },
            };
            if !arrived {
                continue;
            }
            let Ok(place) = room.clone().acquire_owned().await else {
                return;
            };
            let working = self.working.clone().read_owned().await;
            match self.claim().await {
                Ok(Some(claimed)) => {
                    let cloud = self.clone();
                    tokio::spawn(async move {
                        cloud.work(claimed).await;
                        drop((working, place));
                    });
                }
                Ok(None) => {}
                Err(error) => {
                    log::error!("cannot claim deferred work: {error}");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
            }
        }
    }

    /// Makes work due that a process had claimed which is gone now, be it killed. Only where the store is ours alone, and
    /// before any work is run.
    pub async fn take_up_work(&self) -> Result<usize, StoreError> {
        let now = self.clock().now();
        let place = Place::world();
        self.store().write(&place, |tx| schedule::take_up(tx, now)).await
    }

    /// Runs all work that is due now, in order, with what it causes; answers how much there was.
    pub async fn settle(self: &Arc<Cloud>) -> Result<u64, SettleError> {
        let _alone = self.working.write().await;
        self.run_due(0).await
    }

    /// Moves the clock to `target` step by step: each piece of work due by then runs at its own time, in order, with what
    /// it causes. Answers how much there was.
    pub async fn advance(self: &Arc<Cloud>, target: Timestamp) -> Result<u64, SettleError> {
        let _alone = self.working.write().await;
        let mut steps = self.run_due(0).await?;
        while let Some(at) = self.store().next_due()?.filter(|at| *at <= target) {
            if at > self.clock().now() {
                self.clock().set(at);
            }
            steps = self.run_due(steps).await?;
        }
        if target > self.clock().now() {
            self.clock().set(target);
        }
        Ok(steps)
    }

    async fn run_due(self: &Arc<Cloud>, mut steps: u64) -> Result<u64, SettleError> {
        while let Some(claimed) = self.claim().await? {
            steps += 1;
            if steps > SETTLE_MAX_STEPS {
                return Err(SettleError::NeverEnds {
                    steps: SETTLE_MAX_STEPS,
                });
            }
            self.work(claimed).await;
        }
        Ok(steps)
    }

    async fn claim(&self) -> Result<Option<Claimed>, StoreError> {
        let now = self.clock().now();
        let claimed = self
            .store()
            .write(&Place::world(), |tx| schedule::claim(tx, now, now.plus_secs(LEASE_S)))
            .await?;
        Ok(claimed.map(|(id, row, lease)| Claimed {
            number: id.number,
            row,
            lease,
        }))
    }

    async fn work(self: &Arc<Cloud>, claimed: Claimed) {
        let Claimed { number, row, lease } = claimed;
        let ids = Arc::new(self.ids_of_work(number));
        let result = self.run_row(&row, ids).await;
        let now = self.clock().now();
        let retry = match &result {
            Ok(()) => None,
            Err(error) => {
                let attempts = row.attempts + 1;
                log::warn!(
                    "deferred work {} of {} failed (attempt {attempts}): {error}",
                    row.kind,
                    row.service
                );
                (attempts < ATTEMPTS_MAX).then(|| now.plus_secs(1 << attempts))
            }
        };
        let again = DueRow {
            attempts: row.attempts + 1,
            ..row
        };
        let finished: Result<(), StoreError> = self
            .store()
            .write(&Place::world(), |tx| {
                tx.unschedule(lease)?;
                if let Some(at) = retry {
                    tx.schedule(at, &again)?;
                }
                Ok(())
            })
            .await;
        if let Err(error) = finished {
            log::error!("cannot finish deferred work: {error}");
        }
    }

    async fn run_row(self: &Arc<Cloud>, row: &DueRow, ids: Arc<Ids>) -> Result<(), AwsError> {
        let account = Account::from_number(row.account);
        let region = Region::parse(&row.region).unwrap_or_default();
        if row.service == outbox::SERVICE {
            return outbox::deliver(self, account, region, &row.payload, ids).await;
        }
        let unknown = || AwsError::internal(format!("no service does deferred work {} of {}", row.kind, row.service));
        let service = self.service(&row.service).ok_or_else(unknown)?;
        let handler = service.due.get(row.kind.as_str()).ok_or_else(unknown)?;
        let caller = Caller::service(account, &format!("{}.amazonaws.com", row.service));
        let request = Request {
            ids: Some(ids),
            ..Request::default()
        };
        let ctx = Ctx::new(self.clone(), service.name, account, region, caller, request);
        handler(ctx, row.payload.clone()).await
    }
}
