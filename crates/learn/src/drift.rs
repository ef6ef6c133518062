//! Drift: whether sessions and verdicts are still distributed as a model's validation samples were.

mod distribution;
mod latest;
mod reference;

use serde::{Deserialize, Serialize};
use traffic::session::Session;

pub use distribution::{Distribution, index_by_chance, stability_index};
pub use latest::{Drift, Latest};
pub use reference::refer;

use crate::classifier::Verdict;

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantity {
    /// The confidence.
    Confidence,
    /// The most probable class, believed or not.
    Class,
    /// Whether it is unknown: 1 if so.
    Unknown,
    /// Packets of the session.
    Packets,
    /// Bytes of the session.
    Bytes,
    /// Bytes of its slice up to the last that is not zero.
    Filled,
}

impl Quantity {
    /// All of them: what the model says, then what it is told.
    pub const ALL: [Self; 6] = [
        Self::Confidence,
        Self::Class,
        Self::Unknown,
        Self::Packets,
        Self::Bytes,
        Self::Filled,
    ];

    /// Its spelling in files and metrics.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Confidence => "confidence",
            Self::Class => "class",
            Self::Unknown => "unknown",
            Self::Packets => "packets",
            Self::Bytes => "bytes",
            Self::Filled => "filled",
        }
    }
}

/// What is compared of one session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    values: [f64; Quantity::ALL.len()],
}

impl Observation {
    /// Of an ended session and what a model said; none of background, and where the model was not
    /// asked.
    pub fn of(session: &Session, verdict: Verdict) -> Option<Self> {
        let (label, confidence, unknown) = match verdict {
            Verdict::Class { label, confidence } => (label, confidence, 0.0),
            Verdict::Unknown {
                nearest,
                confidence,
            } => (nearest, confidence, 1.0),
            Verdict::Empty | Verdict::Background(_) => return None,
        };
        session.background.is_none().then(|| Self {
            values: [
                confidence,
                f64::from(label),
                unknown,
                session.packets as f64,
                session.bytes as f64,
                filled(session.slice.bytes()),
            ],
        })
    }

    /// One of its values.
    pub fn value(&self, of: Quantity) -> f64 {
        self.values[of as usize]
    }
}

/// A dataset's slices do not say where their padding begins; sessions are measured alike.
fn filled(slice: &[u8]) -> f64 {
    let last = slice.iter().rposition(|&byte| byte != 0);
    last.map_or(0.0, |last| last as f64 + 1.0)
}
