//! The card: what a model was made from, how it does, and what it is not good for.

use serde::{Deserialize, Serialize};

use crate::{
    dataset::Manifest, drift::Distribution, evaluation::Evaluation, labels::sidecar::View,
    quantisation::Int8Score, recipe::Recipe,
};

/// What VPN classes mean to a model of traffic inside of tunnels.
const VPN_NOTE: &str = "VPN classes mean the traffic inside of a VPN, captured decrypted on the \
                        tunnel interface; the model does not detect VPN tunnels on a wire";

/// What they mean to a model of tunnels from outside.
const OUTER_NOTE: &str = "VPN classes mean a tunnel as the wire shows it, named by what is done \
                          inside; the model has seen no traffic without a tunnel and none decrypted";

/// What a model says about itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Card {
    /// What it is called.
    pub name: String,
    /// What it was fitted to.
    pub trained_on: TrainedOn,
    /// How it was fitted.
    pub recipe: Recipe,
    /// Which epoch's weights these are, counted from 1.
    pub epoch: u32,
    /// How well it does, one entry an evaluation.
    pub scores: Vec<CardScore>,
    /// What int8 does to its answers, if that was measured; scores are float32's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub int8: Option<Int8Score>,
    /// How its validation samples and its answers to them are distributed, if that was measured.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reference: Vec<Distribution>,
    /// Which samples that is of, if of others than its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference_of: Option<OtherSamples>,
    /// What it is not good for, a sentence each.
    pub limits: Vec<String>,
    /// Anything else worth knowing.
    pub notes: String,
    /// Under which licence it may be used.
    pub licence: String,
}

/// Samples of another dataset than the one that the model was fitted to and chosen on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OtherSamples {
    /// Name of the dataset.
    pub dataset: String,
    /// SHA-256 of its samples.
    pub dataset_sha256: String,
}

/// What a model was fitted to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrainedOn {
    /// Name of the dataset.
    pub dataset: String,
    /// SHA-256 of its samples.
    pub dataset_sha256: String,
    /// What decided which samples were for training.
    pub split_rule: String,
    /// The seed of that rule.
    pub split_seed: u64,
    /// Samples that the weights were fitted to.
    pub train_samples: u64,
    /// Samples that the epoch, the temperature and the threshold were chosen on.
    pub validation_samples: u64,
    /// Whether background sessions were among them: `keep` or `drop`.
    pub background: String,
    /// Classes of the dataset that were left out: the model knows nothing of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out_classes: Vec<String>,
    /// Whether its captures show tunnels from outside.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_outer: bool,
}

impl TrainedOn {
    /// What belongs under the names of these classes, wherever they are shown: what those of VPN
    /// traffic mean.
    pub fn vpn_note(&self, classes: &[String]) -> Option<&'static str> {
        let note = if self.is_outer { OUTER_NOTE } else { VPN_NOTE };
        let is_vpn = |class: &String| class.to_ascii_lowercase().starts_with("vpn");
        classes.iter().any(is_vpn).then_some(note)
    }

    /// The samples of a dataset, if it is another one.
    pub(crate) fn others(&self, manifest: &Manifest) -> Option<OtherSamples> {
        (manifest.samples_sha256 != self.dataset_sha256).then(|| OtherSamples {
            dataset: manifest.name.clone(),
            dataset_sha256: manifest.samples_sha256.clone(),
        })
    }
}

impl From<&Manifest> for TrainedOn {
    fn from(manifest: &Manifest) -> Self {
        let classes = &manifest.split.classes;
        Self {
            dataset: manifest.name.clone(),
            dataset_sha256: manifest.samples_sha256.clone(),
            split_rule: manifest.split.rule.to_string(),
            split_seed: manifest.split.seed,
            train_samples: classes.iter().map(|class| class.train).sum(),
            validation_samples: classes.iter().map(|class| class.validation).sum(),
            background: match manifest.filters.background {
                crate::filters::Choice::Keep => "keep",
                crate::filters::Choice::Drop => "drop",
            }
            .to_owned(),
            held_out_classes: manifest.split.held_out_classes.clone(),
            is_outer: manifest.captures.iter().any(|capture| {
                let lab = capture.lab.as_ref();
                lab.is_some_and(|lab| lab.view == View::Outer)
            }),
        }
    }
}

