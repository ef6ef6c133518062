//! The forwarding of the router, without clock and devices.

use serde::{Deserialize, Serialize};

/// What happened to packets at one host's link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// Packets from the host.
    pub(crate) received: u64,
    /// Packets to the host.
    pub(crate) sent: u64,
    /// Packets that a link lost by chance.
    pub(crate) lost: u64,
    /// Packets that found a queue full.
    pub(crate) crowded_out: u64,
    /// Packets without a route, with too few hops left, or too large.
    pub(crate) refused: u64,
}
