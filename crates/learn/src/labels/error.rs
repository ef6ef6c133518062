//! Why captures cannot be labelled.

use super::sidecar::SidecarError;

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
