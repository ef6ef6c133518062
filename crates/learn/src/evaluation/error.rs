//! Evaluations that cannot be made or read.

use super::reliability::ScoreError;
use crate::{dataset::Split, model::ModelError};

/// An evaluation that cannot be made or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluationError {
    /// The model is not for these samples.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// There are no samples.
    #[error("the dataset has no {0} samples; split it in three (see `undertone split --help`)")]
    NoSamples(Split),
    /// There is nothing that the model does not know.
    #[error("dataset `{dataset}` has no {split} samples of classes that the model does not know")]
    NoStrangers {
        /// Its name.
        dataset: String,
        /// Of which split they were wanted.
        split: Split,
    },
    /// A score cannot be computed.
    #[error(transparent)]
    Score(#[from] ScoreError),
    /// The weights give infinities.
    #[error("the model gives infinite logits; its weights are damaged")]
    NotFinite,
    /// Not an evaluation.
    #[error("not an evaluation: {0}")]
    Form(String),
}
