//! Learners: what can be fitted to a dataset and then answers, networks and baselines alike.
//!
//! Whoever compares systems needs no more of them than this: a name, a fit that sees no test rows,
//! and class probabilities for rows.

mod network;

use std::{
    fmt,
    sync::atomic::{AtomicBool, Ordering},
};

pub use self::network::{NetworkLearner, networks, reconstruction};
use crate::{
    dataset::{Dataset, Manifest, Rows, Split},
    evaluation::Answers,
    model::ModelError,
    training::TrainingError,
};

/// A way to learn, with all its settings but the seed.
pub trait Learner: fmt::Debug + Send + Sync {
    /// What it is called in tables and on the command line, such as `resnet-gru` or `forest:slice`.
    fn name(&self) -> String;

    /// Fits to the training rows; choices, if there are any, are made on the validation rows.
    ///
    /// The same set and seed give the same answers on any number of threads.
    ///
    /// # Errors
    ///
    /// [`LearnerError::Stopped`] soon after `fitting.stop` was set; else if the rows do not have
    /// what it learns from, or cannot be learnt from.
    fn fit(
        &self,
        set: FittingSet<'_>,
        fitting: &mut Fitting<'_>,
    ) -> Result<Box<dyn Fitted>, LearnerError>;
}

/// What a [`Learner`] has learnt.
pub trait Fitted: fmt::Debug + Send + Sync {
    /// How many numbers were fitted; each learner says what it counts.
    fn parameters(&self) -> usize;

    /// The probability of each class for each row, calibrated where the learner calibrates.
    ///
    /// # Errors
    ///
    /// If the rows do not have what it learnt from, or are of another byte policy's dataset.
    fn probabilities(
        &self,
        manifest: &Manifest,
        rows: &Rows,
        threads: usize,
    ) -> Result<Probabilities, LearnerError>;
}

/// What a fit may see of a dataset: no test rows.
#[derive(Debug, Clone, Copy)]
pub struct FittingSet<'a> {
    /// How the dataset was made; it has the names of the classes.
    pub manifest: &'a Manifest,
    /// Everything is fitted to these.
    pub train: &'a Rows,
    /// Choices are made on these.
    pub validation: &'a Rows,
}

impl<'a> FittingSet<'a> {
    /// The training and validation rows of a dataset.
    pub fn of(dataset: &'a Dataset) -> Self {
        Self {
            manifest: &dataset.manifest,
            train: dataset.split(Split::Train),
            validation: dataset.split(Split::Validation),
        }
    }
}

/// Under which circumstances a fit happens.
pub struct Fitting<'a> {
    /// Decides all chance.
    pub seed: u64,
    /// Threads; the result does not depend on it.
    pub threads: usize,
    /// Looked at often; once true, the fit ends with [`LearnerError::Stopped`].
    pub stop: &'a AtomicBool,
    /// Who is told how far it is.
    pub progress: &'a mut dyn FitProgress,
}

impl Fitting<'_> {
    /// An error once the fit shall stop.
    ///
    /// # Errors
    ///
    /// [`LearnerError::Stopped`].
    pub fn check_stop(&self) -> Result<(), LearnerError> {
        if self.stop.load(Ordering::Relaxed) {
            Err(LearnerError::Stopped)
        } else {
            Ok(())
        }
    }
}

/// Who is told how far a fit is.
pub trait FitProgress {
    /// `done` of `whole` parts of the work are done; what a part is, `unit` says in the plural.
    fn advance(&mut self, done: u64, whole: u64, unit: &'static str);
}

/// Tells nobody.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl FitProgress for NoProgress {
    fn advance(&mut self, _done: u64, _whole: u64, _unit: &'static str) {}
}

/// The probability of each class for each sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Probabilities {
    /// Classes.
    pub classes: usize,
    /// `[samples, classes]`; those of a sample sum to 1.
    pub values: Vec<f64>,
}

impl Probabilities {
    /// The most probable class of each sample, the first of equal ones, and its probability.
    pub fn answers(&self) -> Answers {
        let best = |sample: &[f64]| {
            let mut best = 0;
            for (class, &probability) in sample.iter().enumerate() {
                if probability > sample[best] {
                    best = class;
                }
            }
            (best as u32, sample[best])
        };
        let (classes, confidences) = self
            .values
            .chunks_exact(self.classes.max(1))
            .map(best)
            .unzip();
        Answers {
            classes,
            confidences,
            probabilities: self.values.clone(),
        }
    }
}

/// A fit that failed, or rows that cannot be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LearnerError {
    /// It was stopped.
    #[error("stopped")]
    Stopped,
    /// Nothing to fit to.
    #[error("the dataset has no {0} samples; split it in three (see `undertone split --help`)")]
    NoSamples(Split),
    /// The dataset does not have what is learnt from.
    #[error(
        "the dataset has no {input}, which `{learner}` learns from; make one from captures with \
         `undertone prepare`"
    )]
    MissingInput {
        /// Which learner.
        learner: String,
        /// What is missing, in the plural.
        input: &'static str,
    },
    /// A network could not be trained.
    #[error(transparent)]
    Training(#[from] TrainingError),
    /// A network's model cannot be used, or not for these rows.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The weights give infinities.
    #[error("the model gives infinite logits; its weights are damaged")]
    NotFinite,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equally_probable_classes_the_first_is_the_answer() {
        let answers = Probabilities {
            classes: 3,
            values: vec![0.2, 0.4, 0.4, 1.0, 0.0, 0.0],
        }
        .answers();
        assert_eq!(answers.classes, [1, 0]);
        assert_eq!(answers.confidences, [0.4, 1.0]);
    }
}
