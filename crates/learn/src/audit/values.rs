//! Values: what one field says of each sample, byte by byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
    ops::Range,
};

use traffic::{dissection::Part, packet::Direction};

use super::samples::Samples;
use crate::{baselines::features::Features, dataset::Origin};

/// The most places of a part that count: those in a session's first packets.
const MOST_PLACES: usize = 4;
/// The most bytes of a place that count.
const MOST_BYTES: usize = 32;
/// The packets whose lengths count as one field.
const LENGTHS: usize = 16;

/// One field of all samples.
#[derive(Debug, Clone)]
pub(super) struct Values {
    /// 0 where there is no byte, else the byte and 1.
    pub(super) features: Features,
    /// How many samples have the field.
    pub(super) having: u64,
    /// Whether any byte of it is not zero.
    pub(super) is_shown: bool,
}

/// The parts that occur.
pub(super) fn parts(samples: &Samples) -> BTreeSet<Part> {
    let places = samples.places.iter().flatten();
    places.map(|place| place.part).collect()
}

/// The longest place of each part, as far as it counts.
pub(super) fn widths(samples: &Samples) -> BTreeMap<Part, usize> {
    let mut widths = BTreeMap::new();
    for place in samples.places.iter().flatten() {
        let width = widths.entry(place.part).or_default();
        *width = place.range.len().min(MOST_BYTES).max(*width);
    }
    widths
}

/// What a part says: its bytes in the first places that it has.
///
/// A session with fewer places repeats its last one, so that the field does not also count
/// packets. Only what has no place at all is empty.
pub(super) fn of_part(samples: &Samples, part: Part, width: usize) -> Values {
    if part == Part::Padding {
        return padding(samples);
    }
    let columns = width * MOST_PLACES;
    let mut cells = vec![0.0; samples.len() * columns];
    let (mut having, mut is_shown) = (0, false);
    for (sample, row) in cells.chunks_exact_mut(columns.max(1)).enumerate() {
        let bytes = samples.slice(sample);
        let places = &samples.places[sample];
        let own: Vec<Range<usize>> = places
            .iter()
            .filter(|place| place.part == part)
            .map(|place| place.range.clone())
            .take(MOST_PLACES)
            .collect();
        let Some(last) = own.last() else {
            continue;
        };
        having += 1;
        let repeated = own.iter().chain(std::iter::repeat(last));
        for (place, cells) in repeated.zip(row.chunks_exact_mut(width.max(1))) {
            for (cell_of, &byte) in cells.iter_mut().zip(&bytes[place.clone()]) {
                *cell_of = cell(byte);
                is_shown |= byte != 0;
            }
        }
    }
    Values {
        features: Features::numbers(columns, cells),
        having,
        is_shown,
    }
}

/// How much of the slice is padding, which tells how much of it is not.
fn padding(samples: &Samples) -> Values {
    let mut cells = Vec::with_capacity(samples.len() * 2);
    let mut having = 0;
    for places in &samples.places {
        let last = places.last().filter(|place| place.part == Part::Padding);
        let length = last.map_or(0, |place| place.range.len()) as u16;
        having += u64::from(length > 0);
        cells.extend(length.to_be_bytes().map(cell));
    }
    Values {
        features: Features::numbers(2, cells),
        having,
        is_shown: having > 0,
    }
}

fn cell(byte: u8) -> f32 {
    f32::from(byte) + 1.0
}

/// What is known of a session beside its slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    LinkType,
    StartTime,
    ClientAddress,
    ServerAddress,
    ClientPort,
    ServerPort,
    PacketCount,
    PacketLengths,
}

impl Fact {
    pub(super) const ALL: [Self; 8] = [
        Self::LinkType,
        Self::StartTime,
        Self::ClientAddress,
        Self::ServerAddress,
        Self::ClientPort,
        Self::ServerPort,
        Self::PacketCount,
        Self::PacketLengths,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::LinkType => "link-type",
            Self::StartTime => "start-time",
            Self::ClientAddress => "client-address",
            Self::ServerAddress => "server-address",
            Self::ClientPort => "client-port",
            Self::ServerPort => "server-port",
            Self::PacketCount => "packet-count",
            Self::PacketLengths => "packet-lengths",
        }
    }

    /// What it says of each sample; none if it says the same of all.
    pub(super) fn of(self, samples: &Samples) -> Option<Values> {
        let values = self.values(samples);
        let features = &values.features;
        (1..features.rows())
            .any(|row| features.row(row).ne(features.row(0)))
            .then_some(values)
    }

    /// What it says of each sample, even if it is the same of all.
    pub(super) fn values(self, samples: &Samples) -> Values {
        let width = self.width();
        let mut cells = vec![0.0; samples.len() * width];
        for (sample, row) in cells.chunks_exact_mut(width).enumerate() {
            let bytes = self.bytes(samples, sample);
            for (cell_of, &byte) in row.iter_mut().zip(&bytes) {
                *cell_of = cell(byte);
            }
        }
        Values {
            features: Features::numbers(width, cells),
            having: samples.len() as u64,
            is_shown: true,
        }
    }

    fn width(self) -> usize {
        match self {
            Self::LinkType | Self::PacketCount => 4,
            Self::StartTime => 8,
            Self::ClientAddress | Self::ServerAddress => 16,
            Self::ClientPort | Self::ServerPort => 2,
            Self::PacketLengths => 3 * LENGTHS,
        }
    }

    fn bytes(self, samples: &Samples, sample: usize) -> Vec<u8> {
        let origin: &Origin = &samples.rows.origins[sample];
        let address = |address: IpAddr| match address {
            IpAddr::V4(address) => address.octets().to_vec(),
            IpAddr::V6(address) => address.octets().to_vec(),
        };
        match self {
            Self::LinkType => origin.link_type.0.to_be_bytes().to_vec(),
            Self::StartTime => {
                let seconds = origin.start.nanoseconds() / 1_000_000_000;
                seconds.to_be_bytes().to_vec()
            }
            Self::ClientAddress => address(origin.five_tuple.source.ip()),
            Self::ServerAddress => address(origin.five_tuple.destination.ip()),
            Self::ClientPort => origin.five_tuple.source.port().to_be_bytes().to_vec(),
            Self::ServerPort => origin.five_tuple.destination.port().to_be_bytes().to_vec(),
            Self::PacketCount => (origin.packets.min(u64::from(u32::MAX)) as u32)
                .to_be_bytes()
                .to_vec(),
            Self::PacketLengths => {
                let summaries = samples.rows.samples.summaries.get(sample);
                let packets = summaries.map_or(&[][..], Vec::as_slice).iter();
                packets
                    .take(LENGTHS)
                    .flat_map(|packet| {
                        let [high, low] = packet.length.to_be_bytes();
                        [u8::from(packet.direction == Direction::Backward), high, low]
                    })
                    .collect()
            }
        }
    }
}