/// A score with its 95 % interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The score on the samples there are.
    pub value: f64,
    /// The lower end of the interval.
    pub low: f64,
    /// The upper end of the interval.
    pub high: f64,
}

/// Whose score it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Measured {
    /// Of these weights.
    TheseWeights,
    /// Of other weights, fitted by the same recipe to the training side of another split.
    SameRecipe,
}

/// One evaluation in short.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CardScore {
    /// What the evaluation is called, such as `standard split`.
    pub name: String,
    /// Whose score it is.
    pub measured: Measured,
    /// Name of the dataset.
    pub dataset: String,
    /// SHA-256 of its samples.
    pub dataset_sha256: String,
    /// What decided which samples were for testing.
    pub split_rule: String,
    /// The sites, applications or tunnels that no training saw, where the rule holds them out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out: Vec<String>,
    /// The split that was scored.
    pub split: String,
    /// Samples scored.
    pub samples: u64,
    /// The share of right answers.
    pub accuracy: Estimate,
    /// The mean F1 of the classes that could be tested.
    pub macro_f1: Estimate,
    /// Accuracy without the samples whose slice is also in training.
    pub accuracy_unshared: Option<f64>,
    /// Accuracy without background sessions.
    pub accuracy_foreground: Option<f64>,
    /// Accuracy without sessions that begin in plaintext, where some are known to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_without_preamble: Option<f64>,
    /// Classes that had no samples to test.
    pub untestable: Vec<String>,
}

impl CardScore {
    /// An evaluation in short, under a name.
    pub fn new(name: &str, measured: Measured, evaluation: &Evaluation) -> Self {
        let estimate = |value, interval: crate::evaluation::intervals::Interval| Estimate {
            value,
            low: interval.low,
            high: interval.high,
        };
        Self {
            name: name.to_owned(),
            measured,
            dataset: evaluation.dataset.name.clone(),
            dataset_sha256: evaluation.dataset.sha256.clone(),
            split_rule: evaluation.dataset.split_rule.clone(),
            held_out: evaluation.dataset.held_out.clone(),
            split: evaluation.split.to_string(),
            samples: evaluation.scores.samples,
            accuracy: estimate(evaluation.scores.accuracy, evaluation.intervals.accuracy),
            macro_f1: estimate(
                evaluation.scores.macro_averages.f1,
                evaluation.intervals.macro_f1,
            ),
            accuracy_unshared: evaluation
                .sharing
                .as_ref()
                .and_then(|sharing| sharing.unshared.as_ref())
                .map(|scores| scores.accuracy),
            accuracy_foreground: evaluation
                .background
                .foreground
                .as_ref()
                .map(|scores| scores.accuracy),
            accuracy_without_preamble: evaluation
                .preamble
                .as_ref()
                .and_then(|preamble| preamble.without.as_ref())
                .map(|scores| scores.accuracy),
            untestable: evaluation.untestable.clone(),
        }
    }
}

/// The limits that follow from what is known: of every model, and of these classes.
pub fn limits(trained_on: &TrainedOn, classes: &[String]) -> Vec<String> {
    let mut limits = vec![
        "it knows the applications, hosts and networks of its dataset; elsewhere it does worse, \
         as the scores on held-out captures show"
            .to_owned(),
        "it has a class for everything: traffic of another kind gets one of these names, unless \
         its confidence is below the threshold"
            .to_owned(),
    ];
    limits.extend(trained_on.vpn_note(classes).map(str::to_owned));
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is_outer: bool, classes: &[&str], expected: Option<&str>) {
        let manifest = Manifest::new("made", Vec::new(), "ip", 784);
        let trained_on = TrainedOn {
            is_outer,
            ..TrainedOn::from(&manifest)
        };
        let classes: Vec<String> = classes.iter().map(|&name| name.to_owned()).collect();
        assert_eq!(trained_on.vpn_note(&classes), expected);
        let limits = limits(&trained_on, &classes);
        assert_eq!(limits.get(2).map(String::as_str), expected);
    }

    #[test]
    fn vpn_classes_bring_the_note_on_what_they_mean() {
        check(false, &["Chat", "VPN-Chat"], Some(VPN_NOTE));
        check(true, &["VPN-Chat", "VPN-VoIP"], Some(OUTER_NOTE));
        check(false, &["Chat", "Email"], None);
    }
}
