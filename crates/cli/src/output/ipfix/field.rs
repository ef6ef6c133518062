//! Fields of flow records: which element each is, and what it has of a finding.
//!
//! Sources: <https://www.iana.org/assignments/ipfix>; RFC 5103 for the number under which IANA's
//! elements mean the way back.

use std::net::IpAddr;

use traffic::{packet::Protocol, session::SessionEnd, timestamp::Timestamp};

use super::super::{
    finding::Finding,
    identity::{Identity, community_id, octets, protocol_number},
};

/// The enterprise number under which IANA's elements are of the way back.
const REVERSE: u32 = 29_305;

/// The bit that says that an enterprise number follows.
const HAS_ENTERPRISE: u16 = 0x8000;

/// The length of what has its length before it.
const VARIABLE: u16 = 65_535;

/// The longest text, in bytes: its length fits into one.
const LONGEST_TEXT: usize = 254;

/// Which addresses a record has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    Four,
    Six,
}

impl Version {
    pub(super) fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self::Four,
            IpAddr::V6(_) => Self::Six,
        }
    }

    /// The set of its records.
    pub(super) fn set(self) -> u16 {
        match self {
            Self::Four => 256,
            Self::Six => 257,
        }
    }
}

/// Who says what an element is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Registry {
    Iana,
    Reverse,
    Ours,
}

