//! Tallies: what a stage read, kept and skipped, by reason.

use serde::{Deserialize, Serialize};

/// Counts of one capture; tallies of several add up.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Frames read.
    pub frames: u64,
}
