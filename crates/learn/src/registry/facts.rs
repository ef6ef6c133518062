//! What is known of a public data set beside its files: checksums, and scores that others published.

use serde::{Deserialize, Serialize};

/// The checksum of something that is downloaded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checksum {
    /// Its file name.
    pub file: String,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
    /// What it is.
    pub what: String,
}

/// A score that was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The model, by its name here.
    pub model: String,
    /// Where it was published.
    pub source: String,
    /// The label map it is of.
    pub map: String,
    /// The accuracy, 0 to 1, as all of these.
    pub accuracy: f64,
    /// The precision, weighted by samples.
    pub precision: f64,
    /// The recall, weighted by samples.
    pub recall: f64,
    /// The F1, weighted by samples.
    pub f1: f64,
    /// On which samples, and what a reader should know.
    pub remark: String,
}
