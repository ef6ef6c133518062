//! Models: a network with its byte policy, class names, calibration and card, in one file.
//!
//! The file is safetensors: the weights under `PyTorch`'s names, with `int8.ranges` beside them
//! where int8 was measured, and in its header's metadata
//! `undertone.schema`, `undertone.contract` and `undertone.card`, the latter two as JSON.

mod assessment;
mod built_in;
pub mod card;
mod error;

use std::{collections::BTreeMap, fs, num::NonZeroUsize, path::Path};

use network::{
    architecture::Shape,
    engine::{Engine, Ranges},
    input::PACKET_SLICES,
    precision::Arithmetic,
    weights::Weights,
};
use serde::{Deserialize, Serialize};
use traffic::{
    policy::BytePolicy,
    session_table::{CutOptions, EndRule, Tunnels},
};

pub use self::error::ModelError;
use crate::{
    calibration::Calibration,
    checksum::sha256,
    dataset::{
        LabelledSlices,
        manifest::{Cutting, EndRecord, RAW, TunnelsRecord},
    },
    drift::Distribution,
    files, inputs,
    quantisation::Int8Score,
    rejection::{Rejection, distance::Distance},
};
use card::Card;

/// The version of the file's form that this program writes and reads.
pub const SCHEMA: u32 = 1;

const SCHEMA_KEY: &str = "undertone.schema";
const CONTRACT_KEY: &str = "undertone.contract";
const CARD_KEY: &str = "undertone.card";

/// Bytes of the longest slice a model takes: a limit on what a damaged file can allocate.
pub const LONGEST_SLICE: usize = Shape::MAX_SLICE_LENGTH;

/// The most classes a model may have.
const MOST_CLASSES: usize = 10_000;

/// What goes into a model and what comes out of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Contract {
    /// The network.
    pub shape: Shape,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
    /// The byte policy of its slices, canonical spelling.
    pub policy: String,
    /// How captures were cut into the sessions it was trained on.
    pub cutting: Cutting,
    /// How its logits become confidences, and which of them count.
    pub calibration: Calibration,
    /// When it says *unknown*, if that was fitted by itself; else below the calibration's threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection: Option<Rejection>,
}

/// A model: whole, checked, ready to answer.
#[derive(Debug, Clone)]
pub struct Model {
    contract: Contract,
    card: Card,
    weights: Weights,
    engine: Engine,
    /// Where the classes' features are.
    distance: Option<Distance>,
    hash: String,
}

impl Model {
    /// A model of these parts.
    ///
    /// # Errors
    ///
    /// If the parts do not fit each other.
    pub fn new(contract: Contract, card: Card, weights: Weights) -> Result<Self, ModelError> {
        let mut model = Self::assembled(contract, card, weights)?;
        model.hash = sha256(&model.to_bytes());
        Ok(model)
    }

    /// A model of these parts, its hash left empty.
    fn assembled(contract: Contract, card: Card, mut weights: Weights) -> Result<Self, ModelError> {
        contract.validate()?;
        if let Some(fault) = card.reference.iter().find_map(Distribution::fault) {
            return Err(ModelError::Damaged(fault));
        }
        let engine = Engine::new(contract.shape, &weights)?;
        let distance =
            Distance::take(&mut weights, engine.features()).map_err(ModelError::Damaged)?;
        let model = Self {
            contract,
            card,
            weights,
            engine,
            distance,
            hash: String::new(),
        };
        model.check_rejection()?;
        Ok(model)
    }

