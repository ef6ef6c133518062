//! Datasets: samples with a manifest that says how they were made.

mod classes;
pub mod columns;
pub mod folder;
pub mod manifest;
pub mod provenance;
pub mod row;
mod row_tally;
pub mod samples;

use std::{fmt, path::Path, str::FromStr};

use serde::{Deserialize, Serialize};
use traffic::{
    background::Background, link::LinkType, packet::FiveTuple, session::PacketSummary,
    statistics::Statistics, timestamp::Timestamp,
};

pub use classes::NoSuchClass;
pub use manifest::Manifest;

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

impl Split {
    /// All three, in the order in which they are used.
    pub const ALL: [Self; 3] = [Self::Train, Self::Validation, Self::Test];

    /// Its spelling in files and on the screen.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Validation => "validation",
            Self::Test => "test",
        }
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Not the name of a split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no split; use `train`, `validation` or `test`")]
pub struct UnknownSplit(String);

/// Also understands the usual other spellings: `val`, `valid`, and `t10k` of the IDX files.
impl FromStr for Split {
    type Err = UnknownSplit;

    fn from_str(text: &str) -> Result<Self, UnknownSplit> {
        match text.to_ascii_lowercase().as_str() {
            "train" | "training" => Ok(Self::Train),
            "validation" | "valid" | "val" => Ok(Self::Validation),
            "test" | "t10k" => Ok(Self::Test),
            _ => Err(UnknownSplit(text.to_owned())),
        }
    }
}

/// What is known of a sample beside its slice.
///
/// Where slices were taken as they were found, nothing is: the five-tuple is then UDP between
/// unspecified addresses, and all numbers are 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Index into the manifest's captures.
    pub capture: u32,
    /// Which row of an IDX file, where the capture is one.
    pub row: Option<u32>,
    /// What a group split must not tear apart.
    pub group: String,
    /// From the client to the server.
    pub five_tuple: FiveTuple,
    /// Link type of the session's first frame.
    pub link_type: LinkType,
    /// Time of the first packet.
    pub start: Timestamp,
    /// Packets of the session.
    pub packets: u64,
    /// Bytes of the session.
    pub bytes: u64,
    /// Whether it is background, and which.
    pub background: Option<Background>,
    /// Whether it is known to begin in plaintext.
    pub has_preamble: bool,
}

impl Origin {
    /// Its five-tuple without direction, the smaller end first.
    pub(crate) fn conversation(&self) -> FiveTuple {
        let FiveTuple {
            protocol,
            source,
            destination,
        } = self.five_tuple;
        FiveTuple {
            protocol,
            source: source.min(destination),
            destination: source.max(destination),
        }
    }
}

/// Slices and their labels, with what else of a session classifiers look at.
///
/// Where slices were taken as they were found nothing is known of the packets: there are no
/// summaries then, and the statistics are 0.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LabelledSlices {
    /// Bytes of a slice.
    pub slice_length: usize,
    /// Slices one after another, `[samples, slice length]`.
    pub slices: Vec<u8>,
    /// Labels, `[samples]`.
    pub labels: Vec<u32>,
    /// Link types of the first frames, `[samples]`.
    pub link_types: Vec<LinkType>,
    /// From the clients to the servers, `[samples]`; what takes slices apart needs them.
    pub five_tuples: Vec<FiveTuple>,
    /// The first packets of each sample, `[samples]`.
    pub summaries: Vec<Vec<PacketSummary>>,
    /// Statistics of the whole sessions, `[samples]`.
    pub statistics: Vec<Statistics>,
    /// The first packets' own slices one after another, where the dataset has them: `[samples]`.
    pub packet_slices: Vec<Vec<u8>>,
}

/// What training may see: no test rows.
#[derive(Debug, Clone, PartialEq)]
pub struct TrainingSet {
    /// Weights are fitted on these.
    pub train: LabelledSlices,
    /// Choices are made on these.
    pub validation: LabelledSlices,
}

/// Rows of one split, with where they came from.
#[derive(Debug, Clone, Default, PartialEq)]
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
    /// A file could not be read.
    #[error("cannot read `{path}`")]
    Io {
        /// Which file.
        path: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// A file could not be written.
    #[error("cannot write `{path}`")]
    Write {
        /// Which file.
        path: String,
        /// What went wrong.
        source: std::io::Error,
    },
    /// The manifest is not one.
    #[error("`{path}` is not a manifest")]
    Manifest {
        /// Which file.
        path: String,
        /// What went wrong, and where.
        source: serde_json::Error,
    },
    /// Another version's manifest.
    #[error(
        "`{path}`: schema {found} is not known, this version reads up to {}; use a newer undertone",
        manifest::SCHEMA
    )]
    Schema {
        /// Which file.
        path: String,
        /// The number found.
        found: u64,
    },
    /// The samples are not Parquet, or not ours.
    #[error("`{path}`: {reason}")]
    Samples {
        /// Which file.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// The samples are not those the manifest was written for.
    #[error(
        "`{path}`: its SHA-256 is not the manifest's; the file was changed or damaged, make the dataset again"
    )]
    Checksum {
        /// Which file.
        path: String,
    },
}

impl DatasetError {
    /// For `map_err`: names the file.
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Io {
            path: path.display().to_string(),
            source,
        }
    }

    /// For `map_err`: names the file.
    pub(crate) fn write(path: &Path) -> impl FnOnce(std::io::Error) -> Self + '_ {
        move |source| Self::Write {
            path: path.display().to_string(),
            source,
        }
    }

    /// For `map_err`: names the samples file.
    pub(crate) fn samples<E: fmt::Display>(path: &Path) -> impl FnOnce(E) -> Self + '_ {
        move |reason| Self::Samples {
            path: path.display().to_string(),
            reason: reason.to_string(),
        }
    }
}

/// A dataset folder, opened.
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset {
    /// How it was made.
    pub manifest: Manifest,
    /// Rows by split, in the order of [`Split::ALL`].
    rows: [Rows; 3],
}

impl Dataset {
    /// Opens `manifest.json` and `samples.parquet` of a folder.
    ///
    /// # Errors
    ///
    /// If a file is missing, damaged, of a newer schema, or does not match the manifest's checksum.
    pub fn open(folder: &Path) -> Result<Self, DatasetError> {
        let manifest = folder::read_manifest(folder)?;
        let rows = samples::read(&folder.join(folder::SAMPLES), &manifest)?;
        Ok(Self { manifest, rows })
    }

    /// A dataset that has no folder; `rows` in the order of [`Split::ALL`].
    pub fn from_rows(manifest: Manifest, rows: [Rows; 3]) -> Self {
        Self { manifest, rows }
    }

    /// SHA-256 of `samples.parquet`, in hexadecimal: what identifies the dataset and its split.
    pub fn checksum(&self) -> &str {
        &self.manifest.samples_sha256
    }

    /// What training may see.
    pub fn training_set(&self) -> TrainingSet {
        TrainingSet {
            train: self.split(Split::Train).samples.clone(),
            validation: self.split(Split::Validation).samples.clone(),
        }
    }

    /// The rows of one split.
    pub fn rows(&self, split: Split) -> Rows {
        self.split(split).clone()
    }

    /// The rows of one split, not copied.
    pub fn split(&self, split: Split) -> &Rows {
        &self.rows[split as usize]
    }
}
