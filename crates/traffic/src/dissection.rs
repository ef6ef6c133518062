//! Dissection: which part of which packet each byte of a slice is.
//!
//! A slice is bytes only; with the lengths of its packets it is taken apart again, by the same
//! decoder that cut it. No part is looked for at a fixed place.

mod options;
mod part;
mod payload;
mod pcap_head;
mod repair;

use std::ops::Range;

pub use part::Part;
pub use pcap_head::{FirstPacket, PcapHead, dissect_pcap_head};

use crate::{
    capture::Frame,
    decode::{Decoder, Tunnels},
    link::LinkType,
    packet::{Direction, FiveTuple, Packet},
    policy::{BytePolicy, Field, Start, visit_fields},
    session::PacketSummary,
    tally::Tally,
    timestamp::Timestamp,
};
use payload::PayloadReader;
use repair::Known;

/// The longest headers in front of a payload: as many bytes as a cut packet is lengthened by.
const LONGEST_HEADERS: usize = 256;

/// What must be known of a slice to take it apart.
#[derive(Debug, Clone, Copy)]
pub struct CutSlice<'a> {
    /// Its bytes, padding included.
    pub bytes: &'a [u8],
    /// The policy that it was cut under.
    pub policy: BytePolicy,
    /// Which packets of tunnels it was cut from.
    pub tunnels: Tunnels,
    /// Link type of the session's first frame.
    pub link_type: LinkType,
    /// From the client to the server; addresses may be digests.
    pub five_tuple: FiveTuple,
    /// The session's first packets.
    pub packets: &'a [PacketSummary],
}

/// Bytes of one part that lie side by side in one packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What they are.
    pub part: Part,
    /// Of which packet, counted from 0; none of padding and what could not be read.
    pub packet: Option<u16>,
    /// Where in the slice.
    pub range: Range<usize>,
}

/// A slice taken apart: what each of its bytes is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dissection {
    /// `[slice length]`.
    parts: Vec<Part>,
    /// `[slice length]`; [`NO_PACKET`] where there is none.
    packets: Vec<u16>,
}

/// The packet of a byte that is of none.
const NO_PACKET: u16 = u16::MAX;

impl Dissection {
    /// All of it padding.
    fn blank(length: usize) -> Self {
        Self {
            parts: vec![Part::Padding; length],
            packets: vec![NO_PACKET; length],
        }
    }

    /// Of bytes of which nothing is known: the zeros at their end may be padding.
    pub fn unknown(bytes: &[u8]) -> Self {
        let mut dissection = Self::blank(bytes.len());
        let end = bytes.iter().rposition(|&byte| byte != 0);
        dissection.parts[..end.map_or(0, |last| last + 1)].fill(Part::Undissected);
        dissection
    }

    /// What each byte is, `[slice length]`.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The slice from its front to its end, piece by piece.
    pub fn places(&self) -> Vec<Place> {
        let mut places: Vec<Place> = Vec::new();
        for (at, (&part, &packet)) in self.parts.iter().zip(&self.packets).enumerate() {
            let packet = (packet != NO_PACKET).then_some(packet);
            match places.last_mut() {
                Some(last) if last.part == part && last.packet == packet => last.range.end = at + 1,
                _ => places.push(Place {
                    part,
                    packet,
                    range: at..at + 1,
                }),
            }
        }
        places
    }

    /// Names bytes that have no name yet; what reaches beyond the end is cut off.
    fn name(&mut self, part: Part, packet: u16, range: Range<usize>) {
        let end = range.end.min(self.parts.len());
        for at in range.start.min(end)..end {
            if self.parts[at] == Part::Undissected {
                (self.parts[at], self.packets[at]) = (part, packet);
            }
        }
    }
}

/// Takes a slice apart; what does not fit its packets' lengths is [`Part::Undissected`].
pub fn dissect(slice: &CutSlice<'_>) -> Dissection {
    let mut dissection = Dissection::blank(slice.bytes.len());
    // Padding is what follows the last packet, and zeros in a payload are none: packets decide.
    let is_filled = slice.bytes.iter().rposition(|&byte| byte != 0);
    let mut reader = PayloadReader::default();
    let mut at = 0;
    for (number, summary) in (0..NO_PACKET).zip(slice.packets) {
        if at >= slice.bytes.len() {
            return dissection;
        }
        let rest = &slice.bytes[at..];
        let taken = match slice.policy.start() {
            Start::Payload => {
                let end = at + usize::from(summary.payload_length).min(rest.len());
                dissection.parts[at..end].fill(Part::Undissected);
                let payload = &slice.bytes[at..end];
                let found = reader.read(payload, &slice.five_tuple, summary.direction);
                name_payload(&mut dissection, number, at..end, found);
                Some(end - at)
            }
            start => dissect_packet(slice, start, summary, rest, &mut |packet, length| {
                let end = at + length;
                dissection.parts[at..end].fill(Part::Undissected);
                name_packet(&mut dissection, number, at, packet);
                let payload = at + packet.layout.payload as usize;
                let payload = payload.min(end)..end;
                let bytes = &slice.bytes[payload.clone()];
                let found = reader.read(bytes, &slice.five_tuple, summary.direction);
                name_payload(&mut dissection, number, payload, found);
            }),
        };
        match taken {
            Some(taken) => at += taken,
            None => break,
        }
    }
    if let Some(last) = is_filled.filter(|&last| last >= at) {
        dissection.parts[at..=last].fill(Part::Undissected);
    }
    dissection
}

