//! Split rules, put to the test: the same rows split by each, the same forest fitted to each.
//!
//! A rule that leaves much of what it tests known from training is told by the fall of the score
//! where whole captures or lab runs are held out.

use std::{collections::HashSet, hash::Hash};

use serde::{Deserialize, Serialize};

use super::{fields::answers, repetition::undirected};
use crate::{
    baselines::{features::Features, forest::Forest},
    dataset::{Origin, Split},
    evaluation::confusion::ConfusionMatrix,
    filters::Facts,
    splits::{Fractions, SplitOptions, SplitRule, Untestable, assign},
};

/// Below this many groups, other groups could have given quite another score.
const FEW_GROUPS: usize = 20;
/// A fall of macro-F1 that is more than chance.
const FALL: f64 = 0.05;
/// The share of test slices that may also be in training.
const REPEATED: f64 = 0.01;
/// Trees of the forest.
const TREES: u32 = 20;

/// What keeps samples together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The split that the source gives.
    Given,
    /// Nothing: each session by lot.
    Session,
    /// Sessions of one five-tuple.
    FiveTuple,
    /// Time: what began last of each class is tested.
    Time,
    /// Captures, or groups of captures made together.
    Capture,
    /// Lab runs.
    Run,
    /// Sites.
    Site,
    /// Applications.
    Application,
    /// Kinds of tunnel.
    Tunnel,
}

impl Rule {
    /// From the one that keeps least together.
    pub const ALL: [Self; 9] = [
        Self::Given,
        Self::Session,
        Self::FiveTuple,
        Self::Time,
        Self::Capture,
        Self::Run,
        Self::Site,
        Self::Application,
        Self::Tunnel,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Session => "session",
            Self::FiveTuple => "five-tuple",
            Self::Time => "time",
            Self::Capture => "capture",
            Self::Run => "run",
            Self::Site => "site",
            Self::Application => "application",
            Self::Tunnel => "tunnel",
        }
    }

    /// Whether it keeps together whatever was made at one time in one place.
    fn holds_recordings_out(self) -> bool {
        matches!(self, Self::Capture | Self::Run)
    }

    /// Whether it asks about things never seen, not only about other recordings.
    fn asks_for_unseen(self) -> bool {
        matches!(self, Self::Site | Self::Application | Self::Tunnel)
    }
}

/// Whether a score under a rule says what people take it to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trust {
    /// Yes.
    Trusted,
    /// In part; the reason says why.
    Doubtful,
    /// No: it mostly says what is remembered.
    Untrusted,
    /// The dataset does not allow it.
    Impossible,
}

/// One rule on this dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleVerdict {
    /// Which.
    pub rule: Rule,
    /// Whether the dataset is split by it.
    pub is_own: bool,
    /// What is to be thought of it.
    pub trust: Trust,
    /// Why, in one sentence.
    pub reason: String,
    /// What was measured; none if impossible.
    pub measured: Option<Measured>,
}

/// A forest under one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Samples fitted to.
    pub train: u64,
    /// Samples tested.
    pub test: u64,
    /// Groups on the test side, where the rule keeps groups whole.
    pub test_groups: Option<usize>,
    /// The forest's share of right answers.
    pub accuracy: f64,
    /// The forest's macro-F1 over all classes that have test samples.
    pub macro_f1: f64,
    /// F1 by class; none where a class lacks train or test samples.
    pub class_f1: Vec<Option<f64>>,
    /// Test samples whose slice is in training, byte for byte.
    pub shared_slices: u64,
    /// Test samples whose five-tuple is in training.
    pub shared_five_tuples: u64,
    /// Test samples whose capture group is in training.
    pub shared_groups: u64,
}

/// All rows of a dataset, whatever side they are on.
pub(super) struct AllRows<'a> {
    /// Names of the classes.
    pub(super) classes: &'a [String],
    /// `[rows, slice length]`.
    pub(super) slices: Vec<u8>,
    /// Bytes of a slice.
    pub(super) slice_length: usize,
    /// What splits need, `[rows]`.
    pub(super) facts: Vec<Facts>,
    /// `[rows]`.
    pub(super) origins: Vec<&'a Origin>,
    /// The rule the dataset is split by.
    pub(super) own: SplitRule,
    /// Seed of all lots.
    pub(super) seed: u64,
    /// The shares aimed at.
    pub(super) fractions: Fractions,
}

