//! How often a day capacity may be decreased: four times, and once more in every hour without a decrease.

use crate::state::Provisioned;
use virga_base::{AwsError, Timestamp};

const FREE_A_DAY: u32 = 4;
const THEN_EVERY_S: i64 = 3600;

impl Provisioned {
    /// Decreases on the day, by UTC, of `now`.
    pub fn decreases_today(&self, now: Timestamp) -> u32 {
        match self.decreased {
            Some(last) if last.date() == now.date() => self.decreases,
            _ => 0,
        }
    }

    /// The same with other units, from `now` on.
    #[must_use]
    pub fn changed(&self, (read_units, write_units): (i64, i64), now: Timestamp) -> Provisioned {
        let rises = read_units > self.read_units || write_units > self.write_units;
        let falls = self.falls((read_units, write_units));
        Provisioned {
            read_units,
            write_units,
            increased: if rises { Some(now) } else { self.increased },
            decreased: if falls { Some(now) } else { self.decreased },
            decreases: self.decreases_today(now) + u32::from(falls),
        }
    }

    /// Whether other units are fewer of one kind.
    pub fn falls(&self, (read_units, write_units): (i64, i64)) -> bool {
        read_units < self.read_units || write_units < self.write_units
    }

    /// Fails where one more is too many.
    pub fn check_decrease(&self, now: Timestamp) -> Result<(), AwsError> {
        let today = self.decreases_today(now);
        let Some(last) = self.decreased.filter(|_| today >= FREE_A_DAY) else {
            return Ok(());
        };
        let next = last.plus_secs(THEN_EVERY_S);
        if now >= next {
            return Ok(());
        }
        Err(AwsError::new(
            "LimitExceededException",
            format!(
                "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After \
                 the first {FREE_A_DAY} decreases, each subsequent decrease in the same UTC day can be performed at most \
                 once every {THEN_EVERY_S} seconds. Number of decreases today: {today}. Last decrease at {}. Next \
                 decrease can be made at {}",
                spelled(last),
                spelled(next)
            ),
        ))
    }
}

/// As AWS spells times for people: `Thursday, January 1, 2026 12:00:05 AM UTC`.
fn spelled(at: Timestamp) -> String {
    const DAYS: [&str; 7] = [
        "Sunday",
        "Monday",
        "Tuesday",
        "Wednesday",
        "Thursday",
        "Friday",
        "Saturday",
    ];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let (year, month, day) = at.date();
    let seconds = at.as_secs();
    // The epoch was a Thursday.
    let weekday = usize::try_from((seconds.div_euclid(86_400) + 4).rem_euclid(7)).unwrap_or(0);
    let of_day = seconds.rem_euclid(86_400);
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let half = if hour < 12 { "AM" } else { "PM" };
    let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
    let month = MONTHS.get(usize::from(month).saturating_sub(1)).unwrap_or(&"");
    let weekday = DAYS.get(weekday).unwrap_or(&"");
    format!("{weekday}, {month} {day}, {year} {hour}:{minute:02}:{second:02} {half} UTC")
}
