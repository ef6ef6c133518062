//! The link of a host to the internet: how fast, how far, how good.

use serde::{Deserialize, Serialize};

/// The link between a host and the middle of the internet.
///
/// A packet crosses two: its sender's upwards and its receiver's downwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    /// What such a link is called: `fibre`, `dsl`, `lte`, …
    pub(crate) kind: String,
    /// Rate from the host, kbit/s.
    pub(crate) up_kbit: u32,
    /// Rate to the host, kbit/s.
    pub(crate) down_kbit: u32,
    /// Delay in each direction, ms.
    pub(crate) delay_ms: f64,
    /// How much the delay varies: a packet waits up to about twice this longer, ms.
    pub(crate) jitter_ms: f64,
    /// Share of packets lost, 0 to 1.
    pub(crate) loss: f64,
    /// Share of packets that may overtake others within the jitter, 0 to 1.
    #[serde(default)]
    pub(crate) reordering: f64,
    /// Routers passed, each of which takes one from the time to live.
    pub(crate) hops: u8,
    /// Packets that wait at most, in each direction; more are lost.
    pub(crate) queue: usize,
}

impl Link {
    /// A link that only forwards: what sites start with before theirs is drawn.
    pub(crate) fn ideal() -> Self {
        Self {
            kind: "ideal".to_owned(),
            up_kbit: 10_000_000,
            down_kbit: 10_000_000,
            delay_ms: 0.0,
            jitter_ms: 0.0,
            loss: 0.0,
            reordering: 0.0,
            hops: 1,
            queue: 1000,
        }
    }
}
