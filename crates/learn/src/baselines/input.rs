//! Inputs: what of a sample a baseline learns from.

use traffic::{
    packet::{Direction, Protocol},
    session::PacketSummary,
    statistics::{Statistics, TIME_NAMES},
    timestamp::Timestamp,
};

use super::features::Features;
use crate::dataset::{Origin, Rows};

/// Packets that [`Input::Packets`] looks at.
const PACKETS: usize = 30;

/// Which of a sample's numbers are seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// The bytes that networks see.
    Slice,
    /// Of the first 30 packets the lengths in bytes, below 0 backward, and the gaps before each as
    /// ln(1 + microseconds); 0 where there are fewer.
    Packets,
    /// CENTIME's 26 statistics of the session.
    Centime,
    /// The 23 time-related features.
    TimeFeatures,
    /// Both of these, without the four of the latter that the former have.
    FlowStatistics,
    /// Server port and transport protocol.
    Server,
    /// What the first header is.
    LinkType,
    /// When the session began, in seconds since the first of training.
    CaptureTime,
}

/// What no row has, in the plural.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Missing(pub(super) &'static str);

/// The time features that CENTIME's statistics have under other names.
const TWICE: [&str; 4] = ["duration", "min_flowiat", "max_flowiat", "mean_flowiat"];

impl Input {
    /// Every input.
    pub const ALL: [Self; 8] = [
        Self::Slice,
        Self::Packets,
        Self::Centime,
        Self::TimeFeatures,
        Self::FlowStatistics,
        Self::Server,
        Self::LinkType,
        Self::CaptureTime,
    ];

    /// Its spelling.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Slice => "slice",
            Self::Packets => "packets",
            Self::Centime => "centime",
            Self::TimeFeatures => "time-features",
            Self::FlowStatistics => "flow-statistics",
            Self::Server => "server",
            Self::LinkType => "link-type",
            Self::CaptureTime => "capture-time",
        }
    }

    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|input| input.name() == name)
    }

    /// The numbers of each row, or what all of them lack.
    pub(super) fn features(self, rows: &Rows, since: Timestamp) -> Result<Features, Missing> {
        let samples = &rows.samples;
        let statistics = |columns: usize, numbers: &dyn Fn(&Statistics) -> Vec<f32>| {
            let values = samples.statistics.iter().flat_map(numbers).collect();
            known(rows, "statistics", Features::numbers(columns, values))
        };
        match self {
            Self::Slice => Ok(Features::bytes(
                samples.slice_length,
                samples.slices.clone(),
            )),
            Self::Packets => {
                let is_known = |packets: &Vec<PacketSummary>| !packets.is_empty();
                if !samples.summaries.iter().any(is_known) {
                    return Err(Missing("packet summaries"));
                }
                let values = samples.summaries.iter().flat_map(|packets| first(packets));
                Ok(Features::numbers(2 * PACKETS, values.collect()))
            }
            Self::Centime => statistics(26, &|statistics| statistics.centime.to_vec()),
            Self::TimeFeatures => statistics(23, &|statistics| statistics.time.to_vec()),
            Self::FlowStatistics => statistics(26 + 23 - TWICE.len(), &|statistics| {
                let mut numbers = statistics.centime.to_vec();
                let time = TIME_NAMES.iter().zip(statistics.time);
                numbers.extend(
                    time.filter(|(name, _)| !TWICE.contains(name))
                        .map(|(_, value)| value),
                );
                numbers
            }),
            Self::Server => of_origins(rows, "server ports", 2, |origin| {
                let tuple = &origin.five_tuple;
                vec![
                    f32::from(tuple.destination.port()),
                    match tuple.protocol {
                        Protocol::Tcp => 6.0,
                        Protocol::Udp => 17.0,
                        Protocol::Sctp => 132.0,
                    },
                ]
            }),
            Self::LinkType => of_origins(rows, "link types", 1, |origin| {
                vec![origin.link_type.0 as f32]
            }),
            Self::CaptureTime => of_origins(rows, "times", 1, |origin| {
                let nanoseconds = origin.start.nanoseconds() - since.nanoseconds();
                vec![(nanoseconds as f64 / 1e9) as f32]
            }),
        }
    }
}

/// When the first session of the rows began.
pub(super) fn first_start(rows: &Rows) -> Timestamp {
    let starts = rows.origins.iter().map(|origin| origin.start);
    starts.min().unwrap_or_default()
}

/// Features, unless the rows are slices as they were found, of whose sessions nothing is known.
fn known(rows: &Rows, name: &'static str, features: Features) -> Result<Features, Missing> {
    let is_known = rows.origins.iter().any(|origin| origin.packets > 0);
    if is_known && features.rows() == rows.samples.labels.len() {
        Ok(features)
    } else {
        Err(Missing(name))
    }
}

fn of_origins(
    rows: &Rows,
    name: &'static str,
    columns: usize,
    numbers: impl Fn(&Origin) -> Vec<f32>,
) -> Result<Features, Missing> {
    let values = rows.origins.iter().flat_map(numbers).collect();
    known(rows, name, Features::numbers(columns, values))
}

fn first(packets: &[PacketSummary]) -> [f32; 2 * PACKETS] {
    let mut numbers = [0.0; 2 * PACKETS];
    let mut before = packets
        .first()
        .map_or(0, |packet| packet.offset_nanoseconds);
    for (at, packet) in packets.iter().take(PACKETS).enumerate() {
        let length = f32::from(packet.length);
        numbers[at] = match packet.direction {
            Direction::Forward => length,
            Direction::Backward => -length,
        };
        // A capture may have its packets out of order: no gap is below 0.
        let gap = packet.offset_nanoseconds.saturating_sub(before);
        numbers[PACKETS + at] = (gap as f64 / 1e3).ln_1p() as f32;
        before = packet.offset_nanoseconds;
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_signed_lengths_and_then_gaps() {
        let packet = |direction, length, offset_nanoseconds| PacketSummary {
            direction,
            length,
            payload_length: 0,
            offset_nanoseconds,
        };
        let numbers = first(&[
            packet(Direction::Forward, 60, 0),
            packet(Direction::Backward, 1500, 1_000_000),
            packet(Direction::Forward, 40, 500_000),
        ]);
        assert_eq!(numbers[..4], [60.0, -1500.0, 40.0, 0.0]);
        assert_eq!(numbers[PACKETS..PACKETS + 3], [0.0, 1001_f32.ln(), 0.0]);
    }

    #[test]
    fn no_time_feature_is_listed_twice_in_vain() {
        assert!(TWICE.iter().all(|name| TIME_NAMES.contains(name)));
    }
}