/// Tries every rule.
pub(super) fn verdicts(rows: &AllRows<'_>) -> Vec<RuleVerdict> {
    let tried: Vec<(Rule, Result<Measured, String>)> = Rule::ALL
        .into_iter()
        .map(|rule| {
            (
                rule,
                rows.sides(rule)
                    .and_then(|sides| rows.measure(rule, &sides)),
            )
        })
        .collect();
    // Of the rules that hold recordings out, the finer: lab runs where there are any.
    let held_out = tried
        .iter()
        .rev()
        .filter(|(rule, _)| rule.holds_recordings_out())
        .find_map(|(rule, tried)| Some((*rule, tried.as_ref().ok()?.clone())));
    tried
        .into_iter()
        .map(|(rule, tried)| {
            let (trust, reason) = match &tried {
                Err(reason) => (Trust::Impossible, reason.clone()),
                Ok(measured) => judge(rule, measured, held_out.as_ref(), rows.classes),
            };
            RuleVerdict {
                rule,
                is_own: rows.is_own(rule),
                trust,
                reason,
                measured: tried.ok(),
            }
        })
        .collect()
}

impl AllRows<'_> {
    fn is_own(&self, rule: Rule) -> bool {
        rule.split_rule().is_some_and(|rule| rule == self.own)
    }

    /// The side of each row under a rule, or why there is none.
    fn sides(&self, rule: Rule) -> Result<Vec<Option<Split>>, String> {
        let is_known = |value: fn(&Facts) -> bool| self.facts.iter().any(value);
        let mut facts = self.facts.clone();
        let known = match rule {
            Rule::Given => facts.iter().all(|facts| facts.given.is_some()),
            Rule::Session => true,
            Rule::FiveTuple => {
                for (facts, origin) in facts.iter_mut().zip(&self.origins) {
                    facts.group = undirected(&origin.five_tuple).to_string().into();
                }
                self.origins
                    .iter()
                    .any(|origin| origin.five_tuple != self.origins[0].five_tuple)
            }
            Rule::Time => return self.by_time(),
            Rule::Capture => is_known(|facts| !facts.group.is_empty()),
            Rule::Run => is_known(|facts| facts.provenance.run.is_some()),
            Rule::Site => is_known(|facts| facts.provenance.site.is_some()),
            Rule::Application => is_known(|facts| facts.provenance.application.is_some()),
            Rule::Tunnel => is_known(|facts| facts.provenance.tunnel.is_some()),
        };
        if !known {
            return Err(rule.lacking().to_owned());
        }
        let options = SplitOptions {
            rule: rule.split_rule().unwrap_or(SplitRule::Capture),
            seed: self.seed,
            fractions: self.fractions,
            untestable: Untestable::Allow,
            hold_out: Vec::new(),
        };
        let assigned = assign(&facts, self.classes, &options).map_err(|error| error.to_string())?;
        Ok(assigned.splits)
    }

    /// The first of each class to fit, the last to test.
    fn by_time(&self) -> Result<Vec<Option<Split>>, String> {
        let start = |row: usize| self.origins[row].start;
        let mut rows: Vec<usize> = (0..self.facts.len()).collect();
        if rows.iter().all(|&row| start(row) == start(0)) {
            return Err(Rule::Time.lacking().to_owned());
        }
        rows.sort_by_key(|&row| (self.facts[row].label, start(row)));
        let mut sides = vec![Some(Split::Train); rows.len()];
        for of_class in
            rows.chunk_by(|&one, &other| self.facts[one].label == self.facts[other].label)
        {
            let tested = (of_class.len() as f64 * self.fractions.test).round() as usize;
            for &row in &of_class[of_class.len() - tested..] {
                sides[row] = Some(Split::Test);
            }
        }
        Ok(sides)
    }

    /// Fits the forest to one side and scores it on the other.
    fn measure(&self, rule: Rule, sides: &[Option<Split>]) -> Result<Measured, String> {
        let on = |test: bool| -> Vec<usize> {
            let is_here = |side: &Split| (*side == Split::Test) == test;
            let rows = sides.iter().enumerate();
            rows.filter(|(_, side)| side.as_ref().is_some_and(is_here))
                .map(|(row, _)| row)
                .collect()
        };
        let (train, test) = (on(false), on(true));
        let labels = |rows: &[usize]| -> Vec<u32> {
            rows.iter().map(|&row| self.facts[row].label).collect()
        };
        let (known, asked) = (labels(&train), labels(&test));
        let testable = |class: u32| known.contains(&class) && asked.contains(&class);
        if (0..self.classes.len() as u32)
            .filter(|&class| testable(class))
            .count()
            < 2
        {
            return Err(format!(
                "fewer than two classes have {} on both sides",
                rule.groups()
            ));
        }
        let classes = self.classes.len();
        let forest = Forest::grow(&self.features(&train), &known, classes, TREES, self.seed);
        let answered = answers(&forest, &self.features(&test), classes);
        let matrix = ConfusionMatrix::of(classes, &asked, &answered);
        let class_f1 = (0..)
            .zip(matrix.class_scores())
            .map(|(class, scores)| testable(class).then_some(scores.f1))
            .collect();
        let groups: HashSet<&str> = test.iter().map(|&row| self.group_of(rule, row)).collect();
        Ok(Measured {
            train: train.len() as u64,
            test: test.len() as u64,
            test_groups: (rule.holds_recordings_out() || rule.asks_for_unseen())
                .then_some(groups.len()),
            accuracy: matrix.accuracy(),
            macro_f1: matrix.macro_f1(),
            class_f1,
            shared_slices: shared(&train, &test, |row| self.slice(row)),
            shared_five_tuples: shared(&train, &test, |row| {
                undirected(&self.origins[row].five_tuple)
            }),
            shared_groups: shared(&train, &test, |row| &*self.facts[row].group),
        })
    }

    fn slice(&self, row: usize) -> &[u8] {
        &self.slices[row * self.slice_length..(row + 1) * self.slice_length]
    }

    fn features(&self, rows: &[usize]) -> Features {
        let slices = rows.iter().flat_map(|&row| self.slice(row)).copied();
        Features::bytes(self.slice_length, slices.collect())
    }

    fn group_of(&self, rule: Rule, row: usize) -> &str {
        let facts = &self.facts[row];
        let value = match rule {
            Rule::Run => &facts.provenance.run,
            Rule::Site => &facts.provenance.site,
            Rule::Application => &facts.provenance.application,
            Rule::Tunnel => &facts.provenance.tunnel,
            _ => return &facts.group,
        };
        value.as_deref().unwrap_or_default()
    }
}

