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

/// What published scores are of: figures of other samples say nothing about these.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PublishedSamples {
    /// Whole sessions, background among them, under byte policy `paper`, split by lot.
    #[default]
    Sessions,
    /// Single packets from the IP header on, split by lot.
    Packets,
    /// Statistics of whole flows, split by lot: no bytes, so that the byte policy is all the same.
    Flows,
}

/// A score that was published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The model, by its name here.
    pub model: String,
    /// Where it was published.
    pub source: String,
    /// The label map it is of; one that there is not is of classes that are not told apart here.
    pub map: String,
    /// What it is of.
    #[serde(default)]
    pub samples: PublishedSamples,
    /// The accuracy, 0 to 1, as all of these; none where it was not published.
    #[serde(default)]
    pub accuracy: Option<f64>,
    /// The precision, weighted by samples.
    #[serde(default)]
    pub precision: Option<f64>,
    /// The recall, weighted by samples.
    #[serde(default)]
    pub recall: Option<f64>,
    /// The F1, weighted by samples.
    #[serde(default)]
    pub f1: Option<f64>,
    /// On which samples, and what a reader should know.
    pub remark: String,
}
