//! Splits: which samples are for fitting, for choosing and for the figures that are quoted.

mod error;
mod fractions;
mod grouped;
mod runs;
mod session;
pub(crate) mod time;
mod whole;

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

pub use self::{
    error::SplitError,
    fractions::{Fractions, FractionsError},
};
use crate::{dataset::Split, filters::Facts};

/// What decides on which side a sample is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SplitRule {
    /// The side that the source gives; validation is drawn from train where the source has none.
    Given,
    /// Each session by lot, every class in the same proportion: what the papers do.
    #[default]
    Session,
    /// Sessions of one protocol between the same two ends stay together.
    Connection,
    /// What was recorded first to fit, what came last to test: whole runs, else whole groups.
    Time,
    /// Each group whole: sessions of one capture, or of captures made together, stay together.
    Capture,
    /// Each run of the laboratory whole.
    Run,
    /// Each site of an activity whole, for its direct and its tunnelled class alike.
    Site,
    /// Each application whole, for its direct and its tunnelled class alike.
    Application,
    /// Each kind of tunnel whole, for all classes alike; what went through none by whole runs.
    Tunnel,
}

impl fmt::Display for SplitRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Given => "given",
            Self::Session => "session",
            Self::Connection => "connection",
            Self::Time => "time",
            Self::Capture => "capture",
            Self::Run => "run",
            Self::Site => "site",
            Self::Application => "application",
            Self::Tunnel => "tunnel",
        })
    }
}

/// What to do when a class would be left without train or without test samples.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Untestable {
    /// Refuse the split, and name the class.
    #[default]
    Refuse,
    /// Go on, and report the class as not testable.
    Allow,
}

/// How to split.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SplitOptions {
    /// What decides.
    pub rule: SplitRule,
    /// Seed of every lot drawn.
    pub seed: u64,
    /// The shares aimed at.
    pub fractions: Fractions,
    /// What to do with classes that cannot be tested.
    pub untestable: Untestable,
    /// The groups to test on, as `c` or `Email/c`; if none is named they are chosen by lot.
    pub hold_out: Vec<String>,
}

/// The side of each sample, and the classes without a score.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Assignment {
    /// The side of each sample, in their order; none leaves it out, because its run has samples
    /// on another side.
    pub splits: Vec<Option<Split>>,
    /// Labels of classes that lack train or test samples.
    pub untestable: Vec<u32>,
    /// Names of the groups by side, sorted, where the rule keeps groups whole.
    pub groups: BTreeMap<Split, Vec<String>>,
    /// Labels of classes of too few groups for validation, which is whole runs of train there.
    pub validation_by_run: Vec<u32>,
}

/// Splits samples of `classes` classes.
///
/// # Errors
///
/// [`SplitError::Untestable`] if a class would have no train or no test samples and that is not
/// allowed; others if the rule needs what the samples do not have.
pub fn assign(
    samples: &[Facts],
    classes: &[String],
    options: &SplitOptions,
) -> Result<Assignment, SplitError> {
    let rule = options.rule;
    let (mut assignment, groups) = match rule {
        SplitRule::Given | SplitRule::Session | SplitRule::Time => {
            if let Some(name) = options.hold_out.first().cloned() {
                return Err(SplitError::NothingToHoldOut { rule, name });
            }
            let of_sides = |splits: Vec<Split>| Assignment {
                splits: splits.into_iter().map(Some).collect(),
                ..Assignment::default()
            };
            let assignment = match rule {
                SplitRule::Given => of_sides(given(samples, options)?),
                SplitRule::Time => time::assign(samples, options)?,
                _ => of_sides(session::assign(samples, options)),
            };
            (assignment, None)
        }
        _ => {
            if let (SplitRule::Connection, Some(name)) = (rule, options.hold_out.first().cloned()) {
                return Err(SplitError::NothingToHoldOut { rule, name });
            }
            let (assignment, groups) = grouped::assign(samples, classes, options)?;
            (assignment, Some(groups))
        }
    };
    let mut reasons = Vec::new();
    for (label, class) in (0..).zip(classes) {
        let mut counts = [0; 3];
        for (sample, side) in samples.iter().zip(&assignment.splits) {
            if let Some(side) = side.filter(|_| sample.label == label) {
                counts[side as usize] += 1;
            }
        }
        if counts[Split::Train as usize] == 0 || counts[Split::Test as usize] == 0 {
            assignment.untestable.push(label);
            let count = samples.iter().filter(|s| s.label == label).count();
            let reason = match (count, &groups) {
                (0, _) => "it has no samples".to_owned(),
                (1, _) => "it has 1 sample".to_owned(),
                (_, Some(groups)) => groups.reason(samples, label, options),
                (_, None) => format!("its {count} samples are all on one side"),
            };
            reasons.push((class.clone(), reason));
        }
    }
    if reasons.is_empty() || options.untestable == Untestable::Allow {
        Ok(assignment)
    } else {
        Err(SplitError::Untestable {
            rule,
            classes: reasons,
        })
    }
}

