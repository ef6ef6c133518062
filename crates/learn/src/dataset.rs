//! Datasets: samples with a manifest that says how they were made.

use std::path::Path;

use serde::{Deserialize, Serialize};
use traffic::{background::Background, packet::FiveTuple, timestamp::Timestamp};

/// On which side of the split a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Split {
    /// Weights are fitted on it.
    Train,
    /// Choices (epoch, temperature, threshold) are made on it.
    Validation,
    /// Touched once, for the figures that are quoted.
    Test,
}

/// The facts needed to make the dataset again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file's form.
    pub schema: u32,
    /// What the dataset is called.
    pub name: String,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
    /// Byte policy, canonical spelling.
    pub policy: String,
    /// Bytes of a slice.
    pub slice_length: usize,
}

/// What is known of a sample beside its slice.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Index into the manifest's captures.
    pub capture: u32,
    /// What a group split must not tear apart.
    pub group: String,
    /// From the client to the server.
    pub five_tuple: FiveTuple,
    /// Time of the first packet.
    pub start: Timestamp,
    /// Packets of the session.
    pub packets: u64,
    /// Bytes of the session.
    pub bytes: u64,
    /// Whether it is background, and which.
    pub background: Option<Background>,
}

/// Slices and their labels, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledSlices {
    /// Bytes of a slice.
    pub slice_length: usize,
    /// Slices one after another, `[samples, slice length]`.
    pub slices: Vec<u8>,
    /// Labels, `[samples]`.
    pub labels: Vec<u32>,
}

/// What training may see: no test rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrainingSet {
    /// Weights are fitted on these.
    pub train: LabelledSlices,
    /// Choices are made on these.
    pub validation: LabelledSlices,
}

/// Rows of one split, with where they came from.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    /// The slices.
    pub samples: LabelledSlices,
    /// Their origins, `[samples]`.
    pub origins: Vec<Origin>,
}

/// A dataset folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// A file could not be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: String,
        /// What went wrong.
        source: std::io::Error,
    },
}

/// A dataset folder, opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// How it was made.
    pub manifest: Manifest,
}

impl Dataset {
    /// Opens `manifest.json` and `samples.parquet` of a folder.
    ///
    /// # Errors
    ///
    /// If a file is missing, damaged, of a newer schema, or does not match the manifest's checksum.
    pub fn open(_folder: &Path) -> Result<Self, DatasetError> {
        todo!()
    }

    /// SHA-256 of `samples.parquet`, in hexadecimal: what identifies the dataset and its split.
    pub fn checksum(&self) -> &str {
        todo!()
    }

    /// What training may see.
    pub fn training_set(&self) -> TrainingSet {
        todo!()
    }

    /// The rows of one split.
    pub fn rows(&self, _split: Split) -> Rows {
        todo!()
    }
}