fn shared<K: Hash + Eq>(train: &[usize], test: &[usize], key: impl Fn(usize) -> K) -> u64 {
    let known: HashSet<K> = train.iter().map(|&row| key(row)).collect();
    test.iter()
        .filter(|&&row| known.contains(&key(row)))
        .count() as u64
}

impl Rule {
    fn split_rule(self) -> Option<SplitRule> {
        Some(match self {
            Self::Given => SplitRule::Given,
            Self::Session => SplitRule::Session,
            Self::Capture => SplitRule::Capture,
            Self::Run => SplitRule::Run,
            Self::Site => SplitRule::Site,
            Self::Application => SplitRule::Application,
            Self::Tunnel => SplitRule::Tunnel,
            Self::FiveTuple | Self::Time => return None,
        })
    }

    /// What it keeps whole, in the plural.
    fn groups(self) -> &'static str {
        match self {
            Self::Given | Self::Session | Self::Time => "samples",
            Self::FiveTuple => "five-tuples",
            Self::Capture => "captures",
            Self::Run => "lab runs",
            Self::Site => "sites",
            Self::Application => "applications",
            Self::Tunnel => "kinds of tunnel",
        }
    }

    /// What a dataset that cannot be split by it lacks.
    fn lacking(self) -> &'static str {
        match self {
            Self::Given => "its source gives no split",
            Self::Session => "it has no samples",
            Self::FiveTuple => "it does not know who talked to whom",
            Self::Time => "it does not know when its sessions began",
            Self::Capture => "it does not know its captures",
            Self::Run => "it knows no lab runs",
            Self::Site => "it knows no sites",
            Self::Application => "it knows no applications",
            Self::Tunnel => "it knows no tunnels",
        }
    }
}

