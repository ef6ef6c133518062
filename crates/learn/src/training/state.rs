//! The training state: where a run is, beside its weights and its optimiser.

use std::collections::BTreeMap;

use network::weights::Weights;
use serde::{Deserialize, Serialize};

use super::TrainingError;

/// The key in the header of `last.safetensors` that holds the state, as JSON.
pub const STATE_KEY: &str = "undertone.training";

const SCHEMA: u32 = 1;

/// Where a run is.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct State {
    /// Epochs that are done.
    pub epochs_done: u32,
    /// Steps done in the epoch after them.
    pub step: u64,
    /// Sum of the losses of its samples.
    pub loss_sum: f64,
    /// Its samples so far.
    pub samples: u64,
    /// Those answered right.
    pub right: u64,
}

/// [`State`] on disk.
#[derive(Serialize, Deserialize)]
struct StateRecord {
    schema: u32,
    epochs_done: u32,
    step: u64,
    /// The bits of a float64: decimal digits would have to be read back with care.
    loss_sum_bits: u64,
    samples: u64,
    right: u64,
}

impl State {
    /// As a safetensors file, together with the trainer's state.
    pub(super) fn to_bytes(&self, trainer: &Weights) -> Vec<u8> {
        let record = StateRecord {
            schema: SCHEMA,
            epochs_done: self.epochs_done,
            step: self.step,
            loss_sum_bits: self.loss_sum.to_bits(),
            samples: self.samples,
            right: self.right,
        };
        let text = serde_json::to_string(&record).expect("plain numbers");
        trainer.to_safetensors(&BTreeMap::from([(STATE_KEY.to_owned(), text)]))
    }

    /// From that file.
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<(Self, Weights), TrainingError> {
        let (trainer, metadata) = Weights::from_safetensors(bytes)?;
        let damaged = TrainingError::DamagedState;
        let text = metadata
            .get(STATE_KEY)
            .ok_or_else(|| damaged(format!("its header has no `{STATE_KEY}`")))?;
        let record: StateRecord =
            serde_json::from_str(text).map_err(|error| damaged(error.to_string()))?;
        if record.schema != SCHEMA {
            return Err(damaged(format!(
                "it has schema {}, this program reads schema {SCHEMA}",
                record.schema
            )));
        }
        let state = Self {
            epochs_done: record.epochs_done,
            step: record.step,
            loss_sum: f64::from_bits(record.loss_sum_bits),
            samples: record.samples,
            right: record.right,
        };
        Ok((state, trainer))
    }
}
