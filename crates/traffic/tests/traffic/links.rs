//! Link types: one packet, wrapped in every way, is the same packet.

use undertone_traffic::{
    decode::{Decoder, Tunnels},
    link::LinkType,
    packet::{Context, FiveTuple, Protocol},
    synth::{self, IpFields},
    tally::{Skip, Tally},
};

use crate::support::{client, client_v6, server, server_v6, udp_packet};

/// What a frame decodes to: five-tuple, VLANs, bytes from the IP header on; or why not.
fn decode(link_type: LinkType, frame: Vec<u8>) -> Result<(FiveTuple, Context, Vec<u8>), Skip> {
    let record = synth::record(0, frame);
    let mut tally = Tally::default();
    let mut decoder = Decoder::new(Tunnels::Outer);
    match decoder.decode(&record.frame(link_type), &mut tally) {
        Some(packet) => Ok((
            packet.five_tuple,
            packet.context,
            packet.bytes[packet.layout.ip as usize..].to_vec(),
        )),
        None => Err(*tally.skips.first_key_value().unwrap().0),
    }
}

/// Wrapped so, IPv4 and IPv6 packets come out whole.
#[track_caller]
fn check(link_type: LinkType, wrap: impl Fn(&[u8]) -> Vec<u8>) {
    for (source, destination) in [(client(), server()), (client_v6(), server_v6())] {
        let packet = udp_packet(source, destination, b"payload");
        let expected = FiveTuple {
            protocol: Protocol::Udp,
            source,
            destination,
        };
        let (five_tuple, _, bytes) = decode(link_type, wrap(&packet)).unwrap();
        assert_eq!((five_tuple, bytes), (expected, packet));
    }
}

#[track_caller]
fn check_skip(link_type: LinkType, frame: Vec<u8>, expected: Skip) {
    assert_eq!(decode(link_type, frame).unwrap_err(), expected);
}

fn packet() -> Vec<u8> {
    udp_packet(client(), server(), b"payload")
}

#[test]
fn ethernet() {
    check(LinkType::ETHERNET, synth::ethernet);
}

#[test]
fn the_trailer_of_a_short_ethernet_frame_is_not_the_packets() {
    check(LinkType::ETHERNET, |packet| {
        let mut frame = synth::ethernet(packet);
        frame.extend([0xee; 20]);
        frame
    });
}

#[test]
fn vlan_and_qinq() {
    check(LinkType::ETHERNET, |packet| {
        synth::vlan(&synth::ethernet(packet), 5)
    });
    let frame = synth::vlan(&synth::vlan(&synth::ethernet(&packet()), 7), 5);
    let (_, context, bytes) = decode(LinkType::ETHERNET, frame).unwrap();
    assert_eq!((context.vlans, bytes), ([5, 7, 0, 0], packet()));
}

#[test]
fn mpls_in_pppoe_and_in_ethernet() {
    check(LinkType::ETHERNET, |packet| {
        synth::mpls(packet, &[100, 200, 300])
    });
    check(LinkType::ETHERNET, |packet| synth::pppoe(packet, 9));
    check(LinkType::PPP_ETHER, |packet| {
        synth::pppoe(packet, 9)[14..].to_vec()
    });
}

#[test]
fn raw_ip_under_each_of_its_numbers() {
    for number in [12, 14, 101, 228, 229] {
        check(LinkType(number), <[u8]>::to_vec);
    }
}

#[test]
fn loopback_in_either_byte_order() {
    for link_type in [LinkType::NULL, LinkType::LOOP] {
        check(link_type, |packet| synth::loopback(packet, false));
        check(link_type, |packet| synth::loopback(packet, true));
    }
}

#[test]
fn linux_cooked_in_both_versions() {
    check(LinkType::LINUX_SLL, synth::cooked);
    check(LinkType::LINUX_SLL2, synth::cooked_v2);
}

#[test]
fn ppp_in_its_forms() {
    for link_type in [LinkType::PPP, LinkType::PPP_HDLC] {
        check(link_type, synth::ppp);
        check(link_type, |packet| synth::ppp(packet)[2..].to_vec());
        // Compressed protocol number: one byte.
        check(link_type, |packet| synth::ppp(packet)[3..].to_vec());
    }
    check(LinkType::PPP_WITH_DIRECTION, |packet| {
        let mut frame = synth::ppp(packet);
        frame[0] = 1;
        frame
    });
}

