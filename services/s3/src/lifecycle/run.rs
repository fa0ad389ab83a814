//! The daily walk through a bucket, in steps of bounded size: each looks at some rows, does what is due to them, and puts
//! the next step into the schedule.

use super::rules::{Rule, days_after, deeper, earlier, next_midnight};
use super::{rules_of, schedule};
use crate::access;
use crate::events::{self, What};
use crate::object::version_id;
use crate::object::versions::{self, bare};
use crate::state::{Bucket, LIFECYCLE_RUNS, OBJECTS, UPLOADS, VERSIONS, Version, Versioning};
use crate::upload::parts;
use serde::{Deserialize, Serialize};
use virga_base::{AwsError, Timestamp};
use virga_service::{Ctx, StoreError, Tx};

/// Rows that one step looks at.
const STEP_ROWS: usize = 500;
/// Uploads that one step looks at; each may have many parts.
const STEP_UPLOADS: usize = 10;

/// How far a walk has come.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Walk {
    name: String,
    pub bucket: u64,
    /// Of the configuration that it is for.
    pub number: u64,
    began: Timestamp,
    place: Place,
    /// When something that was looked at will be due next.
    next: Option<Timestamp>,
}

/// Where a walk is: behind what it has looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Place {
    Objects(Option<String>),
    Versions(Option<Behind>),
    Uploads(Option<(String, String)>),
    End,
}

/// Behind which version, and what the next one of its key must know.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Behind {
    key: String,
    rank: u64,
    /// When the version was written that stands before the next one.
    since: Timestamp,
    /// Noncurrent versions that are newer than the next one.
    newer: u32,
}

impl Walk {
    /// A walk that begins at a time.
    pub fn new(bucket: &Bucket, number: u64, began: Timestamp) -> Walk {
        Walk {
            name: bucket.name.clone(),
            bucket: bucket.id,
            number,
            began,
            place: Place::Objects(None),
            next: None,
        }
    }
}

/// One step of a walk.
pub async fn step(ctx: Ctx, payload: Vec<u8>) -> Result<(), AwsError> {
    let walk: Walk =
        serde_json::from_slice(&payload).map_err(|_| AwsError::internal("a walk through a bucket cannot be read"))?;
    let Some(bucket) = access::find(&ctx, &walk.name)?.filter(|bucket| bucket.id == walk.bucket) else {
        return Ok(());
    };
    let ids: Vec<String> = (0..STEP_ROWS).map(|_| version_id::draw(ctx.ids())).collect();
    let step = |tx: &mut Tx<'_>| -> Result<(), AwsError> {
        let run = tx.get(&LIFECYCLE_RUNS, (walk.bucket,))?;
        if run.is_none_or(|run| run.number != walk.number) {
            return Ok(());
        }
        let mut step = Step {
            rules: rules_of(&tx.reading(), &bucket)?,
            walk: walk.clone(),
            ids: ids.iter(),
            now: ctx.now(),
            bucket: &bucket,
            ctx: &ctx,
        };
        step.run(tx)?;
        let at = step.due_next();
        Ok(schedule::go_on(tx, &ctx, at, &step.walk)?)
    };
    ctx.write(step).await
}

struct Step<'a> {
    rules: Vec<Rule>,
    walk: Walk,
    /// For delete markers.
    ids: std::slice::Iter<'a, String>,
    now: Timestamp,
    bucket: &'a Bucket,
    ctx: &'a Ctx,
}

/// What the rules want of a version.
#[derive(Default)]
struct Fate {
    end: Option<Timestamp>,
    class: Option<String>,
    /// When it sinks on.
    next: Option<Timestamp>,
}