type Put = fn(&Finding<'_>, &mut Vec<u8>);

/// One field of a record.
pub(super) struct Field {
    registry: Registry,
    number: u16,
    /// In bytes.
    length: u16,
    /// Of elements of ours, to be told: the name, and what it is.
    name: [&'static str; 2],
    put: Put,
}

impl Field {
    const fn iana(number: u16, length: u16, put: Put) -> Self {
        Self {
            registry: Registry::Iana,
            number,
            length,
            name: ["", ""],
            put,
        }
    }

    const fn reverse(number: u16, length: u16, put: Put) -> Self {
        Self {
            registry: Registry::Reverse,
            ..Self::iana(number, length, put)
        }
    }

    const fn ours(number: u16, length: u16, name: [&'static str; 2], put: Put) -> Self {
        Self {
            registry: Registry::Ours,
            number,
            length,
            name,
            put,
        }
    }

    /// Adds what it has of a finding to a record.
    pub(super) fn put(&self, finding: &Finding<'_>, record: &mut Vec<u8>) {
        (self.put)(finding, record);
    }

    /// Adds what it is to a template.
    pub(super) fn specify(&self, enterprise: u32, template: &mut Vec<u8>) {
        let enterprise = match self.registry {
            Registry::Iana => None,
            Registry::Reverse => Some(REVERSE),
            Registry::Ours => Some(enterprise),
        };
        let bit = if enterprise.is_some() {
            HAS_ENTERPRISE
        } else {
            0
        };
        template.extend((bit | self.number).to_be_bytes());
        template.extend(self.length.to_be_bytes());
        template.extend(enterprise.into_iter().flat_map(u32::to_be_bytes));
    }

    /// A record that tells what it is, after the template of [`description`].
    pub(super) fn described(&self, enterprise: u32) -> Vec<u8> {
        const FLOAT64: u8 = 10;
        const STRING: u8 = 13;
        const DEFAULT: u8 = 0;
        const QUANTITY: u8 = 1;
        let (kind, meaning) = if self.length == VARIABLE {
            (STRING, DEFAULT)
        } else {
            (FLOAT64, QUANTITY)
        };
        let mut record = enterprise.to_be_bytes().to_vec();
        record.extend(self.number.to_be_bytes());
        record.extend([kind, meaning]);
        // No unit, and no range.
        record.extend([0; 18]);
        for one in self.name {
            text(Some(one), &mut record);
        }
        record
    }
}

/// The template of records that tell what an element is (RFC 5610, section 3.9).
pub(super) fn description() -> Vec<u8> {
    // privateEnterpriseNumber and informationElementId, the scope; then what begins with
    // informationElement: DataType, Semantics, Units, RangeBegin, RangeEnd, Name, Description.
    // Readers know the template by having all of them.
    let elements = [
        (346, 4),
        (303, 2),
        (339, 1),
        (344, 1),
        (345, 2),
        (342, 8),
        (343, 8),
        (341, VARIABLE),
        (340, VARIABLE),
    ];
    let mut template = Vec::new();
    for half in [super::DESCRIPTIONS, elements.len() as u16, 2] {
        template.extend(half.to_be_bytes());
    }
    for (number, length) in elements {
        template.extend(u16::to_be_bytes(number));
        template.extend(length.to_be_bytes());
    }
    template
}

/// The fields of a record, in their order.
pub(super) fn fields(version: Version) -> impl Iterator<Item = &'static Field> {
    let addresses = match version {
        Version::Four => &ADDRESSES_OF_FOUR,
        Version::Six => &ADDRESSES_OF_SIX,
    };
    addresses.iter().chain(&FLOW).chain(&OURS)
}

static ADDRESSES_OF_FOUR: [Field; 2] = [
    // sourceIPv4Address, destinationIPv4Address
    Field::iana(8, 4, source_address),
    Field::iana(12, 4, destination_address),
];

static ADDRESSES_OF_SIX: [Field; 2] = [
    // sourceIPv6Address, destinationIPv6Address
    Field::iana(27, 16, source_address),
    Field::iana(28, 16, destination_address),
];

static FLOW: [Field; 15] = [
    // sourceTransportPort, destinationTransportPort
    Field::iana(7, 2, |finding, out| {
        out.extend(finding.client().port().to_be_bytes());
    }),
    Field::iana(11, 2, |finding, out| {
        out.extend(finding.server().port().to_be_bytes());
    }),
    // protocolIdentifier
    Field::iana(4, 1, |finding, out| {
        out.push(protocol_number(finding.session.five_tuple.protocol));
    }),
    // flowStartMilliseconds, flowEndMilliseconds
    Field::iana(152, 8, |finding, out| {
        out.extend(milliseconds(finding.session.start));
    }),
    Field::iana(153, 8, |finding, out| {
        out.extend(milliseconds(finding.session.end));
    }),
    // packetDeltaCount, octetDeltaCount, there and back
    Field::iana(2, 8, |finding, out| {
        out.extend(finding.session.forward.packets.to_be_bytes());
    }),
    Field::iana(1, 8, |finding, out| {
        out.extend(finding.session.forward.bytes.to_be_bytes());
    }),
    Field::reverse(2, 8, |finding, out| {
        out.extend(finding.backward().0.to_be_bytes());
    }),
    Field::reverse(1, 8, |finding, out| {
        out.extend(finding.backward().1.to_be_bytes());
    }),
    // tcpControlBits, there and back
    Field::iana(6, 2, |finding, out| out.extend([0, flags(finding)[0]])),
    Field::reverse(6, 2, |finding, out| out.extend([0, flags(finding)[1]])),
    // biflowDirection: the source is who began
    Field::iana(239, 1, |_, out| out.push(1)),
    // flowEndReason
    Field::iana(136, 1, |finding, out| {
        out.push(end_reason(finding.session.end_reason));
    }),
    // vlanId
    Field::iana(58, 2, |finding, out| {
        out.extend(finding.session.context.vlans[0].to_be_bytes());
    }),
    // flowId
    Field::iana(148, 8, |finding, out| {
        out.extend(Identity::of(finding.session).number().to_be_bytes());
    }),
];

/// What IANA has no elements for: numbers and names must stay, since collectors know them.
pub(super) static OURS: [Field; 7] = [
    Field::ours(1, VARIABLE, VERDICT, |finding, out| {
        text(Some(finding.kind()), out);
    }),
    Field::ours(2, VARIABLE, CLASS, |finding, out| {
        text(finding.class(), out);
    }),
    Field::ours(3, VARIABLE, NEAREST, |finding, out| {
        text(finding.nearest(), out);
    }),
    Field::ours(4, 8, CONFIDENCE, |finding, out| {
        out.extend(finding.confidence().unwrap_or(0.0).to_be_bytes());
    }),
    Field::ours(5, VARIABLE, BACKGROUND, |finding, out| {
        text(finding.background(), out);
    }),
    Field::ours(6, VARIABLE, MODEL, |finding, out| {
        text(Some(&finding.origin.model), out);
    }),
    Field::ours(7, VARIABLE, COMMUNITY_ID, |finding, out| {
        text(Some(&community_id(&finding.session.five_tuple)), out);
    }),
];

const VERDICT: [&str; 2] = ["undertoneVerdict", "class, unknown, empty or background"];
const CLASS: [&str; 2] = ["undertoneClass", "the class, if it is of one"];
const NEAREST: [&str; 2] = ["undertoneNearestClass", "the nearest, if it is unknown"];
const CONFIDENCE: [&str; 2] = ["undertoneConfidence", "0 to 1; 0 where nobody was asked"];
const BACKGROUND: [&str; 2] = ["undertoneBackground", "the kind, if it is background"];
const MODEL: [&str; 2] = ["undertoneModel", "the first digits of its SHA-256"];
const COMMUNITY_ID: [&str; 2] = ["undertoneCommunityId", "version 1, seed 0"];

fn source_address(finding: &Finding<'_>, out: &mut Vec<u8>) {
    out.extend(octets(finding.client().ip()));
}

fn destination_address(finding: &Finding<'_>, out: &mut Vec<u8>) {
    out.extend(octets(finding.server().ip()));
}

fn milliseconds(time: Timestamp) -> [u8; 8] {
    time.nanoseconds().div_euclid(1_000_000).to_be_bytes()
}

fn flags(finding: &Finding<'_>) -> [u8; 2] {
    if finding.session.five_tuple.protocol == Protocol::Tcp {
        finding.session.tcp_flags
    } else {
        [0, 0]
    }
}

/// Of flowEndReason: 1 idle, 2 active, 3 its end was seen, 4 forced, 5 for want of room.
fn end_reason(reason: SessionEnd) -> u8 {
    match reason {
        SessionEnd::Idle => 1,
        SessionEnd::Active => 2,
        SessionEnd::Closed | SessionEnd::Packet => 3,
        SessionEnd::Capture | SessionEnd::Open | SessionEnd::Window => 4,
        SessionEnd::Evicted => 5,
    }
}

/// A text behind its length, cut if it is too long; an empty one if there is none.
fn text(text: Option<&str>, out: &mut Vec<u8>) {
    let text = text.unwrap_or_default();
    let text = &text[..text.floor_char_boundary(LONGEST_TEXT)];
    out.push(text.len() as u8);
    out.extend(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let mut out = Vec::new();
        text(Some(&"ä".repeat(200)), &mut out);
        assert_eq!((out.len(), out[0]), (255, 254));
        text(Some(&format!("a{}", "ä".repeat(200))), &mut out);
        assert_eq!(out[255], 253);
        text(None, &mut out);
        assert_eq!(out.last(), Some(&0));
    }
}
