//! Deferred work that is claimed is done by one node, and survives its death.
//!
//! A node that shares its store says every second that it lives. Who is not heard for five rounds in a row is taken for
//! dead, and what it had claimed is due again. Should it live after all, it can no longer finish that work, nor write for
//! it. Rounds are counted, not times compared: neither the machines' clocks nor the virtual one have a part in it.

use crate::Cloud;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use virga_base::{Ids, Timestamp};
use virga_store::{Place, Store, StoreError, Tx, schedule};

/// How often a node says that it lives, in real time, and looks after the others.
const BEAT: Duration = Duration::from_secs(1);
/// Rounds without a word after which a node is taken for dead.
const SILENT_MAX: u32 = 5;

/// The claims of this node.
pub(crate) struct Claims {
    /// This node's number; another one in each process.
    pub(crate) node: u64,
    /// The numbers of the rows that are being worked on.
    under_way: Mutex<BTreeSet<u64>>,
    /// Held while rows are claimed, so that no row is claimed and not yet under way.
    pub(crate) claiming: tokio::sync::Mutex<()>,
    /// The store failed where a row was claimed or finished: there may be claims that nobody works on.
    in_doubt: AtomicBool,
}

/// What is known of another node: its last word, and for how many rounds that has been the last.
type Others = BTreeMap<u64, (u64, u32)>;

impl Claims {
    pub(crate) fn new(store: &Store) -> Claims {
        Claims {
            // Alone it needs no name, and draws none: a seed then repeats every byte.
            node: if store.is_shared() {
                Ids::random().u64() | 1
            } else {
                schedule::ALONE
            },
            under_way: Mutex::default(),
            claiming: tokio::sync::Mutex::default(),
            in_doubt: AtomicBool::new(false),
        }
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeSet<u64>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn begin(&self, number: u64) {
        self.under_way().insert(number);
    }

    pub(crate) fn end(&self, number: u64) {
        self.under_way().remove(&number);
    }

    /// A claim may have been left behind; the next who claims looks.
    pub(crate) fn doubt(&self) {
        self.in_doubt.store(true, Ordering::Release);
    }
}

/// Keeps the claims of a node alive that shares its store, and takes up those of dead nodes, until the world is dropped.
pub(crate) async fn keep(world: Weak<Cloud>) {
    let (mut others, mut beat) = (Others::new(), 0);
    while let Some(cloud) = world.upgrade().filter(|cloud| !cloud.has_ended()) {
        beat += 1;
        if let Err(error) = cloud.live(beat, &mut others).await {
            log::warn!("cannot hear of other nodes: {error}");
        }
        drop(cloud);
        tokio::time::sleep(BEAT).await;
    }
}

impl Cloud {
    /// When the first deferred work is due, left-behind claims included.
    pub(crate) fn learn_next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        let is_in_doubt = self.claims.in_doubt.load(Ordering::Acquire);
        if is_in_doubt && self.store().read(&Place::world(), schedule::has_claims)? {
            return Ok(Some(self.clock().now()));
        }
        self.store().learn_next_due()
    }

    /// One round.
    async fn live(&self, beat: u64, others: &mut Others) -> Result<(), StoreError> {
        let (world, me) = (Place::world(), self.claims.node);
        self.store().write(&world, |tx| schedule::beat(tx, me, beat)).await?;
        let nodes = self.store().read(&world, schedule::nodes)?;
        others.retain(|other, _| nodes.iter().any(|(node, _)| node == other));
        for (node, word) in nodes.into_iter().filter(|(node, _)| *node != me) {
            let (last, silent) = others.entry(node).or_insert((word, 0));
            if *last != word {
                (*last, *silent) = (word, 0);
                continue;
            }
            *silent += 1;
            if *silent <= SILENT_MAX {
                continue;
            }
            if let Some(count) = self.store().write(&world, |tx| schedule::bury(tx, node, word)).await? {
                log::warn!("another node is gone; {count} pieces of deferred work that it had begun are due again");
            }
        }
        Ok(())
    }

    /// Makes due again what this node has claimed and does not work on, or what somebody had claimed before these rows
    /// were copied. Called while nobody claims.
    pub(crate) async fn put_back_strays(&self) -> Result<(), StoreError> {
        if !self.claims.in_doubt.swap(false, Ordering::AcqRel) {
            return Ok(());
        }
        let under_way = self.claims.under_way().clone();
        let node = self.claims.node;
        let put_back = |tx: &mut Tx<'_>| schedule::put_back(tx, node, |number| under_way.contains(&number));
        let done = self.store().write(&Place::world(), put_back).await;
        done.map(drop).inspect_err(|_| self.claims.doubt())
    }
}
