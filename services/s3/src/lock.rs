//! Object lock: how long a version must stay, and who may change that. Pure; time is handed in.

use crate::errors;
use crate::state::{Lock, Version};
use crate::wire::{DefaultRetention, ObjectLockConfiguration, ObjectLockRetention};
use std::time::Duration;
use virga_base::{AwsError, Timestamp};

/// The kind of configuration.
pub const KIND: &str = "object-lock";
const GOVERNANCE: &str = "GOVERNANCE";
const COMPLIANCE: &str = "COMPLIANCE";
/// The longest default, as AWS has it.
const DAYS_MAX: i32 = 36_500;
const YEARS_MAX: i32 = 100;
const DAY_S: u64 = 24 * 60 * 60;

/// What a request that writes an object says of its lock.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub mode: Option<String>,
    pub until: Option<Timestamp>,
    pub legal_hold: Option<String>,
}

/// The lock headers among the members of an input.
macro_rules! lock_of {
    ($input:expr) => {
        $crate::lock::Asked {
            mode: $input.object_lock_mode.take(),
            until: $input.object_lock_retain_until_date,
            legal_hold: $input.object_lock_legal_hold_status.take(),
        }
    };
}
pub(crate) use lock_of;

impl Asked {
    /// The lock of the object to be written; `default` is the bucket's.
    pub fn lock(
        self,
        has_lock: bool,
        default: Option<&ObjectLockConfiguration>,
        now: Timestamp,
    ) -> Result<Lock, AwsError> {
        let is_any = self.mode.is_some() || self.until.is_some() || self.legal_hold.is_some();
        if is_any && !has_lock {
            return Err(errors::no_lock_configuration());
        }
        let legal_hold = match self.legal_hold.as_deref() {
            None => None,
            Some("ON") => Some(true),
            Some("OFF") => Some(false),
            Some(other) => {
                return Err(errors::invalid_argument(
                    "Legal Hold must be either of 'ON' or 'OFF'",
                    "x-amz-object-lock-legal-hold",
                    other,
                ));
            }
        };
        let (mode, until) = match (self.mode, self.until) {
            (None, None) => default.and_then(|default| retention(default, now)).unzip(),
            (Some(mode), Some(until)) => {
                if ![GOVERNANCE, COMPLIANCE].contains(&mode.as_str()) {
                    return Err(errors::invalid_argument(
                        "Unknown wormMode directive.",
                        "x-amz-object-lock-mode",
                        &mode,
                    ));
                }
                if until <= now {
                    return Err(errors::invalid_argument(
                        "The retain until date must be in the future!",
                        "x-amz-object-lock-retain-until-date",
                        &until.to_iso8601(),
                    ));
                }
                (Some(mode), Some(until))
            }
            (mode, _) => {
                return Err(errors::invalid_argument_named(
                    "x-amz-object-lock-retain-until-date and x-amz-object-lock-mode must both be supplied",
                    match mode {
                        Some(_) => "x-amz-object-lock-retain-until-date",
                        None => "x-amz-object-lock-mode",
                    },
                ));
            }
        };
        Ok(Lock {
            mode,
            until,
            legal_hold,
        })
    }
}

/// What the bucket gives an object that is written now.
fn retention(default: &ObjectLockConfiguration, now: Timestamp) -> Option<(String, Timestamp)> {
    let default = default.rule.as_ref()?.default_retention.as_ref()?;
    let days = match (default.days, default.years) {
        (Some(days), _) => days,
        (None, years) => years?.saturating_mul(365),
    };
    let length = Duration::from_secs(u64::try_from(days).ok()?.saturating_mul(DAY_S));
    Some((default.mode.clone()?, now.plus(length)))
}