/// Decodes the packet at the front of `rest`, which may be cut off, and shows it with how much of
/// `rest` is of it; returns that, or none if the bytes there are not this packet.
fn dissect_packet(
    slice: &CutSlice<'_>,
    start: Start,
    summary: &PacketSummary,
    rest: &[u8],
    show: &mut dyn FnMut(&Packet<'_>, usize),
) -> Option<usize> {
    // The link type is that of the frame; inside of a tunnel, another one may count.
    let candidates: &[LinkType] = match (start, slice.tunnels) {
        (Start::Ip, _) => &[LinkType::RAW],
        (_, Tunnels::Outer) => &[slice.link_type],
        (_, Tunnels::Inner) => &[slice.link_type, LinkType::RAW, LinkType::ETHERNET],
    };
    let known = Known {
        length: Some(usize::from(summary.length)),
        payload_length: Some(usize::from(summary.payload_length)),
        protocol: slice.five_tuple.protocol,
        zeroed: slice.policy.zeroed(),
    };
    candidates.iter().find_map(|&link_type| {
        let mut bytes = rest.to_vec();
        bytes.truncate(usize::from(summary.length) + LONGEST_HEADERS);
        bytes.resize(bytes.len().max(LONGEST_HEADERS), 0);
        let ip = repair::repair(&mut bytes, rest.len(), link_type, &known)?;
        bytes.truncate(ip + usize::from(summary.length));
        let wire = bytes.len().max(ip + usize::from(summary.length));
        decode(&bytes, wire, link_type, &mut |packet| {
            let length = packet.bytes.len().min(rest.len());
            show(packet, length);
            length
        })
    })
}

/// Decodes one frame outside of any capture.
fn decode<T>(
    bytes: &[u8],
    wire_length: usize,
    link_type: LinkType,
    show: &mut dyn FnMut(&Packet<'_>) -> T,
) -> Option<T> {
    let frame = Frame {
        timestamp: Timestamp::default(),
        link_type,
        interface: 0,
        original_length: u32::try_from(wire_length).unwrap_or(u32::MAX),
        bytes,
    };
    Decoder::new(Tunnels::Outer)
        .decode(&frame, &mut Tally::default())
        .map(|packet| show(&packet))
}

/// Names the headers of a packet whose first byte is at `from` in the slice.
fn name_packet(dissection: &mut Dissection, number: u16, from: usize, packet: &Packet<'_>) {
    let ip = from + packet.layout.ip as usize;
    visit_fields(packet, &mut |field, range| {
        let range = from + range.start..from + range.end;
        match field {
            Field::Payload => {}
            Field::TcpOptions => {
                let inside = range.start - from..range.end - from;
                options::visit(packet.bytes, inside, &mut |part, place| {
                    dissection.name(part, number, from + place.start..from + place.end);
                });
                dissection.name(Part::Header(field), number, range);
            }
            // Version 6 shares its first byte between the version and the traffic class.
            Field::Tos if range.start == ip => {
                dissection.name(Part::IpVersion, number, ip..ip + 1);
                dissection.name(Part::Header(field), number, range);
            }
            _ => dissection.name(Part::Header(field), number, range),
        }
    });
    dissection.name(Part::IpVersion, number, ip..ip + 1);
    let payload = from + packet.layout.payload as usize;
    dissection.name(Part::OtherHeader, number, from..payload);
}

/// Names a payload at `range`: what was found in it, then the rest.
fn name_payload(
    dissection: &mut Dissection,
    number: u16,
    range: Range<usize>,
    found: Vec<(Part, Range<usize>)>,
) {
    for (part, place) in found {
        let end = (range.start + place.end).min(range.end);
        dissection.name(part, number, range.start + place.start..end);
    }
    dissection.name(Part::Payload, number, range);
}

/// Which way a packet goes that has no summary: as the first, or the other.
fn direction(first: &FiveTuple, packet: &FiveTuple) -> Direction {
    if first.source == packet.source {
        Direction::Forward
    } else {
        Direction::Backward
    }
}
