//! Payloads, as far as they can be read: TLS, SSH, DNS, QUIC.

use std::ops::Range;

use super::Part;
use crate::packet::{Direction, FiveTuple, Protocol};

/// Ports of DNS, NetBIOS names, mDNS and LLMNR, which share one form.
const DNS_PORTS: [u16; 4] = [53, 137, 5353, 5355];

/// Bytes of a TLS record's header, and of a handshake message's.
const RECORD: usize = 5;
const MESSAGE: usize = 4;
const HANDSHAKE: u8 = 22;
const CLIENT_HELLO: u8 = 1;
const SERVER_HELLO: u8 = 2;
const SERVER_NAME: u16 = 0;
const ALPN: u16 = 16;

/// Reads the payloads of one session, in their order.
#[derive(Debug, Default)]
pub(super) struct PayloadReader {
    /// Bytes that the last TLS record of each direction still lacks.
    rest: [usize; 2],
    /// Whether a QUIC packet with a long header was seen.
    is_quic: bool,
}

/// What is to be said of a payload's bytes: a part and its range, in order.
type Found = Vec<(Part, Range<usize>)>;

impl PayloadReader {
    /// The parts of the next payload; bytes that none names are [`Part::Payload`].
    pub(super) fn read(
        &mut self,
        payload: &[u8],
        five_tuple: &FiveTuple,
        direction: Direction,
    ) -> Found {
        let ports = [five_tuple.source.port(), five_tuple.destination.port()];
        if ports.iter().any(|port| DNS_PORTS.contains(port)) {
            return vec![(Part::Dns, 0..payload.len())];
        }
        match five_tuple.protocol {
            Protocol::Udp => self.quic(payload),
            Protocol::Tcp if payload.starts_with(b"SSH-") => {
                let line = payload.iter().position(|&byte| byte == b'\n');
                vec![(Part::SshBanner, 0..line.map_or(payload.len(), |at| at + 1))]
            }
            Protocol::Tcp => self.tls(payload, direction),
            Protocol::Sctp => Vec::new(),
        }
    }

