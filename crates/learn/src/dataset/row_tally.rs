//! Rows of an IDX file, counted by what became of them.

use std::ops::AddAssign;

use serde::{Deserialize, Serialize};

use super::manifest::is_zero;

/// What became of the rows of an IDX file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RowTally {
    /// Rows read.
    pub rows: u64,
    /// Rows whose class the label map leaves out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
    /// Rows that their length cuts off: they may have held more.
    pub cut_off: u64,
    /// Rows that stop making sense before their end; the sessions before that place are samples.
    #[serde(default)]
    pub broken: u64,
    /// Rows that hold no session.
    pub without_session: u64,
    /// Rows that hold more than one; each is a sample.
    pub with_several_sessions: u64,
}

impl AddAssign for RowTally {
    fn add_assign(&mut self, other: Self) {
        self.rows += other.rows;
        self.left_out += other.left_out;
        self.cut_off += other.cut_off;
        self.broken += other.broken;
        self.without_session += other.without_session;
        self.with_several_sessions += other.with_several_sessions;
    }
}
