//! Numbers as people read them.

use std::time::Duration;

use learn::evaluation::intervals::Interval;

/// A fraction as a percentage: `93.52 %`.
pub(crate) fn percent(fraction: f64) -> String {
    format!("{:.2} %", fraction * 100.0)
}

/// The same of a fraction that may not be known.
pub(crate) fn known(fraction: Option<f64>) -> String {
    fraction.map_or_else(|| "-".to_owned(), percent)
}

/// A part of a whole as a percentage; of nothing, 0.
pub(crate) fn share(part: u64, whole: u64) -> String {
    percent(if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    })
}

/// An interval of fractions as percentages: `97.20–98.85 %`.
pub(crate) fn span(interval: Interval) -> String {
    format!("{:.2}–{:.2} %", interval.low * 100.0, interval.high * 100.0)
}

/// How many a second, to three digits: `1.23`, `45.6`, `7,890,000`.
pub(crate) fn rate(per_second: f64) -> String {
    match per_second {
        value if value < 9.995 => format!("{value:.2}"),
        value if value < 99.95 => format!("{value:.1}"),
        value => {
            let scale = 10_f64.powf(value.log10().floor() - 2.0).max(1.0);
            count(((value / scale).round() * scale) as u64)
        }
    }
}

/// A time: its two largest units, or of a short one the fractions too.
pub(crate) fn seconds(time: f64) -> String {
    if time < 9.95 {
        format!("{time:.1} s")
    } else {
        duration(Duration::from_secs_f64(time))
    }
}

/// A count with its thousands set apart: `1,162,254`.
pub(crate) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in their largest unit, to a tenth: `812 B`, `1.3 MB`.
#[cfg(feature = "top")]
pub(crate) fn size(bytes: u64) -> String {
    let (mut number, mut units) = (bytes as f64, ["B", "kB", "MB", "GB", "TB", "PB"].iter());
    let mut unit = units.next();
    // What would be rounded to 1000.0 has the next unit.
    while number >= 999.95
        && let Some(larger) = units.next()
    {
        number /= 1000.0;
        unit = Some(larger);
    }
    let unit = unit.copied().unwrap_or_default();
    if unit == "B" {
        format!("{bytes} B")
    } else {
        format!("{number:.1} {unit}")
    }
}

/// A count with its noun: `1 session`, `2 sessions`.
pub(crate) fn counted(number: u64, singular: &str) -> String {
    format!("{} {}", count(number), noun(number, singular))
}

/// A noun as it follows a number: `session` after 1, else `sessions`.
pub(crate) fn noun(number: u64, singular: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{singular}{plural}")
}

/// A time in its two largest units: `45 s`, `3 min 05 s`, `2 h 07 min`.
pub(crate) fn duration(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}

/// The first digits of a checksum, which tell two files apart.
pub(crate) fn short(checksum: &str) -> &str {
    checksum.get(..12).unwrap_or(checksum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(
            [0, 999, 1000, 1_162_254].map(count),
            ["0", "999", "1,000", "1,162,254"]
        );
    }

    #[cfg(feature = "top")]
    #[test]
    fn sizes_have_the_largest_unit_that_leaves_a_whole() {
        assert_eq!(
            [0, 812, 999, 1_300, 999_949, 999_950, 1_318_320_000].map(size),
            [
                "0 B", "812 B", "999 B", "1.3 kB", "999.9 kB", "1.0 MB", "1.3 GB"
            ]
        );
    }

    #[test]
    fn nouns_agree_with_their_numbers() {
        assert_eq!(
            [0, 1, 2].map(|number| counted(number, "sample")),
            ["0 samples", "1 sample", "2 samples"]
        );
    }

    #[test]
    fn times_show_their_two_largest_units() {
        let found =
            [0.4, 59.6, 185.0, 7620.0].map(|seconds| duration(Duration::from_secs_f64(seconds)));
        assert_eq!(found, ["0 s", "1 min 00 s", "3 min 05 s", "2 h 07 min"]);
    }

    #[test]
    fn rates_have_three_digits() {
        let found = [0.5, 45.62, 789.4, 12_345.0, 7_891_234.0].map(rate);
        assert_eq!(found, ["0.50", "45.6", "789", "12,300", "7,890,000"]);
    }

    #[test]
    fn short_times_have_fractions() {
        assert_eq!(
            [0.04, 9.5, 75.0].map(seconds),
            ["0.0 s", "9.5 s", "1 min 15 s"]
        );
    }

    #[test]
    fn shares_of_nothing_are_nothing() {
        assert_eq!([share(1, 3), share(0, 0)], ["33.33 %", "0.00 %"]);
    }
}
