//! Settings of a recipe that are a choice among words.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What turns gradients into steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimiser {
    /// Adam with its usual moments (0.9, 0.999) and epsilon 1e-8.
    #[default]
    Adam,
}

/// How the learning rate changes after the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schedule {
    /// Not at all.
    #[default]
    Constant,
    /// Along half a cosine, down to the minimum.
    Cosine,
}

/// How much each class weighs in the loss.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassWeights {
    /// Each sample the same.
    #[default]
    None,
    /// Each class the same: samples / (classes * samples of the class), as scikit-learn has it.
    Balanced,
    /// The square root of [`ClassWeights::Balanced`]: half-way between the two.
    Sqrt,
}

/// What decides which epoch is best, on the validation split.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Watch {
    /// The highest macro-F1; of equal ones, the lowest cross-entropy.
    #[default]
    #[serde(rename = "macro-f1")]
    MacroF1,
    /// The lowest cross-entropy.
    Loss,
}

impl fmt::Display for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MacroF1 => "macro-F1",
            Self::Loss => "loss",
        })
    }
}