    /// A model from its file's bytes.
    ///
    /// # Errors
    ///
    /// [`ModelError`] if the bytes are no model, a damaged one, or one of another version.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelError> {
        let (weights, metadata) = Weights::from_safetensors(bytes)?;
        let schema = metadata.get(SCHEMA_KEY).ok_or({
            if metadata.contains_key(crate::training::STATE_KEY) {
                ModelError::TrainingState
            } else {
                ModelError::Foreign
            }
        })?;
        if *schema != SCHEMA.to_string() {
            return Err(ModelError::Schema {
                found: schema.clone(),
            });
        }
        let contract: Contract = from_json(&metadata, CONTRACT_KEY)?;
        let card = from_json(&metadata, CARD_KEY)?;
        Ok(Self {
            hash: sha256(bytes),
            ..Self::assembled(contract, card, weights)?
        })
    }

    /// A model from its file.
    ///
    /// # Errors
    ///
    /// As [`Model::from_bytes`], and if the file cannot be read.
    pub fn open(path: &Path) -> Result<Self, ModelError> {
        Self::from_bytes(&fs::read(path)?)
    }

    /// The bytes of its file; the same model gives the same bytes.
    ///
    /// # Panics
    ///
    /// Never: contract and card are plain structures with string keys.
    pub fn to_bytes(&self) -> Vec<u8> {
        let json =
            |value: serde_json::Result<String>| value.expect("plain structures with string keys");
        let mut weights = self.weights.clone();
        if let Some(distance) = &self.distance {
            distance.write(&mut weights);
        }
        weights.to_safetensors(&BTreeMap::from([
            (SCHEMA_KEY.to_owned(), SCHEMA.to_string()),
            (
                CONTRACT_KEY.to_owned(),
                json(serde_json::to_string(&self.contract)),
            ),
            (CARD_KEY.to_owned(), json(serde_json::to_string(&self.card))),
        ]))
    }

    /// Writes its file, whole or not at all.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), ModelError> {
        Ok(files::write_whole(path, &self.to_bytes())?)
    }

    /// The same model with another card.
    #[must_use]
    pub fn with_card(mut self, card: Card) -> Self {
        self.card = card;
        self.hash = sha256(&self.to_bytes());
        self
    }

    /// The same model with ranges for int8 beside its weights, and their score on its card; its
    /// engine is that of float32.
    ///
    /// # Errors
    ///
    /// If the ranges are those of another network.
    pub fn with_ranges(
        mut self,
        ranges: &Ranges,
        score: Option<Int8Score>,
    ) -> Result<Self, ModelError> {
        ranges.put_into(&mut self.weights);
        self.card.int8 = score;
        self.hash = sha256(&self.to_bytes());
        self.with_arithmetic(Arithmetic::Float32)
    }

    /// The same model with an engine that computes so.
    ///
    /// # Errors
    ///
    /// [`ModelError::NoRanges`] if that is int8, for which the model was given no ranges.
    pub fn with_arithmetic(mut self, arithmetic: Arithmetic) -> Result<Self, ModelError> {
        let shape = self.contract.shape;
        self.engine = match arithmetic {
            Arithmetic::Int8 if !Ranges::are_in(&self.weights) => {
                return Err(ModelError::NoRanges);
            }
            Arithmetic::Int8 => Engine::new_int8(shape, &self.weights)?,
            _ => Engine::new(shape, &self.weights)?,
        };
        Ok(self)
    }

    /// SHA-256 of its file, in hexadecimal.
    pub fn hash(&self) -> &str {
        &self.hash
    }

    /// SHA-256 of its weights alone: the same under another card, and with ranges for int8.
    pub fn weights_hash(&self) -> String {
        let weights = Ranges::taken_out_of(&self.weights);
        sha256(&weights.to_safetensors(&BTreeMap::new()))
    }

    /// How many numbers were fitted; the running statistics of `BatchNorm`, which are counted, are
    /// not among them.
    pub fn parameters(&self) -> usize {
        self.weights.parameters()
    }

    /// What goes in and what comes out.
    pub fn contract(&self) -> &Contract {
        &self.contract
    }

    /// What it says about itself.
    pub fn card(&self) -> &Card {
        &self.card
    }

    /// What turns slices into logits.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The logits of samples, `[samples, classes]`; they do not depend on the number of threads.
    pub fn logits(&self, samples: &LabelledSlices, threads: usize) -> Vec<f32> {
        inputs::logits(&self.engine, samples, threads)
    }

    /// Refuses slices that are not of the model's policy and length.
    ///
    /// # Errors
    ///
    /// [`ModelError::OtherPolicy`].
    pub fn check_slices(&self, policy: &str, slice_length: usize) -> Result<(), ModelError> {
        if policy == self.contract.policy && slice_length == self.contract.shape.slice_length {
            return Ok(());
        }
        Err(ModelError::OtherPolicy {
            model: self.contract.policy.clone(),
            model_length: self.contract.shape.slice_length,
            offered: policy.to_owned(),
            offered_length: slice_length,
        })
    }

    /// Refuses samples that have nothing of a part that the network looks at.
    ///
    /// # Errors
    ///
    /// [`ModelError::NoPart`].
    pub fn check_parts(&self, samples: &LabelledSlices) -> Result<(), ModelError> {
        let shape = self.contract.shape;
        match inputs::missing_part(shape, samples) {
            Some((part, remedy)) => Err(ModelError::NoPart {
                network: shape.architecture,
                part,
                remedy,
            }),
            None => Ok(()),
        }
    }

    /// Refuses datasets of other classes, or of the same in another order.
    ///
    /// # Errors
    ///
    /// [`ModelError::OtherClasses`].
    pub fn check_classes(&self, classes: &[String]) -> Result<(), ModelError> {
        if classes == self.contract.classes {
            return Ok(());
        }
        Err(ModelError::OtherClasses {
            model: self.contract.classes.clone(),
            offered: classes.to_vec(),
        })
    }

    /// How to cut captures into slices for this model.
    ///
    /// # Errors
    ///
    /// [`ModelError::Uncuttable`] for a model of raw slices.
    pub fn cut_options(&self) -> Result<CutOptions, ModelError> {
        let contract = &self.contract;
        if contract.policy == RAW {
            return Err(ModelError::Uncuttable);
        }
        Ok(CutOptions {
            policy: contract.policy.parse()?,
            slice_length: NonZeroUsize::new(contract.shape.slice_length)
                .ok_or_else(|| ModelError::Damaged("its slices are empty".to_owned()))?,
            unit: contract.cutting.unit.into(),
            end_rule: match contract.cutting.session_end {
                EndRecord::Capture => EndRule::Capture,
                EndRecord::Timeout {
                    idle_nanoseconds,
                    active_nanoseconds,
                } => EndRule::Timeout {
                    idle_nanoseconds,
                    active_nanoseconds,
                },
            },
            tunnels: match contract.cutting.tunnels {
                TunnelsRecord::Outer => Tunnels::Outer,
                TunnelsRecord::Inner => Tunnels::Inner,
            },
            packet_slices: if contract.shape.architecture.parts().packet_slices {
                PACKET_SLICES
            } else {
                0
            },
            ..CutOptions::default()
        })
    }
}

