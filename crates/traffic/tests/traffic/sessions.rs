//! Sessions: who is the client, when they end, in which order they come, how many are held.

use std::net::SocketAddr;

use undertone_traffic::{
    background::Background,
    link::LinkType,
    packet::Direction,
    session::{Session, SessionEnd},
    session_table::{CutOptions, EndRule, SessionTable, Unit},
    synth::{self, Conversation, Flags, Record},
    timestamp::Timestamp,
};

use crate::support::{
    SEED, at_most, at_seconds, client, cut_capture, cut_frames, server, tcp_packet, udp_packet,
    under, whole_capture,
};

/// Packets and why it ended, of each session in order.
pub(crate) fn ends(sessions: &[Session]) -> Vec<(u64, SessionEnd)> {
    sessions
        .iter()
        .map(|session| (session.packets, session.end_reason))
        .collect()
}

#[track_caller]
fn check(records: &[Record], options: &CutOptions, expected: &[(u64, SessionEnd)]) {
    let (sessions, _) = cut_frames(LinkType::ETHERNET, records, options);
    assert_eq!(ends(&sessions), expected);
}

pub(crate) fn to_server(payload: &[u8]) -> Vec<u8> {
    udp_packet(client(), server(), payload)
}

pub(crate) fn to_client(payload: &[u8]) -> Vec<u8> {
    udp_packet(server(), client(), payload)
}

pub(crate) fn other(port: u16) -> Vec<u8> {
    udp_packet(SocketAddr::new(client().ip(), port), server(), b"other")
}

#[test]
fn a_conversation_is_one_session_with_its_facts() {
    let conversation = Conversation::default();
    let capture = synth::pcap(LinkType::ETHERNET, &conversation.frames());
    let (sessions, tally) = cut_capture(capture, &CutOptions::default());
    let [session] = &sessions[..] else {
        panic!("{tally}")
    };
    assert_eq!(
        session.five_tuple.to_string(),
        "tcp 10.0.0.1:40000 > 10.0.0.2:443"
    );
    assert_eq!(session.link_type, LinkType::ETHERNET);
    assert_eq!(session.start.to_string(), "2016-03-01T00:00:00.000000Z");
    assert_eq!(session.end.to_string(), "2016-03-01T00:00:00.007000Z");
    // Eight packets of 40 bytes of headers, 400 bytes of payload.
    assert_eq!(
        (session.packets, session.bytes, session.payload_bytes),
        (8, 720, 400)
    );
    let common = Flags::SYN | Flags::ACK | Flags::PSH | Flags::FIN;
    assert_eq!(session.tcp_flags, [common, common]);
    assert_eq!(
        (session.end_reason, session.background),
        (SessionEnd::Closed, None)
    );
    let summary = session.summaries[4];
    assert_eq!(summary.direction, Direction::Backward);
    assert_eq!((summary.length, summary.payload_length), (340, 300));
    assert_eq!(summary.offset_nanoseconds, 4_000_000);
    assert_eq!(tally.to_string(), "8 frames, 8 packets, 1 session");
}

#[test]
fn the_sender_of_the_first_packet_is_the_client_even_of_a_syn_ack() {
    let records = at_seconds(&[
        (
            0.0,
            tcp_packet(server(), client(), Flags::SYN | Flags::ACK, b""),
        ),
        (0.1, tcp_packet(client(), server(), Flags::ACK, b"")),
    ]);
    let (sessions, _) = cut_frames(LinkType::ETHERNET, &records, &CutOptions::default());
    assert_eq!(sessions[0].five_tuple.source, server());
    assert_eq!(sessions[0].summaries[1].direction, Direction::Backward);
}

#[test]
fn silence_longer_than_the_idle_time_out_ends_a_session() {
    let records = at_seconds(&[
        (0.0, to_server(b"a")),
        (64.0, to_client(b"b")),
        (128.1, to_client(b"c")),
    ]);
    let expected = [(2, SessionEnd::Idle), (1, SessionEnd::Capture)];
    check(&records, &CutOptions::default(), &expected);
    let (sessions, _) = cut_frames(LinkType::ETHERNET, &records, &CutOptions::default());
    assert_eq!(sessions[1].five_tuple.source, server());
}

#[test]
fn an_idle_session_ends_though_it_gets_no_more_packets() {
    let records = at_seconds(&[
        (0.0, to_server(b"a")),
        (65.0, other(1_111)),
        (65.0, other(1_111)),
    ]);
    let mut table = SessionTable::new(CutOptions::default(), SEED);
    let mut sessions = Vec::new();
    for record in &records {
        table.push(&record.frame(LinkType::ETHERNET), &mut |session| {
            sessions.push(session);
        });
    }
    assert_eq!(ends(&sessions), [(1, SessionEnd::Idle)]);
    assert_eq!(table.open_sessions(), 1);
}

