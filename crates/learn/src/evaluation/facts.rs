//! What an evaluation is of: a model and a dataset, each known by its checksum.

use network::precision::Arithmetic;
use serde::{Deserialize, Serialize};

use crate::{
    dataset::Manifest,
    model::{Model, card::TrainedOn},
    recipe::Recipe,
    rejection::Rule,
};

/// Which model was scored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelFacts {
    /// What it is called.
    pub name: String,
    /// SHA-256 of its file.
    pub sha256: String,
    /// SHA-256 of its weights alone: the same under another card.
    pub weights_sha256: String,
    /// Its network.
    pub network: String,
    /// Whether its paper leaves layers open, so that it is not certain to be its authors'.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_reconstruction: bool,
    /// What its `ResNet` branch was computed in, if not float32.
    #[serde(default, skip_serializing_if = "Arithmetic::is_float32")]
    pub arithmetic: Arithmetic,
    /// How many numbers were fitted.
    pub parameters: usize,
    /// How it was fitted.
    pub recipe: Recipe,
    /// Which epoch's weights it has, counted from 1.
    pub epoch: u32,
    /// What it was fitted to.
    pub trained_on: TrainedOn,
    /// What its logits are divided by.
    pub temperature: f64,
    /// The familiarity below which it says *unknown*.
    pub threshold: f64,
    /// What familiarity is measured by.
    #[serde(default)]
    pub rejection: Rule,
}

/// Which dataset it was scored on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetFacts {
    /// What it is called.
    pub name: String,
    /// SHA-256 of its samples.
    pub sha256: String,
    /// Its byte policy, canonical spelling.
    pub policy: String,
    /// Bytes of a slice.
    pub slice_length: usize,
    /// What decided which sample is on which side.
    pub split_rule: String,
    /// The seed of that rule.
    pub split_seed: u64,
    /// The sites, applications or tunnels that no training saw, where the rule holds them out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out: Vec<String>,
}

impl ModelFacts {
    /// Of this model.
    pub(crate) fn of(model: &Model) -> Self {
        let (contract, card) = (model.contract(), model.card());
        Self {
            name: card.name.clone(),
            sha256: model.hash().to_owned(),
            weights_sha256: model.weights_hash(),
            network: contract.shape.architecture.to_string(),
            is_reconstruction: contract.shape.architecture.is_reconstruction(),
            arithmetic: model.engine().arithmetic(),
            parameters: model.parameters(),
            recipe: card.recipe.clone(),
            epoch: card.epoch,
            trained_on: card.trained_on.clone(),
            temperature: contract.calibration.temperature,
            threshold: model.rejection_rule().1,
            rejection: model.rejection_rule().0,
        }
    }
}

impl DatasetFacts {
    /// Of the dataset with this manifest.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            name: manifest.name.clone(),
            sha256: manifest.samples_sha256.clone(),
            policy: manifest.policy.clone(),
            slice_length: manifest.slice_length,
            split_rule: manifest.split.rule.to_string(),
            split_seed: manifest.split.seed,
            held_out: manifest.split.held_out().to_vec(),
        }
    }
}
