//! What can be wrong with a model, or with what it is offered.

use std::io;

use network::{architecture::Architecture, weights::WeightsError};
use traffic::policy::PolicyError;

use super::{SCHEMA, SCHEMA_KEY};
use crate::dataset::manifest::RAW;

/// A model that cannot be used, or not for this.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is not what was written.
    #[error("damaged model: {0}")]
    Damaged(String),
    /// A safetensors file, but not of this program.
    #[error("not a model of undertone: its header has no `{SCHEMA_KEY}`")]
    Foreign,
    /// A training state instead of a model.
    #[error("a training state, not a model; the model is `model.safetensors` beside it")]
    TrainingState,
    /// Written by another version of the program.
    #[error("the model has schema {found}, this program reads schema {SCHEMA}")]
    Schema {
        /// The version found.
        found: String,
    },
    /// The weights do not fit the network.
    #[error("damaged model")]
    Weights(#[from] WeightsError),
    /// The byte policy is none.
    #[error("damaged model")]
    Policy(#[from] PolicyError),
    /// Slices of another policy were offered.
    #[error(
        "the model is for slices of policy `{model}` and {model_length} bytes, \
         these have policy `{offered}` and {offered_length} bytes"
    )]
    OtherPolicy {
        /// The model's policy.
        model: String,
        /// The model's slice length.
        model_length: usize,
        /// The policy offered.
        offered: String,
        /// The slice length offered.
        offered_length: usize,
    },
    /// The network looks at something that the dataset does not hold.
    #[error("network `{network}` looks at {part}, and the dataset holds none: {remedy}")]
    NoPart {
        /// The network.
        network: Architecture,
        /// What it looks at.
        part: &'static str,
        /// Where to get it.
        remedy: &'static str,
    },
    /// A dataset of other classes was offered.
    #[error("the model knows the classes {model:?}, the dataset has {offered:?}")]
    OtherClasses {
        /// The model's classes.
        model: Vec<String>,
        /// The dataset's classes.
        offered: Vec<String>,
    },
    /// Asked for in int8 without ranges.
    #[error(
        "the model has no ranges for int8: measure them with `undertone model quantise`, or use \
         `--precision float32`"
    )]
    NoRanges,
    /// Trained on slices that no capture gives.
    #[error(
        "the model was trained on slices as they were found (policy `{RAW}`), which cannot be cut \
         from captures; train one on a dataset with a byte policy"
    )]
    Uncuttable,
}
