//! When a frame was captured.

use std::fmt;

use serde::{Deserialize, Serialize};

const NANOSECONDS_PER_SECOND: i64 = 1_000_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Nanoseconds since 1970-01-01T00:00:00Z, as the capture says.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From nanoseconds since the epoch.
    pub const fn from_nanoseconds(nanoseconds: i64) -> Self {
        Self(nanoseconds)
    }

    /// Nanoseconds since the epoch.
    pub const fn nanoseconds(self) -> i64 {
        self.0
    }

    /// So much later, or as late as can be.
    pub(crate) const fn plus(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_add_unsigned(nanoseconds))
    }

    /// So much earlier, or as early as can be.
    pub(crate) const fn minus(self, nanoseconds: u64) -> Self {
        Self(self.0.saturating_sub_unsigned(nanoseconds))
    }

    /// Nanoseconds from `earlier` to `self`; 0 if `earlier` is in fact later.
    pub fn nanoseconds_since(self, earlier: Self) -> u64 {
        if self.0 > earlier.0 {
            // The difference of any two fits into 64 bits.
            self.0.wrapping_sub(earlier.0) as u64
        } else {
            0
        }
    }
}

/// RFC 3339, UTC, microseconds: `2016-05-01T12:00:00.000001Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.div_euclid(NANOSECONDS_PER_SECOND);
        let microseconds = self.0.rem_euclid(NANOSECONDS_PER_SECOND) / 1_000;
        let (year, month, day) = civil_date(seconds.div_euclid(SECONDS_PER_DAY));
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        let (hour, minute, second) = (
            second_of_day / 3_600,
            second_of_day / 60 % 60,
            second_of_day % 60,
        );
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{microseconds:06}Z"
        )
    }
}

/// Year, month and day of a count of days since 1970-01-01.
///
/// Source: Howard Hinnant, *chrono-compatible low-level date algorithms*, `civil_from_days`.
fn civil_date(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day is a year's last.
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(nanoseconds: i64, expected: &str) {
        assert_eq!(
            Timestamp::from_nanoseconds(nanoseconds).to_string(),
            expected
        );
    }

    #[test]
    fn the_epoch_is_the_first_of_january_1970() {
        check(0, "1970-01-01T00:00:00.000000Z");
    }

    // Expected values from GNU date: `date -u -d @1456790399 --rfc-3339=seconds`.
    #[test]
    fn a_leap_day_has_its_own_date() {
        check(1_456_790_399_123_456_789, "2016-02-29T23:59:59.123456Z");
    }

    #[test]
    fn the_day_after_a_leap_day_is_the_first_of_march() {
        check(1_456_790_400_000_000_000, "2016-03-01T00:00:00.000000Z");
    }

    #[test]
    fn a_moment_before_the_epoch_is_in_1969() {
        check(-1_000, "1969-12-31T23:59:59.999999Z");
    }

    #[test]
    fn the_extremes_print() {
        check(i64::MAX, "2262-04-11T23:47:16.854775Z");
        check(i64::MIN, "1677-09-21T00:12:43.145224Z");
    }

    #[test]
    fn a_span_backwards_is_zero() {
        let early = Timestamp::from_nanoseconds(i64::MIN);
        let late = Timestamp::from_nanoseconds(i64::MAX);
        assert_eq!(early.nanoseconds_since(late), 0);
        assert_eq!(late.nanoseconds_since(early), u64::MAX);
    }
}