/// What is to be thought of a rule, and why.
fn judge(
    rule: Rule,
    measured: &Measured,
    held_out: Option<&(Rule, Measured)>,
    classes: &[String],
) -> (Trust, String) {
    let untestable = untestable(measured, classes);
    let percent = |part: u64| format!("{:.1} %", part as f64 * 100.0 / measured.test.max(1) as f64);
    let repeated = measured.shared_slices as f64 / measured.test.max(1) as f64;
    if rule.holds_recordings_out() || rule.asks_for_unseen() {
        let groups = rule.groups();
        let tested = measured.test_groups.unwrap_or(0);
        if !untestable.is_empty() {
            return (
                Trust::Doubtful,
                format!(
                    "whole {groups} are held out, but {} cannot be tested",
                    untestable.join(", ")
                ),
            );
        }
        if rule.holds_recordings_out() && tested < FEW_GROUPS {
            return (
                Trust::Doubtful,
                format!(
                    "whole {groups} are held out, but only {tested} are tested: others could \
                     give quite another score"
                ),
            );
        }
        if repeated > REPEATED {
            return (
                Trust::Doubtful,
                format!(
                    "whole {groups} are held out, but {} of the test slices are in training too, \
                     byte for byte",
                    percent(measured.shared_slices)
                ),
            );
        }
        return (
            Trust::Trusted,
            format!("whole {groups} are held out; training knows none that is tested"),
        );
    }
    let Some((reference, strict)) = held_out else {
        return if repeated > REPEATED {
            (
                Trust::Untrusted,
                format!(
                    "{} of the test slices are in training too, byte for byte, and no captures \
                     are known to hold out",
                    percent(measured.shared_slices)
                ),
            )
        } else {
            (
                Trust::Doubtful,
                "no captures are known to hold out: what is remembered cannot be told from what \
                 is understood"
                    .to_owned(),
            )
        };
    };
    let (here, there) = common_f1(measured, strict);
    let recordings = reference.groups();
    let fall = format!(
        "over the same classes, a forest's macro-F1 is {:.1} here and {:.1} where whole \
         {recordings} are held out",
        here * 100.0,
        there * 100.0
    );
    if here - there > FALL {
        (
            Trust::Untrusted,
            format!(
                "{} of the test samples have their capture group in training; {fall}",
                percent(measured.shared_groups)
            ),
        )
    } else if repeated > REPEATED {
        (
            Trust::Doubtful,
            format!(
                "{} of the test slices are in training too, byte for byte; {fall}",
                percent(measured.shared_slices)
            ),
        )
    } else {
        (Trust::Trusted, fall)
    }
}

/// Macro-F1 of both over the classes that both can test.
fn common_f1(one: &Measured, other: &Measured) -> (f64, f64) {
    let pairs: Vec<(f64, f64)> = one
        .class_f1
        .iter()
        .zip(&other.class_f1)
        .filter_map(|(one, other)| Some(((*one)?, (*other)?)))
        .collect();
    let mean = |sum: f64| sum / pairs.len().max(1) as f64;
    (
        mean(pairs.iter().map(|pair| pair.0).sum()),
        mean(pairs.iter().map(|pair| pair.1).sum()),
    )
}

fn untestable(measured: &Measured, classes: &[String]) -> Vec<String> {
    let rows = classes.iter().zip(&measured.class_f1);
    rows.filter(|(_, f1)| f1.is_none())
        .map(|(class, _)| class.clone())
        .collect()
}
