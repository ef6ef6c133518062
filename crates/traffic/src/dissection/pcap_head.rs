//! Heads of pcap files, as published rows are: their headers are parts too, and tell a lot.

use super::{
    Dissection, LONGEST_HEADERS, Part, decode, direction, name_packet, name_payload,
    payload::PayloadReader,
    repair::{self, Known},
};
use crate::{link::LinkType, packet::FiveTuple, policy::Fields};

/// Bytes of a pcap file's header; the last four are the link type.
const FILE_HEADER: usize = 24;
const LINK_TYPE: usize = 20;
/// Bytes of a record's header: the time, then the lengths.
const RECORD_HEADER: usize = 16;
const RECORD_TIME: usize = 8;

/// The head of a pcap file, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PcapHead {
    /// What each byte is.
    pub dissection: Dissection,
    /// The link type that its header says.
    pub link_type: LinkType,
    /// Its first packet; none if it shows none.
    pub first: Option<FirstPacket>,
}

/// What the first packet of a head says of its session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstPacket {
    /// From the client to the server.
    pub five_tuple: FiveTuple,
    /// Whether it goes to many.
    pub is_to_group: bool,
}

/// Takes apart a row that is the head of a pcap file; none if it is no such head.
///
/// ```text
/// [ header 24 | record 16 | frame | record 16 | frame | 0 0 0 … ]
/// ```
pub fn dissect_pcap_head(row: &[u8]) -> Option<PcapHead> {
    let read: fn([u8; 4]) -> u32 = match row.get(..4)? {
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => u32::from_be_bytes,
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => u32::from_le_bytes,
        _ => return None,
    };
    let number = |at: usize| row.get(at..)?.first_chunk().map(|&bytes| read(bytes));
    // The upper bits hold the length of a frame check sequence.
    let link_type = LinkType(number(LINK_TYPE)? & 0xffff);
    let mut dissection = Dissection::blank(row.len());
    dissection.parts[..FILE_HEADER].fill(Part::PcapHeader);
    dissection.parts[LINK_TYPE..FILE_HEADER].fill(Part::PcapLinkType);
    let mut session = HeadReader {
        link_type,
        first: None,
        payloads: PayloadReader::default(),
    };
    let mut at = FILE_HEADER;
    for packet in 0..u16::MAX - 1 {
        let header = &row[at.min(row.len())..(at + RECORD_HEADER).min(row.len())];
        // A record header of zeros is padding: no packet was captured at time 0 with length 0.
        if header.iter().all(|&byte| byte == 0) {
            break;
        }
        dissection.parts[at..at + header.len()].fill(Part::Undissected);
        dissection.name(Part::RecordTime, packet, at..at + RECORD_TIME);
        dissection.name(Part::RecordLength, packet, at..at + RECORD_HEADER);
        let (Some(captured), Some(wire)) = (number(at + 8), number(at + 12)) else {
            break;
        };
        let start = at + RECORD_HEADER;
        let end = start.saturating_add(captured as usize);
        let visible = start.min(row.len())..end.min(row.len());
        dissection.parts[visible.clone()].fill(Part::Undissected);
        session.read(&mut dissection, packet, row, visible, wire as usize);
        if end >= row.len() {
            break;
        }
        at = end;
    }
    Some(PcapHead {
        dissection,
        link_type,
        first: session.first,
    })
}

/// Reads the frames of one head, in their order.
struct HeadReader {
    link_type: LinkType,
    first: Option<FirstPacket>,
    payloads: PayloadReader,
}

impl HeadReader {
    /// Names a frame's bytes; one that is no packet stays undissected.
    fn read(
        &mut self,
        dissection: &mut Dissection,
        number: u16,
        row: &[u8],
        visible: std::ops::Range<usize>,
        wire: usize,
    ) {
        let frame = &row[visible.clone()];
        let wire = wire.max(frame.len());
        let first = self.first;
        let (payloads, link_type) = (&mut self.payloads, self.link_type);
        let mut show = |packet: &crate::packet::Packet<'_>| {
            let first = first.unwrap_or(FirstPacket {
                five_tuple: packet.five_tuple,
                is_to_group: packet.is_to_group,
            });
            name_packet(dissection, number, visible.start, packet);
            let payload = visible.start + packet.layout.payload as usize;
            let end = (visible.start + packet.bytes.len()).min(visible.end);
            let payload = payload.min(end)..end;
            let found = payloads.read(
                &row[payload.clone()],
                &first.five_tuple,
                direction(&first.five_tuple, &packet.five_tuple),
            );
            name_payload(dissection, number, payload, found);
            first
        };
        let mut found = decode(frame, wire, link_type, &mut show);
        if let (None, Some(first)) = (found, first) {
            // Cut inside of its headers: the first packet says what they would be.
            let mut bytes = frame.to_vec();
            bytes.resize(frame.len().max(LONGEST_HEADERS.min(wire.max(64))), 0);
            let known = Known {
                length: None,
                payload_length: None,
                protocol: first.five_tuple.protocol,
                zeroed: Fields::none(),
            };
            if repair::repair(&mut bytes, frame.len(), link_type, &known).is_some() {
                let wire = wire.max(bytes.len());
                found = decode(&bytes, wire, link_type, &mut show);
            }
        }
        self.first = self.first.or(found);
    }
}
