//! Split rules, put to the test: the same rows split by each, the same forest fitted to each.
//!
//! A rule that leaves much of what it tests known from training is told by the fall of the score
//! where whole captures or lab runs are held out.

mod judgement;
mod rule;

use std::{collections::HashSet, hash::Hash};

use serde::{Deserialize, Serialize};

use self::judgement::judge;
pub use self::rule::Rule;
use super::fields::answers;
use crate::{
    baselines::{features::Features, forest::Forest},
    dataset::{Origin, Split},
    evaluation::confusion::ConfusionMatrix,
    filters::Facts,
    splits::{Fractions, SplitOptions, SplitRule, Untestable, assign, time::recording},
};

/// Trees of the forest.
const TREES: u32 = 20;

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
    // Of the rules that hold recordings out by lot, the finer: lab runs where there are any.
    let held_out = tried
        .iter()
        .rev()
        .filter(|(rule, _)| matches!(rule, Rule::Capture | Rule::Run))
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
        rule.split_rule() == self.own
    }

    /// The side of each row under a rule, or why there is none.
    fn sides(&self, rule: Rule) -> Result<Vec<Option<Split>>, String> {
        let is_known = |value: fn(&Facts) -> bool| self.facts.iter().any(value);
        let mut facts = self.facts.clone();
        let known = match rule {
            Rule::Given => facts.iter().all(|facts| facts.given.is_some()),
            Rule::Session => true,
            Rule::Connection => {
                // Rows that were taken apart know more than what their dataset says of them.
                for (facts, origin) in facts.iter_mut().zip(&self.origins) {
                    facts.conversation = Some(origin.conversation().to_string().into());
                }
                self.origins
                    .iter()
                    .any(|origin| origin.five_tuple != self.origins[0].five_tuple)
            }
            Rule::Time => facts.iter().any(|one| one.start != facts[0].start),
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
            rule: rule.split_rule(),
            seed: self.seed,
            fractions: self.fractions,
            untestable: Untestable::Allow,
            hold_out: Vec::new(),
        };
        let assigned = assign(&facts, self.classes, &options).map_err(|error| error.to_string())?;
        Ok(assigned.splits)
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
            shared_five_tuples: shared(&train, &test, |row| self.origins[row].conversation()),
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
            Rule::Time => return recording(facts),
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
