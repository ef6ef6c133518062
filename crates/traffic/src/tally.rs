//! Tallies: what a stage read, kept and skipped, by reason.

use std::{collections::BTreeMap, fmt, ops::AddAssign};

use serde::{Deserialize, Serialize};

use crate::{link::LinkType, packet::TunnelKind, session::SessionEnd};

/// Why a frame did not become a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Skip {
    /// Its link type is not understood.
    LinkTypeUnknown,
    /// It was captured too short to name its five-tuple.
    Truncated,
    /// Its link header contradicts itself.
    LinkMalformed,
    /// Its IP header contradicts itself.
    IpMalformed,
    /// Its transport header contradicts itself.
    TransportMalformed,
    /// Its tunnel header contradicts itself.
    TunnelMalformed,
    /// ARP or RARP.
    Arp,
    /// IEEE 802.2 without IP: spanning tree, NetBEUI, IS-IS.
    Llc,
    /// Any other protocol over the link but IP.
    NotIp,
    /// ICMP or ICMP for IPv6.
    Icmp,
    /// IPsec ESP: what it carries cannot be known.
    Ipsec,
    /// IP with a protocol without ports, or whose ports make no sessions here (UDP-Lite, DCCP).
    NoPorts,
    /// A tunnel straight over IP, while only tunnels' own packets are asked for.
    TunnelWithoutPorts,
    /// More VLAN tags, MPLS labels, extension headers or tunnels in one another than followed.
    TooManyLayers,
    /// An IP fragment that came twice.
    FragmentDuplicate,
    /// Fragments that disagree about some bytes: their datagram is given up (RFC 5722).
    FragmentOverlap,
    /// A fragment that reaches beyond the largest datagram, or whose length is no multiple of 8.
    FragmentMalformed,
    /// A fragment that was captured truncated, so that its datagram cannot be whole.
    FragmentTruncated,
    /// A fragment whose datagram never became whole.
    FragmentIncomplete,
    /// A fragment dropped to keep memory bounded.
    FragmentEvicted,
}

impl Skip {
    /// Its name, as in a tally.
    pub fn name(self) -> &'static str {
        match self {
            Self::LinkTypeUnknown => "link-type-unknown",
            Self::Truncated => "truncated",
            Self::LinkMalformed => "link-malformed",
            Self::IpMalformed => "ip-malformed",
            Self::TransportMalformed => "transport-malformed",
            Self::TunnelMalformed => "tunnel-malformed",
            Self::Arp => "arp",
            Self::Llc => "llc",
            Self::NotIp => "not-ip",
            Self::Icmp => "icmp",
            Self::Ipsec => "ipsec",
            Self::NoPorts => "no-ports",
            Self::TunnelWithoutPorts => "tunnel-without-ports",
            Self::TooManyLayers => "too-many-layers",
            Self::FragmentDuplicate => "fragment-duplicate",
            Self::FragmentOverlap => "fragment-overlap",
            Self::FragmentMalformed => "fragment-malformed",
            Self::FragmentTruncated => "fragment-truncated",
            Self::FragmentIncomplete => "fragment-incomplete",
            Self::FragmentEvicted => "fragment-evicted",
        }
    }
}

/// Counts of one capture; tallies of several add up.
///
/// Nothing is lost silently:
/// `frames == packets + skipped() + merged_fragments + held_fragments`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// Captures read.
    pub captures: u64,
    /// Captures that ended inside a record.
    pub cut_short_captures: u64,
    /// Frames read.
    pub frames: u64,
    /// Bytes of those frames, as captured.
    pub frame_bytes: u64,
    /// Frames by link type, understood or not.
    pub link_types: BTreeMap<LinkType, u64>,
    /// Frames whose captured length is below their original length.
    pub truncated_frames: u64,
    /// Packets decoded; a reassembled datagram is one.
    pub packets: u64,
    /// IP fragments seen.
    pub fragments: u64,
    /// Fragments that joined a reassembled datagram beside the one that completed it.
    pub merged_fragments: u64,
    /// Fragments still waiting for the rest of their datagram; 0 once a capture is finished.
    pub held_fragments: u64,
    /// Frames that became no packet, by reason.
    pub skips: BTreeMap<Skip, u64>,
    /// Tunnels recognised, whether entered or not, by kind.
    pub tunnels: BTreeMap<TunnelKind, u64>,
    /// Sessions that ended before the first of the windows they were to be cut into.
    #[serde(skip_serializing_if = "is_zero")]
    pub short_sessions: u64,
    /// Sessions ended, by reason, and windows of them.
    pub ends: BTreeMap<SessionEnd, u64>,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Tally {
    /// Frames skipped, for whatever reason.
    pub fn skipped(&self) -> u64 {
        self.skips.values().sum()
    }

    /// Sessions ended; one that was cut into windows counts once.
    pub fn sessions(&self) -> u64 {
        let ends = self.ends.iter();
        ends.filter(|(end, _)| **end != SessionEnd::Window)
            .map(|(_, count)| count)
            .sum()
    }

    /// Sessions flushed to keep the table within its bound.
    pub fn evicted(&self) -> u64 {
        self.ends.get(&SessionEnd::Evicted).copied().unwrap_or(0)
    }

    /// Counts `count` frames as skipped.
    pub fn skip(&mut self, reason: Skip, count: u64) {
        if count > 0 {
            *self.skips.entry(reason).or_default() += count;
        }
    }

    /// Every count that is not zero, with its name, in a fixed order; for printing.
    pub fn counts(&self) -> Vec<(String, u64)> {
        let plain = [
            ("captures", self.captures),
            ("captures cut short", self.cut_short_captures),
            ("frames", self.frames),
            ("frame bytes", self.frame_bytes),
            ("truncated frames", self.truncated_frames),
            ("packets", self.packets),
            ("fragments", self.fragments),
            ("merged fragments", self.merged_fragments),
            ("held fragments", self.held_fragments),
            ("sessions before their first window", self.short_sessions),
        ];
        let plain = plain
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count));
        let link_types = self
            .link_types
            .iter()
            .map(|(link_type, &count)| (format!("frames: {link_type}"), count));
        let skips = self
            .skips
            .iter()
            .map(|(reason, &count)| (format!("skipped: {}", reason.name()), count));
        let tunnels = self
            .tunnels
            .iter()
            .map(|(kind, &count)| (format!("tunnel: {}", kind.name()), count));
        let ends = self
            .ends
            .iter()
            .map(|(end, &count)| (format!("sessions ended: {}", end.name()), count));
        plain
            .chain(link_types)
            .chain(skips)
            .chain(tunnels)
            .chain(ends)
            .filter(|&(_, count)| count > 0)
            .collect()
    }
}