/// The side that the source gives; validation is drawn from train if no sample has it.
fn given(samples: &[Facts], options: &SplitOptions) -> Result<Vec<Split>, SplitError> {
    let missing = samples.iter().filter(|s| s.given.is_none()).count();
    if missing > 0 {
        return Err(SplitError::NotGiven {
            missing,
            samples: samples.len(),
        });
    }
    let mut splits: Vec<Split> = samples.iter().filter_map(|sample| sample.given).collect();
    if !splits.contains(&Split::Validation) {
        session::draw_validation(samples, &mut splits, options);
    }
    Ok(splits)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Samples of (label, group, how many).
    fn samples(blocks: &[(u32, u32, usize)]) -> Vec<Facts> {
        let block = |&(label, group, count): &(u32, u32, usize)| {
            let sample = Facts {
                capture: group,
                group: group.to_string().into(),
                ..Facts::of_label(label)
            };
            vec![sample; count]
        };
        blocks.iter().flat_map(block).collect()
    }

    fn classes(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class}")).collect()
    }

    /// The one place that calls the API: samples of each side, or the refusal.
    #[track_caller]
    fn check(rule: SplitRule, blocks: &[(u32, u32, usize)], expected: Result<[usize; 3], &str>) {
        let samples = samples(blocks);
        let count = blocks
            .iter()
            .map(|block| block.0 as usize + 1)
            .max()
            .unwrap();
        let options = SplitOptions {
            rule,
            ..SplitOptions::default()
        };
        let found = assign(&samples, &classes(count), &options)
            .map(|found| {
                Split::ALL.map(|side| found.splits.iter().filter(|&&s| s == Some(side)).count())
            })
            .map_err(|error| error.to_string());
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn sessions_are_drawn_in_proportion() {
        check(
            SplitRule::Session,
            &[(0, 0, 100), (1, 0, 50)],
            Ok([120, 15, 15]),
        );
    }

    #[test]
    fn two_sessions_are_one_to_fit_and_one_to_test() {
        check(SplitRule::Session, &[(0, 0, 2)], Ok([1, 0, 1]));
    }

    #[test]
    fn a_class_of_one_session_is_refused() {
        check(
            SplitRule::Session,
            &[(0, 0, 100), (1, 0, 1)],
            Err(
                "rule `session` leaves class `class 1` (it has 1 sample) without train or test samples; use another rule, add captures, or go on with `--allow-untestable`",
            ),
        );
    }

    #[test]
    fn a_class_of_one_capture_is_refused_by_name() {
        check(
            SplitRule::Capture,
            &[(0, 0, 10), (0, 1, 10), (1, 2, 30)],
            Err(
                "rule `capture` leaves class `class 1` (its 30 samples are one group) without train or test samples; use another rule, add captures, or go on with `--allow-untestable`",
            ),
        );
    }

    #[test]
    fn ten_equal_captures_are_split_by_the_fractions() {
        let blocks: Vec<_> = (0..10).map(|group| (0, group, 7)).collect();
        check(SplitRule::Capture, &blocks, Ok([56, 7, 7]));
    }

    #[test]
    fn sessions_of_one_connection_stay_together() {
        // Twenty connections of five sessions each, all in one capture.
        let mut samples = samples(&[(0, 0, 50), (1, 0, 50)]);
        for (at, sample) in samples.iter_mut().enumerate() {
            sample.conversation = Some((at / 5).to_string().into());
        }
        let options = SplitOptions {
            rule: SplitRule::Connection,
            ..SplitOptions::default()
        };
        let found = assign(&samples, &classes(2), &options).unwrap();
        for connection in found.splits.chunks_exact(5) {
            assert!(connection.iter().all(|side| side == &connection[0]));
        }
        let on = |side| {
            found
                .splits
                .iter()
                .filter(|&&found| found == Some(side))
                .count()
        };
        assert_eq!(Split::ALL.map(on), [80, 10, 10]);
        // Names of ten thousand connections are of no use to anybody.
        assert_eq!(found.groups, BTreeMap::new());
    }

    #[test]
    fn slices_of_unknown_packets_have_no_connection() {
        check(
            SplitRule::Connection,
            &[(0, 0, 3)],
            Err(
                "rule `connection` needs to know who talked to whom, which is not known of 3 of 3 samples; use another rule",
            ),
        );
    }

    #[test]
    fn a_group_that_ties_two_classes_together_does_not_hinder_either() {
        // Group 1 holds both classes: it must be train for both, or test for both.
        check(
            SplitRule::Capture,
            &[(0, 0, 10), (0, 1, 90), (1, 1, 90), (1, 2, 10)],
            Ok([180, 0, 20]),
        );
    }

    #[test]
    fn a_given_rule_without_given_splits_is_refused() {
        check(
            SplitRule::Given,
            &[(0, 0, 3)],
            Err(
                "rule `given` needs a split for each sample, 3 of 3 have none; use rule `session` or `capture`",
            ),
        );
    }

    #[test]
    fn validation_is_drawn_from_the_given_train_side() {
        let mut samples = samples(&[(0, 0, 90), (0, 1, 10)]);
        for sample in &mut samples {
            sample.given = Some([Split::Train, Split::Test][sample.capture as usize]);
        }
        let options = SplitOptions {
            rule: SplitRule::Given,
            ..SplitOptions::default()
        };
        let found = assign(&samples, &classes(1), &options).unwrap();
        let validation = found.splits[..90]
            .iter()
            .filter(|&&side| side == Some(Split::Validation));
        assert_eq!(validation.count(), 10);
        assert!(
            found.splits[90..]
                .iter()
                .all(|&side| side == Some(Split::Test))
        );
    }

    proptest::proptest! {
        #[test]
        fn a_split_never_tears_its_group(
            blocks in proptest::collection::vec((0_u32..5, 0_u32..30, 1_usize..20), 1..60),
            seed in 0_u64..1000,
        ) {
            let samples = samples(&blocks);
            let options = SplitOptions {
                rule: SplitRule::Capture,
                seed,
                untestable: Untestable::Allow,
                ..SplitOptions::default()
            };
            let found = assign(&samples, &classes(5), &options).unwrap();
            let mut sides = std::collections::HashMap::new();
            for (sample, side) in samples.iter().zip(&found.splits) {
                proptest::prop_assert_eq!(sides.entry(sample.capture).or_insert(side), &side);
            }
            proptest::prop_assert_eq!(assign(&samples, &classes(5), &options).unwrap(), found);
        }

        #[test]
        fn every_class_of_two_own_groups_is_testable(
            groups in proptest::collection::vec(2_u32..6, 1..6),
            seed in 0_u64..1000,
        ) {
            let mut blocks = Vec::new();
            for (label, &count) in (0..).zip(&groups) {
                blocks.extend((0..count).map(|at| (label, label * 10 + at, 1 + (at as usize) * 3)));
            }
            let options = SplitOptions { rule: SplitRule::Capture, seed, ..SplitOptions::default() };
            proptest::prop_assert!(assign(&samples(&blocks), &classes(groups.len()), &options).is_ok());
        }
    }
}