    /// One record after another; what goes on from the last packet first.
    fn tls(&mut self, payload: &[u8], direction: Direction) -> Found {
        let mut found = Found::new();
        let rest = &mut self.rest[direction as usize];
        let mut at = (*rest).min(payload.len());
        if at > 0 {
            found.push((Part::TlsData, 0..at));
            *rest -= at;
        }
        while let Some(header) = payload[at..].first_chunk::<RECORD>() {
            let &[kind, 3, minor @ 0..=4, high, low] = header else {
                break;
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            // RFC 8446, section 5.2: 2^14 bytes of content and at most 256 more.
            if !(20..=24).contains(&kind) || length > (1 << 14) + 256 {
                break;
            }
            let _ = minor;
            found.push((Part::TlsRecord, at..at + RECORD));
            at += RECORD;
            let end = (at + length).min(payload.len());
            *rest = at + length - end;
            if kind == HANDSHAKE {
                hello(payload, at..end, &mut found);
            }
            // What the hello did not name; earlier entries win.
            found.push((Part::TlsData, at..end));
            at = end;
        }
        found
    }

    /// RFC 9000, section 17: long headers are in plaintext but for the packet number.
    fn quic(&mut self, payload: &[u8]) -> Found {
        let Some(&first) = payload.first() else {
            return Found::new();
        };
        if first & 0xc0 == 0xc0 {
            let end = long_header(payload);
            self.is_quic |= end.is_some();
            return end
                .map(|end| vec![(Part::QuicHeader, 0..end)])
                .unwrap_or_default();
        }
        if self.is_quic && first & 0xc0 == 0x40 {
            return vec![(Part::QuicHeader, 0..1)];
        }
        Found::new()
    }
}

/// Where a QUIC long header ends, if this is one of a version in use.
fn long_header(payload: &[u8]) -> Option<usize> {
    let version = u32::from_be_bytes(*payload.get(1..)?.first_chunk()?);
    let is_known = matches!(version, 1 | 0x6b33_43cf)
        || version >> 8 == 0x00ff_0000
        || (version >> 24 == u32::from(b'Q') && version & 0xff00_0000 != 0);
    if !is_known {
        return None;
    }
    let mut cursor = Cursor {
        bytes: payload,
        at: 5,
        end: payload.len(),
    };
    cursor.vector(1)?;
    cursor.vector(1)?;
    // Type 0 is Initial, which has a token before its length.
    if payload[0] & 0x30 == 0 {
        let token = cursor.variable()?;
        cursor.skip(token)?;
    }
    cursor.variable()?;
    Some(cursor.at)
}

/// The parts of a hello message; nothing if the message is another.
fn hello(payload: &[u8], body: Range<usize>, found: &mut Found) {
    let Some(&kind) = payload[body.clone()].first() else {
        return;
    };
    let is_client = match kind {
        CLIENT_HELLO => true,
        SERVER_HELLO => false,
        _ => return,
    };
    found.push((
        Part::TlsRecord,
        body.start..(body.start + MESSAGE).min(body.end),
    ));
    let mut cursor = Cursor {
        bytes: payload,
        at: body.start + MESSAGE,
        end: body.end,
    };
    // A hello that the slice cuts off is named as far as it goes.
    let _ = hello_fields(&mut cursor, is_client, found);
}

fn hello_fields(cursor: &mut Cursor<'_>, is_client: bool, found: &mut Found) -> Option<()> {
    let names = if is_client {
        [
            Part::ClientVersion,
            Part::ClientRandom,
            Part::ClientSessionId,
            Part::CipherSuites,
            Part::ClientExtensions,
        ]
    } else {
        [
            Part::ServerVersion,
            Part::ServerRandom,
            Part::ServerSessionId,
            Part::ServerCipherSuite,
            Part::ServerExtensions,
        ]
    };
    let [version, random, session_id, cipher_suites, extensions] = names;
    cursor.named(version, 2, found)?;
    cursor.named(random, 32, found)?;
    cursor.named_vector(session_id, 1, found)?;
    if is_client {
        cursor.named_vector(cipher_suites, 2, found)?;
        // Compression methods: one, none, since TLS 1.3.
        cursor.named_vector(extensions, 1, found)?;
    } else {
        cursor.named(cipher_suites, 2, found)?;
        cursor.named(extensions, 1, found)?;
    }
    cursor.named(extensions, 2, found)?;
    while cursor.at < cursor.end {
        let from = cursor.at;
        let kind = cursor.number(2);
        let end = cursor.vector(2);
        let part = match kind {
            Some(kind) if kind == usize::from(SERVER_NAME) && is_client => Part::ServerName,
            Some(kind) if kind == usize::from(ALPN) => Part::Alpn,
            _ => extensions,
        };
        found.push((part, from..cursor.at.max(from)));
        end?;
    }
    Some(())
}

/// A place in bytes that end at `end`; what reaches beyond stops there and is `None`.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl Cursor<'_> {
    fn skip(&mut self, length: usize) -> Option<()> {
        let to = self.at.saturating_add(length);
        self.at = to.min(self.end);
        (to <= self.end).then_some(())
    }

    /// A number of some bytes.
    fn number(&mut self, width: usize) -> Option<usize> {
        let from = self.at;
        self.skip(width)?;
        let bytes = self.bytes.get(from..self.at)?;
        Some(
            bytes
                .iter()
                .fold(0, |sum, &byte| sum << 8 | usize::from(byte)),
        )
    }

    /// Bytes behind their own length.
    fn vector(&mut self, width: usize) -> Option<()> {
        let length = self.number(width)?;
        self.skip(length)
    }

    /// A QUIC number, whose first two bits say how long it is.
    fn variable(&mut self) -> Option<usize> {
        let first = *self.bytes.get(self.at).filter(|_| self.at < self.end)?;
        let width = 1 << (first >> 6);
        Some(self.number(width)? & !(3 << (width * 8 - 2)))
    }

    fn named(&mut self, part: Part, length: usize, found: &mut Found) -> Option<()> {
        let from = self.at.min(self.end);
        let outcome = self.skip(length);
        found.push((part, from..self.at.max(from)));
        outcome
    }

    fn named_vector(&mut self, part: Part, width: usize, found: &mut Found) -> Option<()> {
        let from = self.at.min(self.end);
        let outcome = self.vector(width);
        found.push((part, from..self.at.max(from)));
        outcome
    }
}