impl Contract {
    /// Holds every value against its range: a damaged file must not get further than this.
    fn validate(&self) -> Result<(), ModelError> {
        let damaged = |reason: String| Err(ModelError::Damaged(reason));
        let outputs = self.shape.classes;
        if self.classes.len() != outputs || outputs > MOST_CLASSES {
            return damaged(format!(
                "it names {} classes and has {outputs} outputs",
                self.classes.len()
            ));
        }
        if let Err(unusable) = self.shape.check() {
            return damaged(unusable.to_string());
        }
        let Calibration {
            temperature,
            threshold,
        } = self.calibration;
        if !(temperature.is_finite() && temperature > 0.0) {
            return damaged(format!("its temperature is {temperature}"));
        }
        if !(0.0..=1.0).contains(&threshold) {
            return damaged(format!("its threshold is {threshold}"));
        }
        if self.policy != RAW {
            self.policy.parse::<BytePolicy>()?;
        }
        Ok(())
    }
}

fn from_json<T: for<'a> Deserialize<'a>>(
    metadata: &BTreeMap<String, String>,
    key: &str,
) -> Result<T, ModelError> {
    let text = metadata
        .get(key)
        .ok_or_else(|| ModelError::Damaged(format!("its header has no `{key}`")))?;
    serde_json::from_str(text).map_err(|error| ModelError::Damaged(format!("`{key}`: {error}")))
}
