//! Rules as they are applied: whom one is about, and when it does what.

use crate::state::Version;
use crate::wire::{GetBucketLifecycleConfigurationOutput, LifecycleRule, LifecycleRuleFilter, Tag};
use virga_base::Timestamp;

pub const DAY_S: i64 = 86_400;
/// Bytes that an object must have to be worth moving.
const TRANSITION_MIN_BYTES: u64 = 128 * 1024;
/// Longer than anything lasts.
const NEVER_DAYS: i32 = i32::MAX / 2;

/// Storage classes in the order in which objects sink through them.
const WATERFALL: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
];

/// Whom a rule is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Filter {
    pub prefix: String,
    pub tags: Vec<(String, String)>,
    /// Bytes.
    pub greater_than: Option<i64>,
    pub less_than: Option<i64>,
}

impl Filter {
    pub fn meets(&self, key: &str, version: &Version) -> bool {
        let size = i64::try_from(version.size).unwrap_or(i64::MAX);
        key.starts_with(&self.prefix)
            && self.tags.iter().all(|tag| version.tags.contains(tag))
            && self.greater_than.is_none_or(|bound| size > bound)
            && self.less_than.is_none_or(|bound| size < bound)
    }

    /// Whether it looks at keys alone, so that a delete marker can meet it.
    pub fn is_of_keys(&self) -> bool {
        self.tags.is_empty() && self.greater_than.is_none() && self.less_than.is_none()
    }

    fn of(rule: &LifecycleRule) -> Filter {
        let Some(filter) = &rule.filter else {
            return Filter {
                prefix: rule.prefix.clone().unwrap_or_default(),
                ..Filter::default()
            };
        };
        let LifecycleRuleFilter {
            prefix,
            tag,
            object_size_greater_than,
            object_size_less_than,
            and,
        } = filter;
        let and = and.as_ref();
        let and_tags = and.and_then(|and| and.tags.as_ref()).into_iter().flatten();
        let prefix = prefix.as_ref().or_else(|| and?.prefix.as_ref());
        Filter {
            prefix: prefix.cloned().unwrap_or_default(),
            tags: tag.iter().chain(and_tags).map(pair).collect(),
            greater_than: object_size_greater_than.or_else(|| and?.object_size_greater_than),
            less_than: object_size_less_than.or_else(|| and?.object_size_less_than),
        }
    }
}

fn pair(tag: &Tag) -> (String, String) {
    (
        tag.key.clone().unwrap_or_default(),
        tag.value.clone().unwrap_or_default(),
    )
}

/// When something is done: so many days after, or on a day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum When {
    Days(i32),
    Date(Timestamp),
}

impl When {
    fn of(days: Option<i32>, date: Option<Timestamp>) -> Option<When> {
        days.map(When::Days).or(date.map(When::Date))
    }

    fn after(self, begin: Timestamp) -> Timestamp {
        match self {
            When::Days(days) => days_after(begin, days),
            When::Date(date) => date,
        }
    }
}

/// The midnight that follows so many days after a moment, or is then.
pub fn days_after(begin: Timestamp, days: i32) -> Timestamp {
    let exact = begin.as_millis() + i64::from(days) * DAY_S * 1000;
    let seconds = (exact + 999).div_euclid(1000);
    Timestamp::from_secs((seconds + DAY_S - 1).div_euclid(DAY_S) * DAY_S)
}

/// The midnight behind a moment.
pub fn next_midnight(now: Timestamp) -> Timestamp {
    Timestamp::from_secs((now.as_secs().div_euclid(DAY_S) + 1) * DAY_S)
}

/// A rule that is in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub id: String,
    pub filter: Filter,
    expiration: Option<When>,
    /// Removes delete markers behind which there is nothing.
    drops_markers: bool,
    /// To which class, and when.
    transitions: Vec<(String, When)>,
    noncurrent_expiration: Option<Noncurrent>,
    noncurrent_transitions: Vec<(String, Noncurrent)>,
    pub abort_days: Option<i32>,
    /// Whether small objects go to archives too.
    varies: bool,
}

/// When something is done to versions that are no more current.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Noncurrent {
    days: i32,
    /// How many newer ones are spared.
    spared: u32,
}

/// The enabled rules of a configuration.
pub fn in_force(kept: GetBucketLifecycleConfigurationOutput) -> Vec<Rule> {
    let varies = kept.transition_default_minimum_object_size.as_deref() == Some("varies_by_storage_class");
    let rules = kept.rules.unwrap_or_default().into_iter();
    rules
        .filter(|rule| rule.status.as_deref() == Some("Enabled"))
        .map(|rule| Rule::of(rule, varies))
        .collect()
}

impl Rule {
    fn of(rule: LifecycleRule, varies: bool) -> Rule {
        let noncurrent = |days: Option<i32>, spared: Option<i32>| Noncurrent {
            days: days.unwrap_or(0),
            spared: spared.and_then(|count| u32::try_from(count).ok()).unwrap_or(0),
        };
        let filter = Filter::of(&rule);
        let expiration = rule.expiration.as_ref();
        let transitions = rule.transitions.into_iter().flatten();
        let noncurrent_transitions = rule.noncurrent_version_transitions.into_iter().flatten();
        let end = rule.noncurrent_version_expiration;
        let abort = rule.abort_incomplete_multipart_upload;
        Rule {
            id: rule.id.unwrap_or_default(),
            filter,
            expiration: expiration.and_then(|expiration| When::of(expiration.days, expiration.date)),
            drops_markers: expiration.is_some_and(|expiration| expiration.expired_object_delete_marker == Some(true)),
            transitions: transitions
                .filter_map(|to| Some((to.storage_class?, When::of(to.days, to.date)?)))
                .collect(),
            noncurrent_expiration: end.map(|end| noncurrent(end.noncurrent_days, end.newer_noncurrent_versions)),
            noncurrent_transitions: noncurrent_transitions
                .filter_map(|to| {
                    let when = noncurrent(to.noncurrent_days, to.newer_noncurrent_versions);
                    Some((to.storage_class?, when))
                })
                .collect(),
            abort_days: abort.and_then(|abort| abort.days_after_initiation),
            varies,
        }
    }

