//! Statistics of a whole session: what CENTIME and the time-related features need.

/// Computed over the whole session, whatever the slice holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// CENTIME's 26 numbers, in the order of [`CENTIME_NAMES`].
    pub centime: [f32; 26],
    /// The 23 time-related features, in the order of [`TIME_NAMES`], in seconds where they are times.
    pub time: [f32; 23],
}

/// Names of [`Statistics::centime`].
pub const CENTIME_NAMES: [&str; 26] = [""; 26];
/// Names of [`Statistics::time`].
pub const TIME_NAMES: [&str; 23] = [""; 23];
