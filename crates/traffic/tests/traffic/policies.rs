//! Policies: what a slice holds, byte by byte; invariant 4.

use std::net::SocketAddr;

use proptest::prelude::*;
use undertone_traffic::{
    decode::{Decoder, Tunnels},
    link::LinkType,
    packet::Protocol,
    policy::{BytePolicy, Field, visit_fields},
    slice::{SLICE_LENGTH, Slice},
    synth::{self, IpFields, TcpFields},
    tally::Tally,
};

use crate::support::{client, client_v6, server, server_v6, udp_packet};

/// A TCP packet with time stamps and a selective acknowledgement, every field telling.
fn telling_tcp(source: SocketAddr, destination: SocketAddr) -> Vec<u8> {
    let mut options = vec![1, 1, 8, 10, 0xa1, 0xa2, 0xa3, 0xa4, 0xb1, 0xb2, 0xb3, 0xb4];
    options.extend([1, 1, 5, 10, 0xc1, 0xc2, 0xc3, 0xc4, 0xd1, 0xd2, 0xd3, 0xd4]);
    let fields = TcpFields {
        sequence: 0x1112_1314,
        acknowledgement: 0x2122_2324,
        flags: 0x18,
        window: 0x3132,
        options,
    };
    let segment = synth::tcp(source, destination, &fields, b"payload");
    let ip_fields = IpFields {
        identification: 0x4142,
        ttl: 0x51,
        tos: 0x61,
        flow_label: 0x7_1727,
    };
    synth::ip_of(source.ip(), destination.ip(), 6, ip_fields, &segment)
}

fn slice(frame: &[u8], policy: &str) -> Vec<u8> {
    slice_on(LinkType::ETHERNET, frame, policy)
}

fn slice_on(link_type: LinkType, frame: &[u8], policy: &str) -> Vec<u8> {
    let record = synth::record(0, frame.to_vec());
    let mut decoder = Decoder::new(Tunnels::Outer);
    let mut tally = Tally::default();
    let policy: BytePolicy = policy.parse().unwrap();
    let frame = record.frame(link_type);
    let packet = decoder.decode(&frame, &mut tally).unwrap();
    let length = SLICE_LENGTH.try_into().unwrap();
    let slice = Slice::of_packet(&packet, &policy, length);
    slice.bytes()[..slice.filled()].to_vec()
}

fn hexadecimal(bytes: &[u8]) -> String {
    let lines: Vec<_> = bytes
        .chunks(16)
        .map(|line| {
            let numbers: Vec<_> = line.iter().map(|byte| format!("{byte:02x}")).collect();
            numbers.join(" ")
        })
        .collect();
    lines.join("\n")
}

fn telling_frame() -> Vec<u8> {
    synth::vlan(&synth::ethernet(&telling_tcp(client(), server())), 5)
}