/// Checks a bucket's configuration.
pub fn check_configuration(configuration: &ObjectLockConfiguration) -> Result<(), AwsError> {
    if configuration.object_lock_enabled.as_deref() != Some("Enabled") {
        return Err(errors::malformed_xml());
    }
    let Some(rule) = &configuration.rule else { return Ok(()) };
    let Some(DefaultRetention { mode, days, years }) = &rule.default_retention else {
        return Err(errors::malformed_xml());
    };
    if !mode
        .as_deref()
        .is_some_and(|mode| [GOVERNANCE, COMPLIANCE].contains(&mode))
    {
        return Err(errors::malformed_xml());
    }
    let (length, max, unit) = match (days, years) {
        (Some(days), None) => (*days, DAYS_MAX, "days"),
        (None, Some(years)) => (*years, YEARS_MAX, "years"),
        _ => return Err(errors::malformed_xml()),
    };
    if length <= 0 {
        return Err(errors::invalid_retention_period(
            "Default retention period must be a positive integer value.",
        ));
    }
    if length > max {
        return Err(errors::invalid_retention_period(&format!(
            "Default retention period too large: the maximum is {max} {unit}."
        )));
    }
    Ok(())
}

impl Lock {
    /// Whether a retention holds now.
    fn is_retained(&self, now: Timestamp) -> bool {
        self.mode.is_some() && self.until.is_some_and(|until| until > now)
    }
}

/// Whether a version may be deleted for good; `bypasses` where the caller may pass over governance, and wants to.
pub fn check_delete(version: &Version, bypasses: bool, now: Timestamp) -> Result<(), AwsError> {
    let lock = &version.lock;
    let is_passed_over = bypasses && lock.mode.as_deref() == Some(GOVERNANCE);
    if lock.legal_hold == Some(true) || (lock.is_retained(now) && !is_passed_over) {
        return Err(errors::locked());
    }
    Ok(())
}

/// Replaces a version's retention, if the one that it has lets that happen.
pub fn retain(lock: &mut Lock, wanted: ObjectLockRetention, bypasses: bool, now: Timestamp) -> Result<(), AwsError> {
    let wanted = match (wanted.mode, wanted.retain_until_date) {
        (None, None) => None,
        (Some(mode), Some(until)) if [GOVERNANCE, COMPLIANCE].contains(&mode.as_str()) => Some((mode, until)),
        _ => return Err(errors::malformed_xml()),
    };
    if let Some((_, until)) = &wanted
        && *until <= now
    {
        return Err(errors::invalid_argument(
            "The retain until date must be in the future!",
            "RetainUntilDate",
            &pacific(*until),
        ));
    }
    if lock.is_retained(now) {
        let is_governed = lock.mode.as_deref() == Some(GOVERNANCE);
        let only_longer = wanted.as_ref().is_some_and(|(mode, until)| {
            lock.mode.as_ref() == Some(mode) && lock.until.is_some_and(|old| *until >= old)
        });
        let may = only_longer || (is_governed && bypasses);
        if !may {
            return Err(errors::locked());
        }
    }
    (lock.mode, lock.until) = wanted.unzip();
    Ok(())
}

/// As AWS's machines show a time: `Tue Dec 31 16:00:00 PST 2019`.
fn pacific(at: Timestamp) -> String {
    // Eight hours behind; `Mon, 06 Jan 2020 00:00:00 GMT` has all the words.
    let text = Timestamp::from_secs(at.as_secs() - 8 * 60 * 60).to_http_date();
    let mut words = text.split(' ');
    let mut next = || words.next().unwrap_or_default();
    let (weekday, day, month, year, time) = (next(), next(), next(), next(), next());
    format!("{} {month} {day} {time} PST {year}", weekday.trim_end_matches(','))
}

