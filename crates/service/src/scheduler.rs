//! Deferred work of one world: claimed in the order it is due, run, and tried again where it fails.

use crate::conductor::Conductor;
use crate::{Caller, Cloud, Ctx, Request, outbox};
use std::fmt;
use std::sync::Arc;
use virga_base::{Account, AwsError, Region, Timestamp};
use virga_store::schedule::{self, DueRow};
use virga_store::{Place, StoreError};

/// How much deferred work one settle or advance runs before it gives up, unless it is told otherwise.
pub const SETTLE_MAX_STEPS: u64 = 1_000_000;
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

pub(crate) struct Claimed {
    /// Names the row as it was claimed; no two rows are ever of the same number.
    number: u64,
    row: DueRow,
}

impl Cloud {
    /// Runs deferred work of this world alone as it falls due, until the task is dropped. [`crate::Worlds::run`] does so for
    /// many.
    pub async fn run_scheduler(self: Arc<Cloud>) {
        let conductor = Conductor::new();
        conductor.add(&self);
        conductor.run().await;
    }

    /// Makes work due that a process had claimed which is gone now, be it killed. Only where the store is ours alone, and
    /// before any work is run.
    pub async fn take_up_work(&self) -> Result<usize, StoreError> {
        self.store().write(&Place::world(), schedule::take_up).await
    }

    /// As [`Cloud::settle`], and gives up after `steps_max` pieces of work.
    pub async fn settle_within(self: &Arc<Cloud>, steps_max: u64) -> Result<u64, SettleError> {
        let outcome = {
            let _alone = self.working.write().await;
            self.run_due(0, steps_max).await
        };
        self.store().ring();
        outcome
    }

    pub(crate) async fn step_to(self: &Arc<Cloud>, target: Timestamp, steps_max: u64) -> Result<u64, SettleError> {
        let outcome = {
            let _alone = self.working.write().await;
            self.step_alone_to(target, steps_max).await
        };
        self.store().ring();
        outcome
    }

    async fn step_alone_to(self: &Arc<Cloud>, target: Timestamp, steps_max: u64) -> Result<u64, SettleError> {
        let mut steps = self.run_due(0, steps_max).await?;
        while let Some(at) = self.store().next_due()?.filter(|at| *at <= target) {
            if at > self.clock().now() {
                self.clock().set(at);
            }
            steps = self.run_due(steps, steps_max).await?;
        }
        if target > self.clock().now() {
            self.clock().set(target);
        }
        Ok(steps)
    }

    /// Runs the first piece of work that is due now, if there is one; answers which it was.
    pub async fn run_first(self: &Arc<Cloud>) -> Result<Option<DueRow>, StoreError> {
        let _working = self.working.read().await;
        let Some(claimed) = self.claim().await? else {
            return Ok(None);
        };
        let row = claimed.row.clone();
        self.work(claimed).await;
        Ok(Some(row))
    }

    async fn run_due(self: &Arc<Cloud>, mut steps: u64, steps_max: u64) -> Result<u64, SettleError> {
        loop {
            if self.has_ended() {
                let error = StoreError::Engine(format!("the world {:?} was dropped", self.world()));
                return Err(error.into());
            }
            if steps >= steps_max && self.store().next_due()?.is_some_and(|at| at <= self.clock().now()) {
                return Err(SettleError::NeverEnds { steps });
            }
            let Some(claimed) = self.claim().await? else {
                return Ok(steps);
            };
            steps += 1;
            self.work(claimed).await;
        }
    }

    pub(crate) async fn claim(&self) -> Result<Option<Claimed>, StoreError> {
        let now = self.clock().now();
        let _alone = self.claims.claiming.lock().await;
        self.put_back_strays().await?;
        let (world, node) = (Place::world(), self.claims.node);
        let claimed = self.store().write(&world, |tx| schedule::claim(tx, now, node));
        let claimed = claimed.await.inspect_err(|_| self.claims.doubt())?;
        Ok(claimed.map(|(id, row)| {
            self.claims.begin(id.number);
            Claimed { number: id.number, row }
        }))
    }

    pub(crate) async fn work(self: &Arc<Cloud>, claimed: Claimed) {
        let Claimed { number, row } = claimed;
        let result = self.run_row(&row, number).await;
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
        let node = self.claims.node;
        let finished: Result<bool, StoreError> = self
            .store()
            .write(&Place::world(), |tx| {
                let is_ours = schedule::finish(tx, node, number)?;
                if let Some(at) = retry.filter(|_| is_ours) {
                    tx.schedule(at, &again)?;
                }
                Ok(is_ours)
            })
            .await;
        self.claims.end(number);
        match finished {
            Ok(true) => {}
            Ok(false) => log::warn!(
                "another node has taken deferred work {} of {}",
                again.kind,
                again.service
            ),
            Err(error) => {
                log::error!("cannot finish deferred work: {error}");
                self.claims.doubt();
                self.store().ring();
            }
        }
    }

    async fn run_row(self: &Arc<Cloud>, row: &DueRow, number: u64) -> Result<(), AwsError> {
        let request = Request {
            ids: Some(Arc::new(self.ids_of_work(number))),
            claim: self.store().is_shared().then_some(number),
            ..Request::default()
        };
        let account = Account::from_number(row.account);
        let region = Region::parse(&row.region).unwrap_or_default();
        if row.service == outbox::SERVICE {
            return outbox::deliver(self, account, region, &row.payload, request).await;
        }
        let unknown = || AwsError::internal(format!("no service does deferred work {} of {}", row.kind, row.service));
        let service = self.service(&row.service).ok_or_else(unknown)?;
        let handler = service.due.get(row.kind.as_str()).ok_or_else(unknown)?;
        let caller = Caller::service(account, &format!("{}.amazonaws.com", row.service));
        let ctx = Ctx::new(self.clone(), service.name, account, region, caller, request);
        handler(ctx, row.payload.clone()).await
    }
}
