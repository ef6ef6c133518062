//! Augmentation: how many training samples are changed, and in which way.

use serde::{Deserialize, Serialize};

/// Shares of the training samples, 0 to 1, that are changed in each way, by lot and anew in each epoch.
///
/// What a sample has only because of where it was captured is made to vary, so that a network cannot
/// learn classes by it. Validation and test samples stay as they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augmentation {
    /// Header fields are zeroed: ports, time to live, IP-ID, TCP's numbers, its window and its
    /// options, each or not.
    pub fields: f64,
    /// The same fields get other values, drawn for each sample: what was equal in a sample stays so.
    #[serde(skip_serializing_if = "is_zero")]
    pub random_fields: f64,
    /// Another link: up to 100 ms more before each answer, and gaps that vary by a quarter.
    pub link: f64,
    /// Another largest packet, 1,200 to 1,500 bytes, by which TCP's payloads are cut into other
    /// segments, and headers up to 40 bytes shorter or longer.
    pub lengths: f64,
    /// One packet in twenty is lost.
    pub drops: f64,
    /// Time runs up to twice as fast, or half as fast.
    pub time: f64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(share: &f64) -> bool {
    *share <= 0.0
}

impl Augmentation {
    /// Whether it changes bytes of slices, for which their fields have to be known.
    pub(crate) fn changes_fields(self) -> bool {
        self.fields > 0.0 || self.random_fields > 0.0
    }

    /// Its settings by name.
    pub(super) fn shares(self) -> [(&'static str, f64); 6] {
        [
            ("augmentation.fields", self.fields),
            ("augmentation.random_fields", self.random_fields),
            ("augmentation.link", self.link),
            ("augmentation.lengths", self.lengths),
            ("augmentation.drops", self.drops),
            ("augmentation.time", self.time),
        ]
    }
}
