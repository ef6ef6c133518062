//! Unknown samples: does a model say so, and by which rule would it best?

use serde::{Deserialize, Serialize};

use super::EvaluationError;
use crate::{
    calibration,
    dataset::{LabelledSlices, Manifest, Rows, Split},
    model::Model,
    rejection::{
        Rule,
        auroc::{auroc, found_at, share_below},
    },
};

/// The share of known samples given up where rules are compared at the same price.
pub const GIVEN_UP: f64 = 0.05;

/// Samples of none of a model's classes.
#[derive(Debug, Clone, PartialEq)]
pub struct Strangers {
    /// The manifest of their dataset.
    pub manifest: Manifest,
    /// From which split they are.
    pub split: Split,
    /// The samples, labelled by that manifest.
    pub rows: Rows,
}

/// How well a model finds out samples of none of its classes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnknownDetection {
    /// Name of their dataset.
    pub dataset: String,
    /// SHA-256 of its samples.
    pub dataset_sha256: String,
    /// From which split they are.
    pub split: Split,
    /// How many there are.
    pub samples: u64,
    /// The share of them that the model calls *unknown*, under its own rule and threshold.
    pub detected: f64,
    /// The share of the scored samples, whose classes it knows, that it calls so too.
    pub false_unknowns: f64,
    /// Every rule that the model can follow.
    pub rules: Vec<RuleDetection>,
    /// Each class of theirs.
    pub classes: Vec<UnknownClass>,
}

/// What one rule makes of known and unknown samples.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RuleDetection {
    /// The rule.
    pub rule: Rule,
    /// The probability that a known sample is more familiar than an unknown one.
    pub auroc: f64,
    /// The share of unknown samples found where [`GIVEN_UP`] of these known ones are given up.
    pub found_at_5: f64,
}

/// One class that the model does not know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnknownClass {
    /// Its name.
    pub class: String,
    /// Samples of it.
    pub samples: u64,
    /// The share that the model calls *unknown*.
    pub detected: f64,
    /// AUROC under the model's rule against all known samples.
    pub auroc: f64,
    /// The class that most of them are nearest to.
    pub taken_for: String,
}

/// How well the model tells samples of its classes from strangers.
///
/// # Errors
///
/// [`EvaluationError`] if the strangers are not of the model's form, or there are none.
pub fn detection(
    model: &Model,
    known: &LabelledSlices,
    strangers: &Strangers,
    threads: usize,
) -> Result<UnknownDetection, EvaluationError> {
    let Strangers {
        manifest,
        split,
        rows,
    } = strangers;
    model.check_slices(&manifest.policy, manifest.slice_length)?;
    let labels = &rows.samples.labels;
    if labels.is_empty() {
        return Err(EvaluationError::NoStrangers {
            dataset: manifest.name.clone(),
            split: *split,
        });
    }
    model.check_parts(&rows.samples)?;
    let (known, outputs) = (
        &model.outputs(known, threads),
        model.outputs(&rows.samples, threads),
    );
    if outputs.logits.iter().any(|logit| !logit.is_finite()) {
        return Err(EvaluationError::NotFinite);
    }
    let yardstick = model.yardstick();
    let rules = Rule::ALL.into_iter().filter_map(|rule| {
        let known = yardstick.familiarity(rule, known)?;
        let unknown = yardstick.familiarity(rule, &outputs)?;
        Some(RuleDetection {
            rule,
            auroc: auroc(&known, &unknown)?,
            found_at_5: found_at(&known, &unknown, GIVEN_UP),
        })
    });
    let (_, threshold) = model.rejection_rule();
    let [known, unknown] = [known, &outputs].map(|one| model.familiarity(one));
    let answers = calibration::confidences(&outputs.logits, yardstick.classes, 1.0);
    let class = |(label, name): (u32, &String)| {
        let own = || (0..labels.len()).filter(|&sample| labels[sample] == label);
        let familiarity: Vec<f64> = own().map(|sample| unknown[sample]).collect();
        let mut taken_for = vec![0_u64; yardstick.classes];
        for sample in own() {
            taken_for[answers[sample].0 as usize] += 1;
        }
        // The first of equally many.
        let most = (0..taken_for.len())
            .rev()
            .max_by_key(|&class| taken_for[class])?;
        Some(UnknownClass {
            class: name.clone(),
            samples: familiarity.len() as u64,
            detected: share_below(&familiarity, threshold),
            auroc: auroc(&known, &familiarity)?,
            taken_for: model.contract().classes[most].clone(),
        })
    };
    Ok(UnknownDetection {
        dataset: manifest.name.clone(),
        dataset_sha256: manifest.samples_sha256.clone(),
        split: *split,
        samples: labels.len() as u64,
        detected: share_below(&unknown, threshold),
        false_unknowns: share_below(&known, threshold),
        rules: rules.collect(),
        classes: (0..).zip(&manifest.classes).filter_map(class).collect(),
    })
}
