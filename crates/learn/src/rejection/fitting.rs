//! Fitting a rejection rule to a model: no weight changes.

use network::engine::Outputs;

use super::{Rejection, Rule, RuleScore, Yardstick, auroc::auroc, distance::Distance, threshold};
use crate::{
    calibration,
    dataset::{Dataset, LabelledSlices, Split},
    drift, inputs,
    model::{Model, ModelError},
};

/// How to fit.
#[derive(Debug, Clone, Copy)]
pub struct Fitting<'a> {
    /// The rule; none chooses it.
    pub rule: Option<Rule>,
    /// The share of right answers to validation samples that may become *unknown*.
    pub false_unknowns: f64,
    /// Samples of none of the model's classes, to choose the rule by: those to choose on, never
    /// those to test on.
    pub unknown: Option<&'a LabelledSlices>,
    /// Threads; the result does not depend on it.
    pub threads: usize,
}

/// A rule that cannot be fitted.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// The model is not for these samples.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// Another dataset than the one it was trained on.
    #[error("the model was trained on dataset {trained_on}, this one is {offered}")]
    OtherDataset {
        /// The start of the checksum of the model's.
        trained_on: String,
        /// The start of the checksum of the one offered.
        offered: String,
    },
    /// There are no samples.
    #[error("the dataset has no {0} samples")]
    NoSamples(Split),
    /// The rule needs features, and the network has none.
    #[error(
        "network `{0}` is layers one behind another and has no joined features to measure a \
         distance in; use rule `softmax` or `energy`"
    )]
    NoFeatures(network::architecture::Architecture),
    /// The weights give infinities.
    #[error("the model gives infinite logits; its weights are damaged")]
    NotFinite,
}

/// The model with a rejection rule fitted to the dataset that it was trained on.
///
/// Class means and covariance come from the training samples, the threshold from the validation
/// samples. Of several rules, the one is taken that tells validation samples best from the unknown
/// samples given; without any, the distance, which held-out classes were told by best, or softmax
/// where the network has no features.
///
/// # Errors
///
/// [`FitError`] if model and dataset do not belong together, or the rule cannot be followed.
pub fn fit(model: &Model, dataset: &Dataset, fitting: Fitting<'_>) -> Result<Model, FitError> {
    let manifest = &dataset.manifest;
    model.check_slices(&manifest.policy, manifest.slice_length)?;
    model.check_classes(&manifest.classes)?;
    let trained_on = &model.card().trained_on.dataset_sha256;
    if dataset.checksum() != trained_on {
        let short = |sum: &str| sum.chars().take(12).collect();
        return Err(FitError::OtherDataset {
            trained_on: short(trained_on),
            offered: short(dataset.checksum()),
        });
    }
    let engine = model.engine();
    let ask = |samples: &LabelledSlices| -> Result<Outputs, FitError> {
        model.check_parts(samples)?;
        let outputs = inputs::outputs(engine, samples, fitting.threads);
        if outputs.logits.iter().all(|logit| logit.is_finite()) {
            Ok(outputs)
        } else {
            Err(FitError::NotFinite)
        }
    };
    let (train, validation) = (
        &dataset.split(Split::Train).samples,
        &dataset.split(Split::Validation).samples,
    );
    for (samples, split) in [(train, Split::Train), (validation, Split::Validation)] {
        if samples.labels.is_empty() {
            return Err(FitError::NoSamples(split));
        }
    }
    let classes = manifest.classes.len();
    let distance = if engine.features() == 0 {
        None
    } else {
        Distance::fit(&ask(train)?.features, &train.labels, classes)
    };
    let yardstick = Yardstick {
        classes,
        temperature: model.contract().calibration.temperature,
        distance: distance.as_ref(),
    };
    let known = ask(validation)?;
    let chosen_by = match fitting.unknown {
        Some(unknown) => compare(&yardstick, &known, &ask(unknown)?),
        None => Vec::new(),
    };
    let best = chosen_by
        .iter()
        .max_by(|one, other| one.auroc.total_cmp(&other.auroc));
    let by_default = if yardstick.has(Rule::Distance) {
        Rule::Distance
    } else {
        Rule::Softmax
    };
    let rule = fitting
        .rule
        .unwrap_or(best.map_or(by_default, |best| best.rule));
    let familiarity = yardstick
        .familiarity(rule, &known)
        .ok_or(FitError::NoFeatures(engine.shape().architecture))?;
    let right: Vec<bool> = calibration::confidences(&known.logits, classes, 1.0)
        .iter()
        .zip(&validation.labels)
        .map(|((answer, _), label)| answer == label)
        .collect();
    let rejection = Rejection {
        rule,
        threshold: threshold(&familiarity, &right, fitting.false_unknowns),
        false_unknowns: fitting.false_unknowns,
        chosen_by,
    };
    let model = model.clone().with_rejection(rejection, distance)?;
    // What is unknown is so by another rule now.
    Ok(drift::refer(model, dataset, fitting.threads)?)
}

/// How well each rule that can be followed tells known samples from unknown ones.
fn compare(yardstick: &Yardstick<'_>, known: &Outputs, unknown: &Outputs) -> Vec<RuleScore> {
    let score = |rule| {
        let [known, unknown] = [known, unknown].map(|one| yardstick.familiarity(rule, one));
        let auroc = auroc(&known?, &unknown?)?;
        // Few enough digits that any reader of JSON gets the same number back.
        let auroc = (auroc * 1e6).round() / 1e6;
        Some(RuleScore { rule, auroc })
    };
    Rule::ALL.into_iter().filter_map(score).collect()
}