    /// When it ends a current version.
    pub fn expires(&self, version: &Version) -> Option<Timestamp> {
        self.expiration.map(|when| when.after(version.modified))
    }

    /// When it removes a delete marker behind which there is nothing.
    pub fn drops_marker(&self, marker: &Version) -> Option<Timestamp> {
        if self.drops_markers {
            return Some(marker.modified);
        }
        match self.expiration {
            Some(When::Days(days)) => Some(days_after(marker.modified, days)),
            _ => None,
        }
    }

    /// When it ends a version that is noncurrent since then, and has so many newer ones that are noncurrent too.
    pub fn expires_noncurrent(&self, since: Timestamp, newer: u32) -> Option<Timestamp> {
        let end = self.noncurrent_expiration?;
        (newer >= end.spared).then(|| days_after(since, end.days))
    }

    /// The class that a current version is to be in now, and when it is to go on.
    pub fn transition(&self, version: &Version, now: Timestamp) -> Sinking {
        let steps = self.transitions.iter();
        let steps = steps.map(|(class, when)| (class.as_str(), when.after(version.modified)));
        self.sink(version, now, steps)
    }

    /// The same of one that is noncurrent since then.
    pub fn transition_noncurrent(&self, version: &Version, since: Timestamp, newer: u32, now: Timestamp) -> Sinking {
        let steps = self.noncurrent_transitions.iter();
        let steps = steps
            .filter(|(_, when)| newer >= when.spared)
            .map(|(class, when)| (class.as_str(), days_after(since, when.days)));
        self.sink(version, now, steps)
    }

    fn sink<'a>(
        &self,
        version: &Version,
        now: Timestamp,
        steps: impl Iterator<Item = (&'a str, Timestamp)>,
    ) -> Sinking {
        let mut sinking = Sinking::default();
        let here = depth(version.storage_class());
        for (class, at) in steps {
            if depth(class) <= here || !self.is_worth_moving(version, class) {
                continue;
            }
            if at > now {
                sinking.next = earlier(sinking.next, Some(at));
            } else {
                sinking.now = deeper(sinking.now, Some(class.to_owned()));
            }
        }
        sinking
    }

    fn is_worth_moving(&self, version: &Version, class: &str) -> bool {
        let bounded = self.filter.greater_than.is_some() || self.filter.less_than.is_some();
        let archive = matches!(class, "GLACIER" | "DEEP_ARCHIVE");
        bounded || version.size >= TRANSITION_MIN_BYTES || (self.varies && archive)
    }

    /// Whether something else than time can make it due: then it is looked at each day.
    pub fn is_fickle(&self) -> bool {
        let is_date = |when: &When| matches!(when, When::Date(_));
        !self.filter.tags.is_empty()
            || self.drops_markers
            || self.noncurrent_expiration.is_some_and(|end| end.spared > 0)
            || self.noncurrent_transitions.iter().any(|(_, when)| when.spared > 0)
            || self.expiration.as_ref().is_some_and(is_date)
            || self.transitions.iter().any(|(_, when)| is_date(when))
    }

    /// The days after which it does the first thing to what is new today.
    pub fn first_days(&self) -> i32 {
        let days = |when: &When| match when {
            When::Days(days) => *days,
            When::Date(_) => 0,
        };
        let all = [
            self.expiration.as_ref().map(days),
            self.transitions.iter().map(|(_, when)| days(when)).min(),
            self.noncurrent_expiration.map(|end| end.days),
            self.noncurrent_transitions.iter().map(|(_, when)| when.days).min(),
            self.abort_days,
        ];
        all.into_iter().flatten().min().unwrap_or(NEVER_DAYS)
    }
}

/// What transitions want of a version.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sinking {
    pub now: Option<String>,
    pub next: Option<Timestamp>,
}

/// How deep a storage class lies.
pub fn depth(class: &str) -> usize {
    WATERFALL.iter().position(|other| *other == class).unwrap_or(0)
}

/// The deeper of two storage classes, if there is any.
pub fn deeper(one: Option<String>, other: Option<String>) -> Option<String> {
    let depth = |class: &Option<String>| class.as_deref().map(depth);
    if depth(&other) > depth(&one) { other } else { one }
}

/// The earlier of two times, if there is any.
pub fn earlier(one: Option<Timestamp>, other: Option<Timestamp>) -> Option<Timestamp> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::{DAY_S, days_after, next_midnight};
    use virga_base::Timestamp;

    /// As AWS's documentation has it: three days after 15 January, 10:30, is 19 January, 0:00.
    #[test]
    fn days_end_at_midnight() {
        let morning = Timestamp::parse_iso8601("2014-01-15T10:30:00Z").unwrap_or(Timestamp::EPOCH);
        assert_eq!(days_after(morning, 3).to_iso8601(), "2014-01-19T00:00:00Z");
        let midnight = Timestamp::from_secs(20 * DAY_S);
        assert_eq!(days_after(midnight, 1), Timestamp::from_secs(21 * DAY_S));
        assert_eq!(next_midnight(midnight), Timestamp::from_secs(21 * DAY_S));
        assert_eq!(next_midnight(midnight.plus_secs(5)), Timestamp::from_secs(21 * DAY_S));
    }
}