#[test]
fn paper_zeroes_mac_and_ip_addresses_and_nothing_else() {
    insta::assert_snapshot!(hexadecimal(&slice(&telling_frame(), "paper")), @r"
    00 00 00 00 00 00 00 00 00 00 00 00 81 00 00 05
    08 00 45 61 00 47 41 42 00 00 51 06 14 0c 00 00
    00 00 00 00 00 00 9c 40 01 bb 11 12 13 14 21 22
    23 24 b0 18 31 32 61 ed 00 00 01 01 08 0a a1 a2
    a3 a4 b1 b2 b3 b4 01 01 05 0a c1 c2 c3 c4 d1 d2
    d3 d4 70 61 79 6c 6f 61 64
    ");
}

#[test]
fn centime_zeroes_ports_too() {
    insta::assert_snapshot!(hexadecimal(&slice(&telling_frame(), "centime")), @r"
    00 00 00 00 00 00 00 00 00 00 00 00 81 00 00 05
    08 00 45 61 00 47 41 42 00 00 51 06 14 0c 00 00
    00 00 00 00 00 00 00 00 00 00 11 12 13 14 21 22
    23 24 b0 18 31 32 61 ed 00 00 01 01 08 0a a1 a2
    a3 a4 b1 b2 b3 b4 01 01 05 0a c1 c2 c3 c4 d1 d2
    d3 d4 70 61 79 6c 6f 61 64
    ");
}

#[test]
fn ip_begins_with_the_ip_header_and_zeroes_addresses_and_checksums() {
    insta::assert_snapshot!(hexadecimal(&slice(&telling_frame(), "ip")), @r"
    45 61 00 47 41 42 00 00 51 06 00 00 00 00 00 00
    00 00 00 00 9c 40 01 bb 11 12 13 14 21 22 23 24
    b0 18 31 32 00 00 00 00 01 01 08 0a a1 a2 a3 a4
    b1 b2 b3 b4 01 01 05 0a c1 c2 c3 c4 d1 d2 d3 d4
    70 61 79 6c 6f 61 64
    ");
}

#[test]
fn strict_zeroes_what_tells_hosts_and_moments_apart() {
    insta::assert_snapshot!(hexadecimal(&slice(&telling_frame(), "strict")), @r"
    45 61 00 47 00 00 00 00 00 06 00 00 00 00 00 00
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
    b0 18 00 00 00 00 00 00 01 01 08 0a 00 00 00 00
    00 00 00 00 01 01 05 0a 00 00 00 00 00 00 00 00
    70 61 79 6c 6f 61 64
    ");
}

#[test]
fn strict_under_ip_version_6() {
    let frame = synth::ethernet(&telling_tcp(client_v6(), server_v6()));
    insta::assert_snapshot!(hexadecimal(&slice(&frame, "strict")), @r"
    66 10 00 00 00 33 06 00 00 00 00 00 00 00 00 00
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
    00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00
    00 00 00 00 b0 18 00 00 00 00 00 00 01 01 08 0a
    00 00 00 00 00 00 00 00 01 01 05 0a 00 00 00 00
    00 00 00 00 70 61 79 6c 6f 61 64
    ");
}

#[test]
fn payload_is_the_payload() {
    assert_eq!(slice(&telling_frame(), "payload"), b"payload");
}

#[test]
fn traffic_class_and_flow_label_share_a_byte_and_are_told_apart() {
    let frame = synth::ethernet(&telling_tcp(client_v6(), server_v6()));
    assert_eq!(slice(&frame, "ip")[..4], [0x66, 0x17, 0x17, 0x27]);
    assert_eq!(slice(&frame, "ip,zero=tos")[..4], [0x60, 0x07, 0x17, 0x27]);
    assert_eq!(slice(&frame, "ip,zero=flow-label")[..4], [0x66, 0x10, 0, 0]);
}

#[test]
fn every_byte_of_a_packet_belongs_to_a_field() {
    let names = Field::ALL.map(Field::name);
    let policy = format!("paper,zero={}", names.join("+"));
    for (source, destination) in [(client(), server()), (client_v6(), server_v6())] {
        for packet in [
            telling_tcp(source, destination),
            udp_packet(source, destination, b"a"),
        ] {
            let mut left = slice(&synth::vlan(&synth::ethernet(&packet), 5), &policy);
            // Version, and header length in version 4, decide how the rest is read.
            left[18] = 0;
            assert!(left.iter().all(|&byte| byte == 0), "{}", hexadecimal(&left));
        }
    }
}

#[test]
fn every_byte_of_a_link_header_belongs_to_a_field() {
    let packet = telling_tcp(client(), server());
    for (link_type, frame) in [
        (LinkType::LINUX_SLL, synth::cooked(&packet)),
        (LinkType::LINUX_SLL2, synth::cooked_v2(&packet)),
        (LinkType::PPP, synth::ppp(&packet)),
        (LinkType::NULL, synth::loopback(&packet, false)),
        (LinkType::ETHERNET, synth::mpls(&packet, &[5, 6])),
        (LinkType::ETHERNET, synth::pppoe(&packet, 7)),
    ] {
        let link_length = frame.len() - packet.len();
        let slice = slice_on(link_type, &frame, "paper,zero=link+vlan");
        let link = hexadecimal(&slice[..link_length]);
        assert!(slice[..link_length].iter().all(|&byte| byte == 0), "{link}");
        assert_eq!(
            slice[link_length..],
            slice_on(link_type, &frame, "ip,keep=checksums")
        );
    }
}

#[test]
fn a_cooked_header_keeps_all_but_its_address() {
    let packet = telling_tcp(client(), server());
    let slice = slice_on(LinkType::LINUX_SLL, &synth::cooked(&packet), "paper");
    assert_eq!(
        slice[..16],
        [0, 0, 0, 1, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0]
    );
}

#[test]
fn addresses_in_options_and_routing_headers_are_addresses() {
    let segment = synth::udp(client_v6(), server_v6(), b"payload");
    let mut routed = vec![17, 2, 0, 1, 0, 0, 0, 0];
    routed.extend([0xee; 16]);
    routed.extend(segment);
    let (source, destination) = (client_v6().ip(), server_v6().ip());
    let packet = synth::ip_of(source, destination, 43, IpFields::default(), &routed);
    let slice = slice(&synth::ethernet(&packet), "ip");
    assert_eq!(
        slice[40..64],
        [
            17, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0
        ]
    );
}

/// Frames of either IP version and transport protocol, tagged or not.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let payload = proptest::collection::vec(any::<u8>(), 0..60);
    (any::<bool>(), 0..3, any::<bool>(), payload).prop_map(|(is_v6, kind, is_tagged, payload)| {
        let (source, destination) = if is_v6 {
            (client_v6(), server_v6())
        } else {
            (client(), server())
        };
        let packet = match kind {
            0 => telling_tcp(source, destination),
            1 => udp_packet(source, destination, &payload),
            _ => {
                let segment = synth::sctp(source, destination, &payload);
                synth::ip(source.ip(), destination.ip(), Protocol::Sctp, &segment)
            }
        };
        let frame = synth::ethernet(&packet);
        if is_tagged {
            synth::vlan(&frame, 5)
        } else {
            frame
        }
    })
}

/// Fields that may hold anything without the packet being read another way.
const FREE: [Field; 16] = [
    Field::Mac,
    Field::Tos,
    Field::IpId,
    Field::FlowLabel,
    Field::Ttl,
    Field::IpChecksum,
    Field::Addresses,
    Field::Ports,
    Field::Sequence,
    Field::Acknowledgement,
    Field::Window,
    Field::TransportChecksum,
    Field::Urgent,
    Field::Timestamps,
    Field::Sack,
    Field::Payload,
];

/// The frame with noise in one field.
fn scrambled(frame: &[u8], field: Field, noise: u8) -> Vec<u8> {
    let record = synth::record(0, frame.to_vec());
    let mut decoder = Decoder::new(Tunnels::Outer);
    let mut tally = Tally::default();
    let source = record.frame(LinkType::ETHERNET);
    let packet = decoder.decode(&source, &mut tally).unwrap();
    let is_v6 = packet.layout.ip_version == 6;
    let ip = packet.layout.ip as usize;
    let mut changed = frame.to_vec();
    visit_fields(&packet, &mut |found, range| {
        if found == field {
            for place in range {
                // The version, and the nibble that the two IPv6 fields share, stay.
                let free = match (is_v6, field, place - ip.min(place)) {
                    (true, Field::Tos, 0) | (true, Field::FlowLabel, 1) => 0x0f,
                    (true, Field::Tos, 1) => 0xf0,
                    _ => 0xff,
                };
                changed[place] ^= noise & free;
            }
        }
    });
    changed
}

proptest! {
    #[test]
    fn changing_a_zeroed_field_does_not_change_the_slice(
        frame in any_frame(),
        field in proptest::sample::select(&FREE[..]),
        name in proptest::sample::select(BytePolicy::names().collect::<Vec<_>>()),
        noise in 1_u8..,
    ) {
        let changed = scrambled(&frame, field, noise);
        let policy = BytePolicy::named(name).unwrap();
        // By name, or with the field zeroed on top where the slice holds it.
        if policy.zeroed().contains(field) {
            prop_assert_eq!(slice(&frame, name), slice(&changed, name));
        } else if let Ok(stricter) = format!("{name},zero={}", field.name()).parse::<BytePolicy>() {
            let spelled = stricter.to_string();
            prop_assert_eq!(slice(&frame, &spelled), slice(&changed, &spelled));
        }
    }

    #[test]
    fn changing_a_kept_field_changes_the_slice(
        field in proptest::sample::select(&FREE[..]),
        noise in 1_u8..,
    ) {
        let frame = telling_frame();
        let policy = "paper,keep=mac,keep=addresses";
        let changed = scrambled(&frame, field, noise);
        // IPv4 has no flow label.
        if field != Field::FlowLabel {
            prop_assert_ne!(slice(&frame, policy), slice(&changed, policy));
        }
    }
}
