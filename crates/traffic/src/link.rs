//! Link types: what the first header of a frame is.

use serde::{Deserialize, Serialize};

/// The number that a capture gives its link layer (the LINKTYPE_ registry of tcpdump.org).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct LinkType(pub u32);