#[test]
fn one_frame_from_the_far_future_ends_nothing() {
    let records = at_seconds(&[
        (0.0, to_server(b"a")),
        (9e8, other(1_111)),
        (1.0, to_server(b"b")),
        (2.0, other(2_222)),
        (3.0, to_server(b"c")),
    ]);
    let expected = [
        (3, SessionEnd::Capture),
        (1, SessionEnd::Capture),
        (1, SessionEnd::Capture),
    ];
    check(&records, &CutOptions::default(), &expected);
}

#[test]
fn a_session_older_than_the_active_time_out_ends() {
    let options = CutOptions {
        end_rule: EndRule::Timeout {
            idle_nanoseconds: 10_000_000_000,
            active_nanoseconds: 20_000_000_000,
        },
        ..CutOptions::default()
    };
    let packets: Vec<_> = (0..6)
        .map(|at| (f64::from(at) * 8.0, to_server(b"a")))
        .collect();
    // 0, 8, 16; at 24 the age is 24 s: 24, 32, 40.
    let expected = [(3, SessionEnd::Active), (3, SessionEnd::Capture)];
    check(&at_seconds(&packets), &options, &expected);
}

#[test]
fn the_ack_after_both_fins_joins_the_closed_session() {
    let first = Conversation::default().frames();
    let mut records = first.clone();
    records.extend(at_seconds(&[
        (1_456_790_500.0, other(1_111)),
        (1_456_790_500.0, other(1_111)),
    ]));
    let expected = [(8, SessionEnd::Closed), (2, SessionEnd::Capture)];
    check(&records, &CutOptions::default(), &expected);
}

#[test]
fn a_syn_on_a_closed_five_tuple_begins_the_next_session() {
    let mut records = Conversation::default().frames();
    let mut again = Conversation::default();
    again.start_nanoseconds += 10_000_000;
    records.extend(again.frames());
    let expected = [(8, SessionEnd::Closed), (8, SessionEnd::Closed)];
    check(&records, &CutOptions::default(), &expected);
}

#[test]
fn packets_after_a_reset_still_join_for_a_while() {
    let records = at_seconds(&[
        (0.0, tcp_packet(client(), server(), Flags::SYN, b"")),
        (
            0.1,
            tcp_packet(server(), client(), Flags::RST | Flags::ACK, b""),
        ),
        (0.2, tcp_packet(server(), client(), Flags::RST, b"")),
        (5.3, tcp_packet(client(), server(), Flags::ACK, b"")),
    ]);
    let expected = [(3, SessionEnd::Closed), (1, SessionEnd::Capture)];
    check(&records, &CutOptions::default(), &expected);
}

#[test]
fn under_the_capture_rule_only_the_capture_ends_a_session() {
    let mut records = Conversation::default().frames();
    let mut hours_later = Conversation::default();
    hours_later.start_nanoseconds += 7_200_000_000_000;
    records.extend(hours_later.frames());
    check(&records, &whole_capture(), &[(16, SessionEnd::Capture)]);
}

#[test]
fn sessions_open_at_the_end_come_in_the_order_of_their_first_packets() {
    let records = at_seconds(&[
        (0.0, other(3_333)),
        (0.1, other(1_111)),
        (0.2, other(2_222)),
        (0.3, other(3_333)),
    ]);
    for seed in 0..8 {
        let mut table = SessionTable::new(whole_capture(), seed);
        for record in &records {
            table.push(&record.frame(LinkType::ETHERNET), &mut |_| {
                panic!("nothing ends")
            });
        }
        let mut ports = Vec::new();
        table.finish(&mut |session| ports.push(session.five_tuple.source.port()));
        assert_eq!(ports, [3_333, 1_111, 2_222]);
    }
}

#[test]
fn beyond_the_bound_the_least_recently_active_session_is_flushed_and_counted() {
    let records = at_seconds(&[
        (0.0, other(1_111)),
        (0.1, other(2_222)),
        (0.2, other(1_111)),
        (0.3, other(3_333)),
    ]);
    let (sessions, tally) = cut_frames(LinkType::ETHERNET, &records, &at_most(2));
    let ports: Vec<_> = sessions
        .iter()
        .map(|session| session.five_tuple.source.port())
        .collect();
    assert_eq!(ports, [2_222, 1_111, 3_333]);
    assert_eq!(tally.evicted(), 1);
}

