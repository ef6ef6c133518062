//! Decoding: from a frame to a packet, or to the reason why there is none.

mod fragments;
mod link;
mod network;
mod plain;
mod transport;
mod tunnel;
mod walk;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    capture::Frame,
    link::LinkType,
    packet::Packet,
    tally::{Skip, Tally},
};
use fragments::{Fragments, Joined};
pub(crate) use network::{
    AUTHENTICATION, DESTINATION_OPTIONS, FRAGMENT, ROUTING, extension_length,
};
pub(crate) use plain::{PlainPacket, plain_layout};
use walk::{Found, Headers, Walk};

/// Which packets of a tunnel count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tunnels {
    /// The tunnel's own. A tunnel straight over IP (GRE, IP-in-IP, 6in4) has no ports and is
    /// skipped; one over UDP (VXLAN, GENEVE, GTP-U, Teredo) is a UDP session.
    Outer,
    /// Those inside it; what is not a tunnel is used as it is.
    Inner,
}

/// Where the headers of a packet are in its bytes, as offsets.
///
/// Of a packet in a tunnel that was entered, they are the inner packet's headers; what
/// encapsulates it lies before `link` and enters no slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Layout {
    /// Innermost link header; equals `ip` where there is none, as in raw IP.
    pub link: u32,
    /// Link-layer addresses (both of Ethernet, the sender's of Linux cooked) ...
    pub link_addresses: u32,
    /// ... and how many bytes they have; 0 if there are none.
    pub link_addresses_length: u32,
    /// First VLAN tag ...
    pub vlan: u32,
    /// ... and how many there are, four bytes each.
    pub vlan_tags: u32,
    /// IP header.
    pub ip: u32,
    /// IP version, 4 or 6.
    pub ip_version: u8,
    /// Transport header.
    pub transport: u32,
    /// Transport payload; at most the number of captured bytes.
    pub payload: u32,
}

impl Layout {
    /// Where nothing is.
    pub(crate) const NONE: Self = Self {
        link: 0,
        link_addresses: 0,
        link_addresses_length: 0,
        vlan: 0,
        vlan_tags: 0,
        ip: 0,
        ip_version: 0,
        transport: 0,
        payload: 0,
    };
}

/// Decodes the frames of one capture, in their order; holds the fragments that wait.
pub struct Decoder {
    tunnels: Tunnels,
    fragments: Fragments,
    datagram: Vec<u8>,
}

impl Decoder {
    /// A decoder that holds no fragments yet.
    pub fn new(tunnels: Tunnels) -> Self {
        Self {
            tunnels,
            fragments: Fragments::new(),
            datagram: Vec::new(),
        }
    }

    /// The packet in a frame that is neither a fragment nor a tunnel, if it is one: what looking
    /// at the frame alone can tell. Nothing is counted.
    pub(crate) fn decode_alone<'a>(&self, frame: &Frame<'a>) -> Option<Packet<'a>> {
        let mut tunnels = BTreeMap::new();
        let mut walk = Walk::new(frame, self.tunnels, &mut tunnels);
        let found = walk.first_header(frame.link_type);
        match found {
            Ok(Found::Packet(headers)) if tunnels.is_empty() => {
                Some(headers.packet(frame, frame.bytes))
            }
            _ => None,
        }
    }

    /// The packet in a frame, if there is one; `tally` counts the frame in any case.
    ///
    /// A datagram that came in fragments is a packet at its last fragment's time. It has the
    /// headers of the fragment at offset 0, as captured, then the whole payload.
    pub fn decode<'a>(&'a mut self, frame: &Frame<'a>, tally: &mut Tally) -> Option<Packet<'a>> {
        count_frame(frame, tally);
        let mut walk = Walk::new(frame, self.tunnels, &mut tally.tunnels);
        match walk.first_header(frame.link_type) {
            Ok(Found::Packet(headers)) => {
                tally.packets += 1;
                Some(headers.packet(frame, frame.bytes))
            }
            Ok(Found::Fragment(fragment)) => {
                let piece = &frame.bytes[fragment.range()];
                let joined =
                    self.fragments
                        .join(frame.timestamp, frame.bytes, &fragment, piece, tally);
                let headers = self.reassembled(frame, joined, tally)?;
                tally.packets += 1;
                Some(headers.packet(frame, &self.datagram))
            }
            Err(reason) => {
                tally.skip(reason, 1);
                None
            }
        }
    }

    /// Decodes a whole datagram, which may itself be a fragment inside a tunnel.
    fn reassembled(
        &mut self,
        frame: &Frame<'_>,
        mut joined: Joined,
        tally: &mut Tally,
    ) -> Option<Headers> {
        loop {
            let Joined::Whole(whole) = joined else {
                return None;
            };
            self.datagram = whole.bytes;
            let mut walk = Walk::resume(
                &self.datagram,
                whole.stage,
                self.tunnels,
                &mut tally.tunnels,
            );
            match walk.after_ip_header(whole.next_header, whole.offset) {
                Ok(Found::Packet(headers)) => return Some(headers),
                Ok(Found::Fragment(fragment)) => {
                    let piece = &self.datagram[fragment.range()];
                    joined = self.fragments.join(
                        frame.timestamp,
                        &self.datagram,
                        &fragment,
                        piece,
                        tally,
                    );
                }
                Err(reason) => {
                    tally.skip(reason, 1);
                    return None;
                }
            }
        }
    }

    /// Gives up the fragments that still wait, and counts them.
    pub fn finish(&mut self, tally: &mut Tally) {
        self.fragments.give_up(Skip::FragmentIncomplete, tally);
    }
}

fn count_frame(frame: &Frame<'_>, tally: &mut Tally) {
    let mut count = FrameCount::of(frame.link_type);
    count.add(frame);
    count.settle(tally);
}

/// Frames of one link type, counted until there is time to write them into a tally.
pub(crate) struct FrameCount {
    link_type: LinkType,
    frames: u64,
    bytes: u64,
    truncated: u64,
}

impl FrameCount {
    pub(crate) fn of(link_type: LinkType) -> Self {
        Self {
            link_type,
            frames: 0,
            bytes: 0,
            truncated: 0,
        }
    }

    /// Counts a frame of which [`Decoder::decode_alone`] has given the packet.
    #[inline]
    pub(crate) fn add_packet(&mut self, frame: &Frame<'_>, tally: &mut Tally) {
        if frame.link_type != self.link_type {
            self.settle_packets(tally);
            self.link_type = frame.link_type;
        }
        self.add(frame);
    }

    #[inline]
    fn add(&mut self, frame: &Frame<'_>) {
        self.frames += 1;
        self.bytes += frame.bytes.len() as u64;
        self.truncated += u64::from(frame.is_truncated());
    }

    /// Writes them down as frames that are packets.
    pub(crate) fn settle_packets(&mut self, tally: &mut Tally) {
        tally.packets += self.frames;
        self.settle(tally);
    }

    fn settle(&mut self, tally: &mut Tally) {
        if self.frames > 0 {
            tally.frames += self.frames;
            tally.frame_bytes += self.bytes;
            *tally.link_types.entry(self.link_type).or_default() += self.frames;
            tally.truncated_frames += self.truncated;
            *self = Self::of(self.link_type);
        }
    }
}