#[cfg(test)]
mod tests {
    use super::{Asked, check_configuration, check_delete, pacific, retain};
    use crate::object::versions::bare;
    use crate::state::{Lock, Version};
    use crate::wire::{DefaultRetention, ObjectLockConfiguration, ObjectLockRetention, ObjectLockRule};
    use virga_base::{Account, Timestamp};

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_secs(seconds)
    }

    fn configuration(mode: &str, days: Option<i32>, years: Option<i32>) -> ObjectLockConfiguration {
        ObjectLockConfiguration {
            object_lock_enabled: Some("Enabled".to_owned()),
            rule: Some(ObjectLockRule {
                default_retention: Some(DefaultRetention {
                    mode: Some(mode.to_owned()),
                    days,
                    years,
                }),
            }),
        }
    }

    #[test]
    fn a_retention_only_grows_unless_it_is_passed_over() {
        let lock = |mode: &str, until| Lock {
            mode: Some(mode.to_owned()),
            until: Some(at(until)),
            legal_hold: None,
        };
        let wanted = |mode: &str, until| ObjectLockRetention {
            mode: Some(mode.to_owned()),
            retain_until_date: Some(at(until)),
        };
        let none = ObjectLockRetention::default();
        for (old, new, bypasses, expected) in [
            (lock("GOVERNANCE", 200), wanted("GOVERNANCE", 300), false, None),
            (
                lock("GOVERNANCE", 200),
                wanted("GOVERNANCE", 150),
                false,
                Some("AccessDenied"),
            ),
            (lock("GOVERNANCE", 200), wanted("GOVERNANCE", 150), true, None),
            (
                lock("GOVERNANCE", 200),
                wanted("COMPLIANCE", 300),
                false,
                Some("AccessDenied"),
            ),
            (lock("GOVERNANCE", 200), wanted("COMPLIANCE", 300), true, None),
            (lock("GOVERNANCE", 200), none.clone(), true, None),
            (lock("GOVERNANCE", 200), none.clone(), false, Some("AccessDenied")),
            (lock("COMPLIANCE", 200), wanted("COMPLIANCE", 300), false, None),
            (
                lock("COMPLIANCE", 200),
                wanted("COMPLIANCE", 150),
                true,
                Some("AccessDenied"),
            ),
            (lock("COMPLIANCE", 200), none.clone(), true, Some("AccessDenied")),
            (lock("COMPLIANCE", 50), none, false, None),
            (
                Lock::default(),
                wanted("GOVERNANCE", 50),
                false,
                Some("InvalidArgument"),
            ),
            (Lock::default(), wanted("SECRET", 300), false, Some("MalformedXML")),
        ] {
            let mut lock = old.clone();
            let code = retain(&mut lock, new.clone(), bypasses, at(100))
                .err()
                .map(|error| error.code);
            assert_eq!(code.as_deref(), expected, "{old:?} {new:?} {bypasses}");
        }
    }

    #[test]
    fn what_is_locked_stays() {
        let version = |mode: Option<&str>, legal_hold| Version {
            lock: Lock {
                mode: mode.map(str::to_owned),
                until: mode.map(|_| at(200)),
                legal_hold,
            },
            ..bare(Account::DEFAULT, at(0))
        };
        let may = |version: &Version, bypasses, now| check_delete(version, bypasses, at(now)).is_ok();
        let (governed, compliant) = (version(Some("GOVERNANCE"), None), version(Some("COMPLIANCE"), None));
        assert!(!may(&governed, false, 100) && may(&governed, true, 100) && may(&governed, false, 200));
        assert!(!may(&compliant, true, 199) && may(&compliant, false, 200));
        assert!(!may(&version(None, Some(true)), true, 100) && may(&version(None, Some(false)), false, 100));
    }

    #[test]
    fn buckets_give_objects_their_default() {
        let year = configuration("COMPLIANCE", None, Some(1));
        let lock = Asked::default().lock(true, Some(&year), at(0)).unwrap_or_default();
        assert_eq!(
            (lock.mode.as_deref(), lock.until),
            (Some("COMPLIANCE"), Some(at(365 * 86_400)))
        );
        for (configuration, expected) in [
            (configuration("GOVERNANCE", Some(1), None), None),
            (
                configuration("GOVERNANCE", Some(0), None),
                Some("InvalidRetentionPeriod"),
            ),
            (
                configuration("GOVERNANCE", None, Some(-1)),
                Some("InvalidRetentionPeriod"),
            ),
            (configuration("GOVERNANCE", Some(1), Some(1)), Some("MalformedXML")),
            (configuration("GOVERNANCE", None, None), Some("MalformedXML")),
            (configuration("governance", Some(1), None), Some("MalformedXML")),
            (ObjectLockConfiguration::default(), Some("MalformedXML")),
        ] {
            let code = check_configuration(&configuration).err().map(|error| error.code);
            assert_eq!(code.as_deref(), expected, "{configuration:?}");
        }
    }

    #[test]
    fn times_are_told_as_aws_tells_them() {
        assert_eq!(pacific(at(1_577_836_800)), "Tue Dec 31 16:00:00 PST 2019");
    }
}