impl Step<'_> {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.walk.place = match self.walk.place.clone() {
            Place::Objects(after) => self.objects(tx, after)?,
            Place::Versions(behind) => self.versions(tx, behind)?,
            Place::Uploads(after) => self.uploads(tx, after)?,
            Place::End => Place::End,
        };
        Ok(())
    }

    /// When the next step is due; at the end of a walk the next begins.
    fn due_next(&mut self) -> Timestamp {
        if self.walk.place != Place::End {
            return self.now;
        }
        let tomorrow = next_midnight(self.now);
        let at = if self.rules.iter().any(Rule::is_fickle) {
            tomorrow
        } else {
            // What comes after this walk began is due so many days later at the earliest.
            let first = self.rules.iter().map(Rule::first_days).min();
            let new = first.map(|first| days_after(self.walk.began, first));
            earlier(self.walk.next, new).map_or(tomorrow, |at| at.max(tomorrow))
        };
        self.walk = Walk {
            began: at,
            place: Place::Objects(None),
            next: None,
            ..self.walk.clone()
        };
        at
    }

    fn objects(&mut self, tx: &mut Tx<'_>, after: Option<String>) -> Result<Place, StoreError> {
        let scan = tx.scan(&OBJECTS).prefix((self.bucket.id,));
        let scan = match &after {
            Some(after) => scan.after((self.bucket.id, after.as_str())),
            None => scan,
        };
        let rows = scan.limit(STEP_ROWS).rows()?;
        let is_full = rows.len() == STEP_ROWS;
        let last = rows.last().map(|((_, key), _)| key.clone());
        for ((_, key), version) in rows {
            self.current(tx, &key, version)?;
        }
        Ok(if is_full {
            Place::Objects(last)
        } else if self.bucket.is_versioned() {
            Place::Versions(None)
        } else {
            Place::Uploads(None)
        })
    }

    /// Does what the rules want of a key's current version.
    fn current(&mut self, tx: &mut Tx<'_>, key: &str, version: Version) -> Result<(), StoreError> {
        let mut fate = Fate::default();
        for rule in self.rules.iter().filter(|rule| rule.filter.meets(key, &version)) {
            let sinking = rule.transition(&version, self.now);
            fate.end = earlier(fate.end, rule.expires(&version));
            fate.next = earlier(fate.next, sinking.next);
            fate.class = deeper(fate.class, sinking.now);
        }
        if fate.end.is_some_and(|end| end <= self.now) {
            return self.expire(tx, key, &version);
        }
        self.sink(tx, key, version, fate)
    }

    /// Ends a current version as a deletion by name would.
    fn expire(&mut self, tx: &mut Tx<'_>, key: &str, version: &Version) -> Result<(), StoreError> {
        if self.bucket.versioning == Versioning::Never {
            versions::remove(tx, self.bucket, key, version)?;
            return events::emit(tx, self.ctx, self.bucket, What::ExpirationDelete, key, version);
        }
        let marker = Version {
            delete_marker: true,
            ..bare(self.bucket.owner, self.now)
        };
        let id = self.ids.next().cloned().unwrap_or_default();
        let marker = versions::add(tx, self.bucket, key, marker, &id)?;
        let what = What::ExpirationDeleteMarkerCreated;
        events::emit(tx, self.ctx, self.bucket, what, key, &marker)
    }

    /// Moves a version to another storage class, where it is to be in one.
    fn sink(&mut self, tx: &mut Tx<'_>, key: &str, mut version: Version, fate: Fate) -> Result<(), StoreError> {
        self.walk.next = earlier(self.walk.next, earlier(fate.end, fate.next));
        if let Some(class) = fate.class {
            version.storage_class = Some(class);
            versions::keep(tx, self.bucket, key, &version)?;
            events::emit(tx, self.ctx, self.bucket, What::Transition, key, &version)?;
        }
        Ok(())
    }

    fn versions(&mut self, tx: &mut Tx<'_>, mut behind: Option<Behind>) -> Result<Place, StoreError> {
        let scan = tx.scan(&VERSIONS).prefix((self.bucket.id,));
        let scan = match &behind {
            Some(behind) => scan.after((self.bucket.id, behind.key.as_str(), behind.rank)),
            None => scan,
        };
        let rows = scan.limit(STEP_ROWS).rows()?;
        let is_full = rows.len() == STEP_ROWS;
        for ((_, key, rank), version) in rows {
            let since = version.modified;
            let before = match behind.take().filter(|behind| behind.key == key) {
                Some(behind) => Some((behind.since, behind.newer)),
                None => versions::current(&tx.reading(), self.bucket, &key)?.map(|current| (current.modified, 0)),
            };
            let newer = match before {
                Some((since, newer)) => {
                    self.noncurrent(tx, &key, version, since, newer)?;
                    newer + 1
                }
                None => {
                    self.marker(tx, &key, rank, &version)?;
                    0
                }
            };
            behind = Some(Behind {
                key,
                rank,
                since,
                newer,
            });
        }
        Ok(if is_full {
            Place::Versions(behind)
        } else {
            Place::Uploads(None)
        })
    }

    /// Removes a delete marker that is the newest of its key, where there is nothing behind it and the rules want it.
    fn marker(&mut self, tx: &mut Tx<'_>, key: &str, rank: u64, marker: &Version) -> Result<(), StoreError> {
        let scan = tx.scan(&VERSIONS).prefix((self.bucket.id, key));
        let older = scan.after((self.bucket.id, key, rank)).limit(1).keys()?;
        let rules = self.rules.iter();
        let rules = rules.filter(|rule| key.starts_with(&rule.filter.prefix) && rule.filter.is_of_keys());
        let end = rules.filter_map(|rule| rule.drops_marker(marker)).min();
        // What is behind it now may be gone tomorrow.
        if older.is_empty() && end.is_some_and(|end| end <= self.now) {
            versions::remove(tx, self.bucket, key, marker)?;
            return events::emit(tx, self.ctx, self.bucket, What::ExpirationDelete, key, marker);
        }
        self.walk.next = earlier(self.walk.next, end);
        Ok(())
    }

    /// Does what the rules want of a version that another has replaced.
    fn noncurrent(
        &mut self,
        tx: &mut Tx<'_>,
        key: &str,
        version: Version,
        since: Timestamp,
        newer: u32,
    ) -> Result<(), StoreError> {
        let mut fate = Fate::default();
        for rule in self.rules.iter().filter(|rule| rule.filter.meets(key, &version)) {
            fate.end = earlier(fate.end, rule.expires_noncurrent(since, newer));
            if !version.delete_marker {
                let sinking = rule.transition_noncurrent(&version, since, newer, self.now);
                fate.next = earlier(fate.next, sinking.next);
                fate.class = deeper(fate.class, sinking.now);
            }
        }
        if fate.end.is_none_or(|end| end > self.now) {
            return self.sink(tx, key, version, fate);
        }
        if is_locked(&version, self.now) {
            self.walk.next = earlier(self.walk.next, Some(next_midnight(self.now)));
            return Ok(());
        }
        versions::remove(tx, self.bucket, key, &version)?;
        events::emit(tx, self.ctx, self.bucket, What::ExpirationDelete, key, &version)
    }

    /// Gives up uploads that were begun long ago.
    fn uploads(&mut self, tx: &mut Tx<'_>, after: Option<(String, String)>) -> Result<Place, StoreError> {
        if self.rules.iter().all(|rule| rule.abort_days.is_none()) {
            return Ok(Place::End);
        }
        let scan = tx.scan(&UPLOADS).prefix((self.bucket.id,));
        let scan = match &after {
            Some((key, id)) => scan.after((self.bucket.id, key.as_str(), id.as_str())),
            None => scan,
        };
        let rows = scan.limit(STEP_UPLOADS).rows()?;
        let is_full = rows.len() == STEP_UPLOADS;
        let last = rows.last().map(|((_, key, id), _)| (key.clone(), id.clone()));
        for ((_, key, id), upload) in rows {
            let rules = self.rules.iter().filter(|rule| key.starts_with(&rule.filter.prefix));
            let days = rules.filter_map(|rule| rule.abort_days).min();
            let end = days.map(|days| days_after(upload.initiated, days));
            if end.is_some_and(|end| end <= self.now) {
                parts::remove_all(tx, self.bucket, upload.number)?;
                tx.delete(&UPLOADS, (self.bucket.id, key.as_str(), id.as_str()))?;
            } else {
                self.walk.next = earlier(self.walk.next, end);
            }
        }
        Ok(if is_full { Place::Uploads(last) } else { Place::End })
    }
}

/// Whether object lock keeps a version.
fn is_locked(version: &Version, now: Timestamp) -> bool {
    let lock = &version.lock;
    lock.legal_hold == Some(true) || (lock.mode.is_some() && lock.until.is_some_and(|until| until > now))
}
