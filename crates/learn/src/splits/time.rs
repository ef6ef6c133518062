//! The `time` rule: what was recorded first is fitted to, what came last is tested on.
//!
//! A laboratory's run, else a capture group, stays whole and is as old as its first session. All
//! classes share one line of time, so that nothing of the future is in training: classes that were
//! recorded on days of their own cannot be tested, and are refused by name.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use traffic::timestamp::Timestamp;

use super::{Assignment, SplitError, SplitOptions};
use crate::{dataset::Split, filters::Facts};

/// The recording that a sample is of: a lab run where it is known, else a capture group.
pub(crate) fn recording(sample: &Facts) -> &Arc<str> {
    sample.provenance.run.as_ref().unwrap_or(&sample.group)
}

/// Splits by time; chance has no part in it.
pub(super) fn assign(samples: &[Facts], options: &SplitOptions) -> Result<Assignment, SplitError> {
    let mut starts: HashMap<&str, Timestamp> = HashMap::new();
    for sample in samples {
        let start = starts.entry(recording(sample)).or_insert(sample.start);
        *start = sample.start.min(*start);
    }
    // What began at one moment cannot be told apart by time, and stays together.
    let mut moments: BTreeMap<Timestamp, usize> = BTreeMap::new();
    for sample in samples {
        *moments.entry(starts[&**recording(sample)]).or_default() += 1;
    }
    if moments.len() < 2 {
        return Err(SplitError::OneMoment {
            samples: samples.len(),
        });
    }
    let sides = cut(&moments, options);
    let side = |sample: &Facts| sides[&starts[&**recording(sample)]];
    let mut groups: BTreeMap<Split, BTreeSet<String>> = BTreeMap::new();
    for sample in samples {
        let names = groups.entry(side(sample)).or_default();
        names.insert(recording(sample).to_string());
    }
    Ok(Assignment {
        splits: samples.iter().map(|sample| Some(side(sample))).collect(),
        groups: groups
            .into_iter()
            .map(|(side, names)| (side, names.into_iter().collect()))
            .collect(),
        ..Assignment::default()
    })
}

/// The side of each moment, given how many samples it has: from the last one backwards, each side
/// takes moments as long as that brings it closer to its share; every side gets one if there are
/// three.
fn cut(moments: &BTreeMap<Timestamp, usize>, options: &SplitOptions) -> BTreeMap<Timestamp, Split> {
    let all: usize = moments.values().sum();
    let fractions = options.fractions;
    let mut left: Vec<(Timestamp, usize)> =
        moments.iter().map(|(&at, &count)| (at, count)).collect();
    let mut sides = BTreeMap::new();
    for (side, fraction, earlier) in [
        (Split::Test, fractions.test, 2),
        (Split::Validation, fractions.validation, 1),
    ] {
        let wanted = all as f64 * fraction;
        // Moments that must be left to earlier sides, if there are so many.
        let earlier = if side == Split::Test && moments.len() < 3 {
            1
        } else {
            earlier
        };
        let mut taken = 0;
        while let Some(&(moment, count)) = left.last() {
            let is_first = taken == 0 && fraction > 0.0;
            let is_closer = (wanted - (taken + count) as f64).abs() < (wanted - taken as f64).abs();
            if left.len() <= earlier || !(is_first || is_closer) {
                break;
            }
            left.pop();
            sides.insert(moment, side);
            taken += count;
        }
    }
    sides.extend(left.into_iter().map(|(moment, _)| (moment, Split::Train)));
    sides
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::splits::{SplitRule, Untestable, assign};

    /// Samples of (label, group, second).
    fn samples(of: &[(u32, u32, i64)]) -> Vec<Facts> {
        let sample = |&(label, group, second): &(u32, u32, i64)| Facts {
            group: group.to_string().into(),
            start: Timestamp::from_nanoseconds(second * 1_000_000_000),
            ..Facts::of_label(label)
        };
        of.iter().map(sample).collect()
    }

    fn options(untestable: Untestable) -> SplitOptions {
        SplitOptions {
            rule: SplitRule::Time,
            untestable,
            ..SplitOptions::default()
        }
    }

    fn classes() -> Vec<String> {
        vec!["Chat".to_owned(), "Email".to_owned()]
    }

    /// The one place that calls the API: groups by side, or the refusal.
    #[track_caller]
    fn check(of: &[(u32, u32, i64)], expected: Result<[&[&str]; 3], &str>) {
        let found = assign(&samples(of), &classes(), &options(Untestable::Refuse))
            .map_err(|error| error.to_string());
        let found = found.map(|found| {
            Split::ALL.map(|side| found.groups.get(&side).cloned().unwrap_or_default())
        });
        let expected = expected.map(|groups| {
            groups.map(|names| {
                names
                    .iter()
                    .map(|&name| name.to_owned())
                    .collect::<Vec<_>>()
            })
        });
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn the_first_recordings_are_fitted_to_and_the_last_tested() {
        let mut of = Vec::new();
        // Numbered against time, so that no other order gives the same.
        for group in 0..10 {
            for session in 0..5 {
                of.push((session % 2, 9 - group, i64::from(group * 100 + session)));
            }
        }
        check(
            &of,
            Ok([&["2", "3", "4", "5", "6", "7", "8", "9"], &["1"], &["0"]]),
        );
    }

    #[test]
    fn a_recording_is_as_old_as_its_first_session_and_stays_whole() {
        check(
            &[
                (0, 1, 10),
                (1, 1, 900),
                (0, 2, 20),
                (1, 2, 21),
                (0, 3, 30),
                (1, 3, 31),
            ],
            Ok([&["1"], &["2"], &["3"]]),
        );
    }

    #[test]
    fn a_class_recorded_on_a_day_of_its_own_is_refused_by_name() {
        check(
            &[
                (0, 1, 1),
                (0, 2, 2),
                (0, 3, 3),
                (1, 4, 4),
                (1, 5, 5),
                (0, 5, 5),
            ],
            Err(
                "rule `time` leaves class `Email` (its 2 samples are all on one side) without \
                 train or test samples; use another rule, add captures, or go on with \
                 `--allow-untestable`",
            ),
        );
    }

    #[test]
    fn one_moment_is_no_time_to_split_by() {
        check(
            &[(0, 1, 7), (1, 2, 7), (0, 3, 7)],
            Err(
                "rule `time` needs recordings that began at different times, and all 3 samples are \
                 of one; use another rule",
            ),
        );
    }

    proptest! {
        #[test]
        fn nothing_that_is_tested_began_before_what_is_fitted_to(
            of in proptest::collection::vec((0_u32..2, 0_u32..12, 0_i64..1000), 2..80),
        ) {
            let samples = samples(&of);
            let Ok(found) = assign(&samples, &classes(), &options(Untestable::Allow)) else {
                return Ok(());
            };
            let first = |group: &str| {
                let own = samples.iter().filter(|sample| &*sample.group == group);
                own.map(|sample| sample.start).min()
            };
            let mut sides = HashMap::new();
            for (sample, side) in samples.iter().zip(&found.splits) {
                prop_assert_eq!(sides.entry(&sample.group).or_insert(side), &side);
            }
            let latest = found.groups[&Split::Train].iter().map(|group| first(group)).max();
            let tested = found.groups[&Split::Test].iter().map(|group| first(group)).min();
            prop_assert!(latest < tested);
        }
    }
}
