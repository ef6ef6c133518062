//! Byte policies: for every header field, keep or zero.

use std::{fmt, str::FromStr};

/// Which bytes of a packet enter a slice.
///
/// Written as a name and changes to it: `paper`, `ip`, `ip,zero=ports,keep=ttl`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BytePolicy {
    _name: (),
}

/// Not a byte policy.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no byte policy: {reason}")]
pub struct PolicyError {
    /// What was given.
    pub text: String,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

impl FromStr for BytePolicy {
    type Err = PolicyError;
    fn from_str(_text: &str) -> Result<Self, PolicyError> {
        todo!()
    }
}

/// The canonical spelling, which parses to the same policy.
impl fmt::Display for BytePolicy {
    fn fmt(&self, _f: &mut fmt::Formatter<'_>) -> fmt::Result {
        todo!()
    }
}