#[test]
fn the_table_never_holds_more_than_its_bound() {
    let mut table = SessionTable::new(at_most(10), SEED);
    let mut given = 0;
    for port in 1..=1_000 {
        let record = synth::record(i64::from(port), synth::ethernet(&other(port)));
        table.push(&record.frame(LinkType::ETHERNET), &mut |_| given += 1);
        assert!(table.open_sessions() <= 10);
    }
    assert_eq!(given, 990);
}

#[test]
fn times_that_run_backwards_do_no_harm() {
    let records = at_seconds(&[
        (10.0, to_server(b"a")),
        (4.0, to_client(b"b")),
        (11.0, to_server(b"c")),
    ]);
    let (sessions, _) = cut_frames(LinkType::ETHERNET, &records, &CutOptions::default());
    assert_eq!(ends(&sessions), [(3, SessionEnd::Capture)]);
    assert_eq!(sessions[0].end, Timestamp::from_nanoseconds(11_000_000_000));
    assert_eq!(sessions[0].summaries[1].offset_nanoseconds, 0);
}

#[test]
fn vlan_ids_tell_sessions_apart_and_priorities_do_not() {
    let frame = synth::ethernet(&to_server(b"a"));
    let records = [
        synth::record(0, synth::vlan(&frame, 5)),
        synth::record(1, synth::vlan(&frame, 6)),
        // Priority 3 in the upper bits, the same id.
        synth::record(2, synth::vlan(&frame, 5 | 3 << 13)),
    ];
    let expected = [(2, SessionEnd::Capture), (1, SessionEnd::Capture)];
    check(&records, &CutOptions::default(), &expected);
}

#[test]
fn a_session_keeps_its_first_64_packets_and_counts_all() {
    let packets: Vec<_> = (0..100)
        .map(|at| (f64::from(at), to_server(b"a")))
        .collect();
    let (sessions, _) = cut_frames(
        LinkType::ETHERNET,
        &at_seconds(&packets),
        &CutOptions::default(),
    );
    assert_eq!(
        (sessions[0].packets, sessions[0].summaries.len()),
        (100, 64)
    );
}

#[test]
fn a_slice_is_the_packets_one_after_another_zero_padded() {
    let records = at_seconds(&[(0.0, to_server(b"one")), (0.1, to_client(b"three"))]);
    let (sessions, _) = cut_frames(LinkType::ETHERNET, &records, &under("payload"));
    let slice = &sessions[0].slice;
    assert_eq!((slice.bytes().len(), slice.filled()), (784, 8));
    assert_eq!(&slice.bytes()[..10], b"onethree\0\0");
}

#[test]
fn the_first_packets_get_slices_of_their_own_where_asked_for() {
    let records = at_seconds(&[
        (0.0, to_server(b"one")),
        (0.1, to_client(b"two")),
        (0.2, to_client(b"three")),
    ]);
    let options = CutOptions {
        packet_slices: 2,
        ..under("payload")
    };
    let (sessions, _) = cut_frames(LinkType::ETHERNET, &records, &options);
    let own: Vec<_> = sessions[0]
        .packet_slices
        .iter()
        .map(|slice| &slice.bytes()[..slice.filled()])
        .collect();
    assert_eq!(own, [b"one", b"two"]);
}

#[test]
fn with_packets_as_the_unit_each_is_a_session_of_one() {
    let records = at_seconds(&[(0.0, to_server(b"one")), (0.1, to_client(b"two"))]);
    let options = CutOptions {
        unit: Unit::Packet,
        ..CutOptions::default()
    };
    let expected = [(1, SessionEnd::Packet), (1, SessionEnd::Packet)];
    check(&records, &options, &expected);
}

#[test]
fn a_session_without_payload_is_empty() {
    let records = at_seconds(&[(0.0, tcp_packet(client(), server(), Flags::SYN, b""))]);
    let (sessions, _) = cut_frames(LinkType::ETHERNET, &records, &CutOptions::default());
    assert!(sessions[0].is_empty());
}

#[test]
fn an_ethernet_broadcast_is_background() {
    let mut frame = synth::ethernet(&to_server(b"who is there"));
    frame[..6].fill(0xff);
    let records = [synth::record(0, frame)];
    let (sessions, _) = cut_frames(LinkType::ETHERNET, &records, &CutOptions::default());
    assert_eq!(sessions[0].background, Some(Background::Multicast));
}
