//! What networks are fed: the parts of samples, each for one sample after another.

use std::ops::Range;

use crate::architecture::Shape;

/// Numbers that a sequence holds of one packet.
pub const PACKET_FEATURES: usize = 20;

/// Statistics of a session: CENTIME's.
pub const STATISTICS: usize = 26;

/// Packets whose own slices are looked at.
pub const PACKET_SLICES: usize = 3;

/// Such a slice is a picture of so many rows and columns.
pub(crate) const PICTURE: usize = 28;

/// Packets of the longest sequence a network takes; memory grows with the length.
pub const MAX_PACKETS: usize = 4_096;

/// Samples as networks are fed them.
///
/// A network looks at some of the parts only ([`crate::architecture::Architecture::parts`]); the
/// others may be left empty. Slices alone turn into an input by themselves.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Input<'a> {
    /// Slices, `[samples, slice length]`.
    pub slices: &'a [u8],
    /// Features of the first packets, each about -1 to 1 and zero behind the packets seen:
    /// `[samples, packets, PACKET_FEATURES]`.
    pub packets: &'a [f32],
    /// How many packets there are, at most those of the shape: `[samples]`.
    pub seen: &'a [u32],
    /// Statistics of whole sessions, as they are: `[samples, STATISTICS]`.
    pub statistics: &'a [f32],
    /// Slices of the first packets, each for itself, zeros where there are fewer:
    /// `[samples, PACKET_SLICES, slice length]`.
    pub packet_slices: &'a [u8],
}

/// Which parts a network looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each part is there or not, whatever the others are"
)]
pub struct Parts {
    /// Slices.
    pub slices: bool,
    /// Packets, and how many of them were seen.
    pub packets: bool,
    /// Statistics.
    pub statistics: bool,
    /// The first packets' own slices.
    pub packet_slices: bool,
}

impl<'a> From<&'a [u8]> for Input<'a> {
    fn from(slices: &'a [u8]) -> Self {
        Self {
            slices,
            ..Self::default()
        }
    }
}

impl<'a> From<&'a Vec<u8>> for Input<'a> {
    fn from(slices: &'a Vec<u8>) -> Self {
        Self::from(&slices[..])
    }
}

impl Input<'_> {
    /// How many samples it holds of the parts that a network of that shape looks at.
    ///
    /// # Panics
    ///
    /// If a part is not a whole number of samples, or two parts disagree.
    pub(crate) fn samples(self, shape: Shape) -> usize {
        let parts = shape.architecture.parts();
        let mut samples = None;
        let mut hold = |name: &str, length: usize, width: usize| {
            assert!(
                length.is_multiple_of(width),
                "{name} of a sample are {width} each, {length} are no whole number of samples"
            );
            let found = length / width;
            let expected = *samples.get_or_insert(found);
            assert_eq!(found, expected, "samples by their {name}");
        };
        if parts.slices {
            hold("slice bytes", self.slices.len(), shape.slice_length);
        }
        if parts.packets {
            let width = shape.packets * PACKET_FEATURES;
            hold("packet features", self.packets.len(), width);
            hold("packets seen", self.seen.len(), 1);
        }
        if parts.statistics {
            hold("statistics", self.statistics.len(), STATISTICS);
        }
        if parts.packet_slices {
            let width = PACKET_SLICES * shape.slice_length;
            hold("packet slices", self.packet_slices.len(), width);
        }
        samples.unwrap_or(0)
    }

    /// Some of its samples.
    pub(crate) fn range(self, shape: Shape, range: Range<usize>) -> Self {
        let parts = shape.architecture.parts();
        let packets = shape.packets * PACKET_FEATURES;
        let own = PACKET_SLICES * shape.slice_length;
        Self {
            packet_slices: cut(self.packet_slices, parts.packet_slices, own, &range),
            slices: cut(self.slices, parts.slices, shape.slice_length, &range),
            packets: cut(self.packets, parts.packets, packets, &range),
            seen: cut(self.seen, parts.packets, 1, &range),
            statistics: cut(self.statistics, parts.statistics, STATISTICS, &range),
        }
    }
}

/// Some samples of a part that is looked at; nothing of one that is not.
fn cut<'a, T>(part: &'a [T], is_read: bool, width: usize, range: &Range<usize>) -> &'a [T] {
    if is_read {
        &part[range.start * width..range.end * width]
    } else {
        &[]
    }
}