#[test]
fn cisco_hdlc() {
    check(LinkType::C_HDLC, |packet| {
        let ether_type = &synth::ethernet(packet)[12..14];
        [&[0x0f, 0x00], ether_type, packet].concat()
    });
}

#[test]
fn ipv6_extension_headers_are_passed() {
    let segment = synth::udp(client_v6(), server_v6(), b"payload");
    // Hop-by-hop options, then destination options, each 8 bytes of padding.
    let mut extended = vec![60, 0, 1, 4, 0, 0, 0, 0, 17, 0, 1, 4, 0, 0, 0, 0];
    extended.extend(&segment);
    let (source, destination) = (client_v6().ip(), server_v6().ip());
    let packet = synth::ip_of(source, destination, 0, IpFields::default(), &extended);
    let (five_tuple, ..) = decode(LinkType::RAW, packet).unwrap();
    assert_eq!(five_tuple.source, client_v6());
}

#[test]
fn a_link_type_that_is_not_understood_is_skipped() {
    check_skip(LinkType(127), packet(), Skip::LinkTypeUnknown);
}

#[test]
fn protocols_without_ports_are_told_apart() {
    let of = |protocol| {
        let (source, destination) = (client().ip(), server().ip());
        synth::ip_of(source, destination, protocol, IpFields::default(), &[0; 40])
    };
    check_skip(LinkType::RAW, of(1), Skip::Icmp);
    check_skip(LinkType::RAW, of(50), Skip::Ipsec);
    check_skip(LinkType::RAW, of(89), Skip::NoPorts);
}

#[test]
fn what_is_not_ip_is_told_apart() {
    let mut arp = synth::ethernet(&[0; 46]);
    arp[12..14].copy_from_slice(&[0x08, 0x06]);
    check_skip(LinkType::ETHERNET, arp.clone(), Skip::Arp);
    arp[12..14].copy_from_slice(&[0x00, 0x26]);
    check_skip(LinkType::ETHERNET, arp.clone(), Skip::Llc);
    arp[12..14].copy_from_slice(&[0x88, 0xcc]);
    check_skip(LinkType::ETHERNET, arp, Skip::NotIp);
}

#[test]
fn a_frame_too_short_by_the_snap_length_is_truncated_not_malformed() {
    let whole = synth::ethernet(&packet());
    for length in [0, 10, 20, 37] {
        let mut tally = Tally::default();
        let record = synth::record(0, whole.clone()).snapped(length);
        Decoder::new(Tunnels::Outer).decode(&record.frame(LinkType::ETHERNET), &mut tally);
        assert_eq!(
            tally.skips.get(&Skip::Truncated),
            Some(&1),
            "{length} bytes"
        );
    }
    check_skip(
        LinkType::ETHERNET,
        whole[..10].to_vec(),
        Skip::LinkMalformed,
    );
    check_skip(LinkType::ETHERNET, whole[..20].to_vec(), Skip::IpMalformed);
}

#[test]
fn ports_are_all_that_must_be_captured_of_a_transport_header() {
    let record = synth::record(0, synth::ethernet(&packet())).snapped(38);
    let mut tally = Tally::default();
    let mut decoder = Decoder::new(Tunnels::Outer);
    let frame = record.frame(LinkType::ETHERNET);
    let packet = decoder.decode(&frame, &mut tally).unwrap();
    assert_eq!(packet.five_tuple.destination, server());
    assert_eq!((packet.length, packet.payload_length), (35, 7));
}

#[test]
fn headers_that_contradict_themselves_are_malformed() {
    let mut short_header = packet();
    short_header[0] = 0x44;
    check_skip(LinkType::RAW, short_header, Skip::IpMalformed);
    let mut short_total = packet();
    short_total[2..4].copy_from_slice(&[0, 19]);
    check_skip(LinkType::RAW, short_total, Skip::IpMalformed);
    let mut short_datagram = packet();
    short_datagram[24..26].copy_from_slice(&[0, 7]);
    check_skip(LinkType::RAW, short_datagram, Skip::TransportMalformed);
    let mut version = packet();
    version[0] = 0x55;
    check_skip(LinkType::RAW, version, Skip::IpMalformed);
}

#[test]
fn a_total_length_of_zero_means_the_frames() {
    let mut offloaded = packet();
    offloaded[2..4].fill(0);
    let (.., bytes) = decode(LinkType::RAW, offloaded.clone()).unwrap();
    assert_eq!(bytes, offloaded);
}
