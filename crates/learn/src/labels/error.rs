//! Why captures cannot be labelled.

use std::io;

use super::sidecar::SCHEMA;

/// Captures that cannot be labelled.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabelError {
    /// A capture has no label.
    #[error("`{file}` has no label: {reason}; label it, or leave it out with `--unlabelled skip`")]
    Unlabelled {
        /// Its name.
        file: String,
        /// Why not.
        reason: String,
    },
    /// The pattern does not say where the class is.
    #[error(
        "the pattern `{0}` names no class; write `(?<class>…)` around the part of the name that is the class"
    )]
    NoClassGroup(String),
    /// A name's split is none.
    #[error("`{file}` has no usable label")]
    Split {
        /// Its name.
        file: String,
        /// What is wrong.
        source: crate::dataset::UnknownSplit,
    },
    /// A sidecar that cannot be used.
    #[error("`{file}` has no usable label")]
    Sidecar {
        /// Its capture.
        file: String,
        /// What is wrong.
        source: SidecarError,
    },
    /// Views that mean different things by the same classes.
    #[error(
        "`{outer}` shows tunnels from outside and `{other}` does not; make a dataset of each: view `outer` alone, or `direct` and `inner`"
    )]
    Views {
        /// A capture of view `outer`.
        outer: String,
        /// A capture of another view.
        other: String,
    },
    /// A class that is not among those listed.
    #[error("`{file}` is of class `{class}`, which `--classes` does not list")]
    UnlistedClass {
        /// Its name.
        file: String,
        /// Its class.
        class: String,
    },
    /// Nothing is left.
    #[error("no capture has a label")]
    Nothing,
}

/// A sidecar that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SidecarError {
    /// It cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// Which.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// It is no JSON, or lacks something.
    #[error("`{path}` is no sidecar of the laboratory")]
    Form {
        /// Which.
        path: String,
        /// What is wrong, and where.
        source: serde_json::Error,
    },
    /// Another version's.
    #[error("`{path}`: schema {found} is not known, this version reads {SCHEMA}")]
    Schema {
        /// Which.
        path: String,
        /// The number found.
        found: u64,
    },
    /// It contradicts itself, or names what there is not.
    #[error("`{path}`: {reason}")]
    Mistake {
        /// Which.
        path: String,
        /// What is wrong.
        reason: String,
    },
}
