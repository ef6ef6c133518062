//! int8 for a model: ranges measured on validation samples, and what its answers lose by them.

pub use network::precision::Arithmetic;
use network::{
    architecture::Architecture,
    engine::{Activations, Ranges},
};
use serde::{Deserialize, Serialize};

use crate::{
    calibration,
    dataset::{Dataset, LabelledSlices, Split},
    inputs,
    model::{Model, ModelError, card::OtherSamples},
};

/// Shares of the values at each place that ranges are tried with: a range that leaves the largest
/// values out has finer steps for all others.
const SHARES: [f64; 4] = [1.0, 0.9999, 0.999, 0.99];

/// What int8 was measured to do to a model's answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Int8Score {
    /// Share of the values at each place, such as behind a rectifier, that its range holds: of those
    /// tried, the one that changed the fewest answers.
    pub share: f64,
    /// Samples measured: those of validation.
    pub samples: u64,
    /// The share of right answers in float32.
    pub accuracy_float32: f64,
    /// The share of right answers in int8.
    pub accuracy_int8: f64,
    /// Samples that int8 answers otherwise than float32.
    pub changed: u64,
    /// Which samples these are, if others than the model's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<OtherSamples>,
}

/// A model that cannot be given ranges.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum QuantisationError {
    /// There is nothing that int8 serves.
    #[error(
        "network `{0}` has neither a ResNet branch nor convolutions over packets, the parts that are \
         computed in int8"
    )]
    NoBranch(Architecture),
    /// There is nothing to measure on.
    #[error("the dataset has no validation samples to measure ranges on")]
    NoSamples,
    /// The model is for other samples, or damaged.
    #[error(transparent)]
    Model(#[from] ModelError),
}

/// The model with ranges for int8 beside its weights and their score on its card, measured on the
/// dataset's validation samples with `threads` threads; the result does not depend on their number.
///
/// # Errors
///
/// [`QuantisationError`] if the network has neither a `ResNet` branch nor convolutions over packets,
/// the model is for other slices or classes, or there are no validation samples.
pub fn quantise(
    model: Model,
    dataset: &Dataset,
    threads: usize,
) -> Result<Model, QuantisationError> {
    let manifest = &dataset.manifest;
    let samples = &dataset.split(Split::Validation).samples;
    model.check_slices(&manifest.policy, manifest.slice_length)?;
    model.check_classes(&manifest.classes)?;
    model.check_parts(samples)?;
    let shape = model.contract().shape;
    let Some(mut counts) = Activations::new(shape) else {
        return Err(QuantisationError::NoBranch(shape.architecture));
    };
    if samples.labels.is_empty() {
        return Err(QuantisationError::NoSamples);
    }
    let model = model.with_arithmetic(Arithmetic::Float32)?;
    inputs::count_activations(model.engine(), samples, &mut counts);
    let expected = Answered::of(&model, samples, threads);
    let mut best: Option<(Ranges, Int8Score, f64)> = None;
    for share in SHARES {
        let ranges = counts.ranges(share);
        let tried = model.clone().with_ranges(&ranges, None)?;
        let found = Answered::of(&tried.with_arithmetic(Arithmetic::Int8)?, samples, threads);
        let score = Int8Score {
            share,
            samples: samples.labels.len() as u64,
            accuracy_float32: expected.accuracy(&samples.labels),
            accuracy_int8: found.accuracy(&samples.labels),
            changed: found.changed(&expected),
            of: model.card().trained_on.others(manifest),
        };
        let distance = found.distance(&expected);
        let is_better = best
            .as_ref()
            .is_none_or(|(_, best, nearest)| (score.changed, distance) < (best.changed, *nearest));
        if is_better {
            best = Some((ranges, score, distance));
        }
    }
    let (ranges, score, _) = best.ok_or(QuantisationError::NoSamples)?;
    Ok(model.with_ranges(&ranges, Some(score))?)
}

/// What a model says of samples.
struct Answered {
    logits: Vec<f32>,
    classes: Vec<u32>,
}

impl Answered {
    fn of(model: &Model, samples: &LabelledSlices, threads: usize) -> Self {
        let logits = model.logits(samples, threads);
        let answers = calibration::confidences(&logits, model.contract().classes.len(), 1.0);
        Self {
            logits,
            classes: answers.into_iter().map(|(class, _)| class).collect(),
        }
    }

    fn accuracy(&self, labels: &[u32]) -> f64 {
        let right = self.classes.iter().zip(labels).filter(|(a, b)| a == b);
        right.count() as f64 / labels.len() as f64
    }

    fn changed(&self, other: &Self) -> u64 {
        let pairs = self.classes.iter().zip(&other.classes);
        pairs.filter(|(a, b)| a != b).count() as u64
    }

    /// The sum of squares of the logits' differences.
    fn distance(&self, other: &Self) -> f64 {
        let pairs = self.logits.iter().zip(&other.logits);
        pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
    }
}
