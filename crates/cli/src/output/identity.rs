//! Names that other tools know sessions by: the community id, and numbers that do not come twice.

use std::net::IpAddr;

use base64::{Engine, engine::general_purpose::STANDARD};
use sha1::{Digest, Sha1};
use traffic::{
    packet::{FiveTuple, Protocol},
    session::Session,
};

/// Digits of Zeek's names.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Version 1 of the community id with seed 0: the same for both directions and in every tool.
///
/// Source: <https://github.com/corelight/community-id-spec>.
pub(super) fn community_id(tuple: &FiveTuple) -> String {
    let ends = [tuple.source, tuple.destination];
    let [first, second] = if ends[0] <= ends[1] {
        ends
    } else {
        [ends[1], ends[0]]
    };
    let mut hash = Sha1::new();
    hash.update(0_u16.to_be_bytes());
    hash.update(octets(first.ip()));
    hash.update(octets(second.ip()));
    hash.update([protocol_number(tuple.protocol), 0]);
    hash.update(first.port().to_be_bytes());
    hash.update(second.port().to_be_bytes());
    format!("1:{}", STANDARD.encode(hash.finalize()))
}

/// What tells a session from every other, also from later ones of the same five-tuple.
pub(super) struct Identity([u8; 16]);

impl Identity {
    /// That of a session; an open one has the same as once it has ended.
    pub(super) fn of(session: &Session) -> Self {
        let tuple = &session.five_tuple;
        let mut hash = Sha1::new();
        hash.update(session.start.nanoseconds().to_be_bytes());
        hash.update(tuple.to_string());
        for vlan in session.context.vlans {
            hash.update(vlan.to_be_bytes());
        }
        hash.update(session.context.network.to_be_bytes());
        let mut first = [0; 16];
        first.copy_from_slice(&hash.finalize()[..16]);
        Self(first)
    }

    /// As Suricata has it: a number that survives a JSON reader with nothing but doubles.
    pub(super) fn number(&self) -> u64 {
        const BITS: u32 = 51;
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(first) >> (u64::BITS - BITS)
    }

    /// As Zeek has it: C and 17 digits to the base of 62.
    pub(super) fn name(&self) -> String {
        let mut number = u128::from_be_bytes(self.0);
        let mut name = String::from("C");
        for _ in 0..17 {
            name.push(char::from(DIGITS[(number % 62) as usize]));
            number /= 62;
        }
        name
    }
}

/// The number of a protocol in an IP header.
pub(super) fn protocol_number(protocol: Protocol) -> u8 {
    match protocol {
        Protocol::Tcp => 6,
        Protocol::Udp => 17,
        Protocol::Sctp => 132,
    }
}

/// An address as packets have it.
pub(super) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(protocol: Protocol, source: &str, destination: &str, expected: &str) {
        let tuple = FiveTuple {
            protocol,
            source: source.parse().unwrap(),
            destination: destination.parse().unwrap(),
        };
        assert_eq!(community_id(&tuple), expected);
        assert_eq!(community_id(&tuple.reversed()), expected);
    }

    // The sessions with ports of the reference implementation's own tests, as OpenSearch,
    // Suricata's guide and others repeat them.
    #[test]
    fn community_ids_are_those_of_the_reference() {
        use Protocol::{Sctp, Tcp, Udp};
        check(
            Tcp,
            "128.232.110.120:34855",
            "66.35.250.204:80",
            "1:LQU9qZlK+B5F3KDmev6m5PMibrg=",
        );
        check(
            Udp,
            "192.168.1.52:54585",
            "8.8.8.8:53",
            "1:d/FP5EW3wiY1vCndhwleRRKHowQ=",
        );
        check(
            Sctp,
            "192.168.170.8:7",
            "192.168.170.56:7",
            "1:MP2EtRCAUIZvTw6MxJHLV7N7JDs=",
        );
        check(
            Tcp,
            "[2001:470:e5bf:dead:4957:2174:e82c:4887]:63943",
            "[2607:f8b0:400c:c03::1a]:25",
            "1:/qFaeAR+gFe1KYjMzVDsMv+wgU4=",
        );
    }

    #[test]
    fn numbers_fit_into_doubles_and_names_into_zeek() {
        let identity = Identity([0xff; 16]);
        assert_eq!(identity.number(), (1 << 51) - 1);
        let name = identity.name();
        assert!(name.starts_with('C') && name.len() == 18, "{name}");
    }
}
