//! Background: sessions that a capture holds but its label does not mean.

use serde::{Deserialize, Serialize};

/// Which kind of background.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Background {
    /// DNS.
    Dns,
}