impl AddAssign<&Tally> for Tally {
    fn add_assign(&mut self, other: &Tally) {
        self.captures += other.captures;
        self.cut_short_captures += other.cut_short_captures;
        self.frames += other.frames;
        self.frame_bytes += other.frame_bytes;
        self.truncated_frames += other.truncated_frames;
        self.packets += other.packets;
        self.fragments += other.fragments;
        self.merged_fragments += other.merged_fragments;
        self.held_fragments += other.held_fragments;
        self.short_sessions += other.short_sessions;
        add_counts(&mut self.link_types, &other.link_types);
        add_counts(&mut self.skips, &other.skips);
        add_counts(&mut self.tunnels, &other.tunnels);
        add_counts(&mut self.ends, &other.ends);
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        *self += &other;
    }
}

fn add_counts<K: Ord + Copy>(counts: &mut BTreeMap<K, u64>, others: &BTreeMap<K, u64>) {
    for (&key, &count) in others {
        *counts.entry(key).or_default() += count;
    }
}

/// A count with its noun, which agrees with it.
struct Counted(u64, &'static str);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, noun) = self;
        let plural = if *number == 1 { "" } else { "s" };
        write!(f, "{number} {noun}{plural}")
    }
}

/// One line: `10 frames, 8 packets, 3 sessions; skipped 2 (arp 1, icmp 1)`.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {}, {}",
            Counted(self.frames, "frame"),
            Counted(self.packets, "packet"),
            Counted(self.sessions(), "session")
        )?;
        if self.skipped() > 0 {
            write!(f, "; skipped {} (", self.skipped())?;
            for (position, (reason, count)) in self.skips.iter().enumerate() {
                let comma = if position == 0 { "" } else { ", " };
                write!(f, "{comma}{} {count}", reason.name())?;
            }
            f.write_str(")")?;
        }
        if self.cut_short_captures > 0 {
            f.write_str("; cut short")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Tally {
        Tally {
            frames: 10,
            packets: 8,
            skips: BTreeMap::from([(Skip::Icmp, 1), (Skip::Arp, 1)]),
            ends: BTreeMap::from([(SessionEnd::Evicted, 3)]),
            ..Tally::default()
        }
    }

    #[test]
    fn a_tally_prints_on_one_line() {
        assert_eq!(
            example().to_string(),
            "10 frames, 8 packets, 3 sessions; skipped 2 (arp 1, icmp 1)"
        );
    }

    #[test]
    fn one_is_not_many() {
        let tally = Tally {
            frames: 1,
            packets: 1,
            ..Tally::default()
        };
        assert_eq!(tally.to_string(), "1 frame, 1 packet, 0 sessions");
    }

    #[test]
    fn tallies_add_up() {
        let mut sum = example();
        sum += example();
        assert_eq!(
            (sum.frames, sum.skipped(), sum.sessions(), sum.evicted()),
            (20, 4, 6, 6)
        );
    }

    #[test]
    fn only_counts_that_are_not_zero_are_listed() {
        let names: Vec<_> = example()
            .counts()
            .into_iter()
            .map(|(name, _)| name)
            .collect();
        assert_eq!(
            names,
            [
                "frames",
                "packets",
                "skipped: arp",
                "skipped: icmp",
                "sessions ended: evicted"
            ]
        );
    }
}
