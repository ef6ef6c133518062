//! The walk: from header to header through the bytes of a frame.

use std::{
    collections::BTreeMap,
    net::{IpAddr, SocketAddr},
    ops::Range,
};

use super::{Layout, Tunnels};
use crate::{
    capture::Frame,
    packet::{Context, FiveTuple, MOST_LAYERS, Packet, Protocol, TunnelKind},
    tally::Skip,
};

/// What a walk has learnt; what a fragment's datagram goes on from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stage {
    pub(super) layout: Layout,
    pub(super) context: Context,
    pub(super) tunnels_entered: usize,
    pub(super) is_to_group: bool,
    pub(super) source: IpAddr,
    pub(super) destination: IpAddr,
}

/// A packet but for its bytes.
pub(super) struct Headers {
    stage: Stage,
    five_tuple: FiveTuple,
    tcp_flags: u8,
    wire_end: usize,
    payload_length: u32,
    captured_end: usize,
}

impl Headers {
    pub(super) fn packet<'a>(&self, frame: &Frame<'_>, bytes: &'a [u8]) -> Packet<'a> {
        Packet {
            timestamp: frame.timestamp,
            link_type: frame.link_type,
            five_tuple: self.five_tuple,
            context: self.stage.context,
            length: (self.wire_end - self.stage.layout.ip as usize) as u32,
            payload_length: self.payload_length,
            tcp_flags: self.tcp_flags,
            is_to_group: self.stage.is_to_group,
            bytes: &bytes[..self.captured_end],
            layout: self.stage.layout,
        }
    }
}

/// An IP fragment: where its piece of the datagram is.
pub(super) struct Fragment {
    pub(super) stage: Stage,
    /// Protocol of what the datagram carries, or its next extension header.
    pub(super) next_header: u8,
    pub(super) identification: u32,
    /// Offset in the datagram, in bytes.
    pub(super) piece_offset: u32,
    pub(super) more_follow: bool,
    /// Of the piece in the frame.
    pub(super) start: usize,
    pub(super) captured_end: usize,
    pub(super) wire_end: usize,
}

impl Fragment {
    pub(super) fn range(&self) -> Range<usize> {
        self.start..self.captured_end
    }
}

pub(super) enum Found {
    Packet(Headers),
    Fragment(Fragment),
}

pub(super) type Outcome = Result<Found, Skip>;

pub(super) struct Walk<'a, 't> {
    /// What was captured, up to the end of the IP packet once that is known.
    pub(super) bytes: &'a [u8],
    /// Where the bytes would end had all been captured.
    pub(super) wire_end: usize,
    pub(super) stage: Stage,
    pub(super) tunnels: Tunnels,
    seen: &'t mut BTreeMap<TunnelKind, u64>,
}

impl<'a, 't> Walk<'a, 't> {
    pub(super) fn new(
        frame: &Frame<'a>,
        tunnels: Tunnels,
        seen: &'t mut BTreeMap<TunnelKind, u64>,
    ) -> Self {
        const UNKNOWN: IpAddr = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
        Self {
            bytes: frame.bytes,
            wire_end: (frame.original_length as usize).max(frame.bytes.len()),
            stage: Stage {
                layout: Layout::default(),
                context: Context::default(),
                tunnels_entered: 0,
                is_to_group: false,
                source: UNKNOWN,
                destination: UNKNOWN,
            },
            tunnels,
            seen,
        }
    }

    /// Goes on after the IP header of a reassembled datagram.
    pub(super) fn resume(
        bytes: &'a [u8],
        stage: Stage,
        tunnels: Tunnels,
        seen: &'t mut BTreeMap<TunnelKind, u64>,
    ) -> Self {
        Self {
            bytes,
            wire_end: bytes.len(),
            stage,
            tunnels,
            seen,
        }
    }

    /// `N` bytes at `offset`; where they are missing, whether by the snap length or for real.
    pub(super) fn read<const N: usize>(
        &self,
        offset: usize,
        malformed: Skip,
    ) -> Result<&'a [u8; N], Skip> {
        match self.bytes.get(offset..).and_then(<[u8]>::first_chunk) {
            Some(bytes) => Ok(bytes),
            None if offset + N <= self.wire_end => Err(Skip::Truncated),
            None => Err(malformed),
        }
    }

    /// Two bytes at `offset` as a number.
    pub(super) fn read_u16(&self, offset: usize, malformed: Skip) -> Result<u16, Skip> {
        self.read::<2>(offset, malformed)
            .map(|bytes| u16::from_be_bytes(*bytes))
    }

    /// Shortens the view to an IP packet that ends at `end`.
    pub(super) fn limit(&mut self, end: usize) {
        self.wire_end = end;
        self.bytes = &self.bytes[..end.min(self.bytes.len())];
    }

    pub(super) fn count_tunnel(&mut self, kind: TunnelKind) {
        *self.seen.entry(kind).or_default() += 1;
    }

    /// Goes one tunnel deeper; `offset` is where its contents begin.
    pub(super) fn enter(&mut self, kind: TunnelKind, offset: usize) -> Result<(), Skip> {
        if self.stage.tunnels_entered == MOST_LAYERS {
            return Err(Skip::TooManyLayers);
        }
        self.stage.context.tunnels[self.stage.tunnels_entered] = Some(kind);
        self.stage.tunnels_entered += 1;
        self.stage.layout = Layout {
            link: offset as u32,
            ..Layout::default()
        };
        self.stage.is_to_group = false;
        Ok(())
    }

    /// A packet whose transport payload begins at `payload`.
    pub(super) fn packet(
        &mut self,
        protocol: Protocol,
        ports: [u16; 2],
        tcp_flags: u8,
        payload: usize,
        payload_length: usize,
    ) -> Found {
        self.stage.layout.payload = payload.min(self.bytes.len()) as u32;
        Found::Packet(Headers {
            five_tuple: FiveTuple {
                protocol,
                source: SocketAddr::new(self.stage.source, ports[0]),
                destination: SocketAddr::new(self.stage.destination, ports[1]),
            },
            tcp_flags,
            wire_end: self.wire_end,
            payload_length: payload_length as u32,
            captured_end: self.bytes.len(),
            stage: self.stage,
        })
    }
}
