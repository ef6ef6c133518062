//! Tunnels: recognised and counted always, entered where asked for.

use std::net::SocketAddr;

use undertone_traffic::{
    link::LinkType,
    packet::{Protocol, TunnelKind},
    session_table::{CutOptions, Tunnels},
    synth::{self, IpFields},
    tally::Skip,
};

use crate::support::{client, client_v6, cut_frames, server, server_v6, udp_packet};

fn outer_ends() -> (SocketAddr, SocketAddr) {
    (
        SocketAddr::from(([192, 0, 2, 1], 33_333)),
        SocketAddr::from(([192, 0, 2, 2], 0)),
    )
}

/// The payload over IP protocol `number`.
fn over_ip(number: u8, payload: &[u8]) -> Vec<u8> {
    let (source, destination) = outer_ends();
    synth::ip_of(
        source.ip(),
        destination.ip(),
        number,
        IpFields::default(),
        payload,
    )
}

/// The payload over UDP to `port`.
fn over_udp(port: u16, payload: &[u8]) -> Vec<u8> {
    let (source, mut destination) = outer_ends();
    destination.set_port(port);
    udp_packet(source, destination, payload)
}

fn inner() -> Vec<u8> {
    udp_packet(client(), server(), b"inner payload")
}

fn inner_v6() -> Vec<u8> {
    udp_packet(client_v6(), server_v6(), b"inner payload")
}

/// A tunnel is counted either way; inside, the inner packet alone makes the session and slice.
#[track_caller]
fn check(packet: &[u8], kind: TunnelKind, has_ports: bool) {
    let records = [synth::record(0, packet.to_vec())];
    let (outer, tally) = cut_frames(LinkType::RAW, &records, &CutOptions::default());
    assert_eq!(tally.tunnels.get(&kind), Some(&1));
    if has_ports {
        assert_eq!(outer[0].five_tuple.source, outer_ends().0);
    } else {
        assert_eq!(tally.skips.get(&Skip::TunnelWithoutPorts), Some(&1));
    }
    let options = CutOptions {
        tunnels: Tunnels::Inner,
        policy: "payload".parse().unwrap(),
        ..CutOptions::default()
    };
    let (sessions, tally) = cut_frames(LinkType::RAW, &records, &options);
    assert_eq!(tally.tunnels.get(&kind), Some(&1), "{tally}");
    let session = sessions.first().unwrap_or_else(|| panic!("{tally}"));
    assert!([client(), client_v6()].contains(&session.five_tuple.source));
    assert_eq!(session.context.tunnels[0], Some(kind));
    assert_eq!(
        &session.slice.bytes()[..session.slice.filled()],
        b"inner payload"
    );
}

#[test]
fn gre_carries_ip_ethernet_and_ppp() {
    let kind = TunnelKind::Gre;
    check(
        &over_ip(47, &synth::gre(0x0800, None, &inner())),
        kind,
        false,
    );
    check(
        &over_ip(47, &synth::gre(0x86dd, Some(5), &inner_v6())),
        kind,
        false,
    );
    let frame = synth::ethernet(&inner());
    check(
        &over_ip(47, &synth::gre(0x6558, Some(5), &frame)),
        kind,
        false,
    );
    let ppp = synth::ppp(&inner());
    let mut version_1 = synth::gre(0x880b, Some(5), &ppp);
    version_1[1] = 1;
    check(&over_ip(47, &version_1), kind, false);
}

#[test]
fn ip_in_ip_and_six_in_four() {
    check(&over_ip(4, &inner()), TunnelKind::IpInIp, false);
    check(&over_ip(41, &inner_v6()), TunnelKind::SixInFour, false);
}

#[test]
fn vxlan_and_geneve_carry_ethernet() {
    let frame = synth::ethernet(&inner());
    check(
        &over_udp(4789, &synth::vxlan(77, &frame)),
        TunnelKind::Vxlan,
        true,
    );
    check(
        &over_udp(6081, &synth::geneve(77, &frame)),
        TunnelKind::Geneve,
        true,
    );
}

#[test]
fn gtp_u_and_teredo_carry_ip() {
    check(
        &over_udp(2152, &synth::gtp_u(1, &inner())),
        TunnelKind::GtpU,
        true,
    );
    check(
        &over_udp(3544, &synth::teredo(&inner_v6())),
        TunnelKind::Teredo,
        true,
    );
}

#[test]
fn what_only_looks_like_a_tunnel_by_its_port_is_a_session() {
    // The first byte lacks the flag that every VXLAN header has.
    let records = [synth::record(0, over_udp(4789, b"a tunnel?"))];
    let options = CutOptions {
        tunnels: Tunnels::Inner,
        ..CutOptions::default()
    };
    let (sessions, tally) = cut_frames(LinkType::RAW, &records, &options);
    assert_eq!((sessions.len(), tally.tunnels.len()), (1, 0));
}

#[test]
fn the_same_five_tuple_in_two_networks_is_two_sessions() {
    let frame = synth::ethernet(&inner());
    let records: Vec<_> = [77, 78, 77]
        .iter()
        .map(|&network| synth::record(0, over_udp(4789, &synth::vxlan(network, &frame))))
        .collect();
    let options = CutOptions {
        tunnels: Tunnels::Inner,
        ..CutOptions::default()
    };
    let (sessions, _) = cut_frames(LinkType::RAW, &records, &options);
    let packets: Vec<_> = sessions.iter().map(|session| session.packets).collect();
    assert_eq!(packets, [2, 1]);
}

#[test]
fn under_a_link_policy_a_slice_begins_with_the_innermost_link_header() {
    let frame = synth::ethernet(&inner());
    let records = [synth::record(0, over_udp(4789, &synth::vxlan(77, &frame)))];
    let options = CutOptions {
        tunnels: Tunnels::Inner,
        ..CutOptions::default()
    };
    let (sessions, _) = cut_frames(LinkType::RAW, &records, &options);
    let slice = &sessions[0].slice;
    assert_eq!(slice.filled(), frame.len());
    assert_eq!(
        slice.bytes()[..16],
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0x45, 0]
    );
}

#[test]
fn tunnels_in_tunnels_are_followed_to_a_bound() {
    let options = CutOptions {
        tunnels: Tunnels::Inner,
        ..CutOptions::default()
    };
    let packets = (0..=5).scan(inner(), |packet, _| {
        let next = over_ip(4, packet);
        Some(std::mem::replace(packet, next))
    });
    let outcomes: Vec<_> = packets
        .map(|packet| {
            let records = [synth::record(0, packet)];
            let (sessions, tally) = cut_frames(LinkType::RAW, &records, &options);
            (
                sessions.len(),
                tally.skips.contains_key(&Skip::TooManyLayers),
            )
        })
        .collect();
    let (followed, too_deep) = ((1, false), (0, true));
    assert_eq!(
        outcomes,
        [followed, followed, followed, followed, followed, too_deep]
    );
}

#[test]
fn sctp_has_ports_and_so_sessions() {
    let segment = synth::sctp(client(), server(), b"chunk");
    let packet = synth::ip(client().ip(), server().ip(), Protocol::Sctp, &segment);
    let records = [synth::record(0, packet)];
    let (sessions, _) = cut_frames(LinkType::RAW, &records, &CutOptions::default());
    assert_eq!(sessions[0].five_tuple.protocol, Protocol::Sctp);
    assert_eq!(sessions[0].payload_bytes, 5);
}
