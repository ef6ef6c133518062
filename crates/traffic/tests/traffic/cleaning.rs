//! Cleaning: what is dropped, and what is counted all the same.

use std::net::SocketAddr;

use undertone_traffic::{
    cleaning::{Choice, Cleaner, CleaningRules, Removal},
    link::LinkType,
    session::Session,
    session_table::CutOptions,
    synth::{self, Flags},
};

use crate::support::{SEED, client, cut_frames, server, tcp_packet, udp_packet};

/// An empty session, a DNS session, and three of which two have the same slice.
fn sessions() -> Vec<Session> {
    let host = |last, port| SocketAddr::from(([10, 0, 0, last], port));
    let packets = [
        tcp_packet(client(), server(), Flags::SYN, b""),
        udp_packet(client(), host(53, 53), b"question"),
        udp_packet(client(), host(3, 443), b"said"),
        // Other addresses, same ports: the same slice under `paper` but for its checksums.
        udp_packet(client(), host(4, 443), b"said"),
        udp_packet(client(), host(5, 443), b"other"),
    ];
    let records = packets.map(|packet| synth::record(0, synth::ethernet(&packet)));
    let options = CutOptions {
        policy: "ip".parse().unwrap(),
        ..CutOptions::default()
    };
    cut_frames(LinkType::ETHERNET, &records, &options).0
}

#[track_caller]
fn check(rules: CleaningRules, expected: [Option<Removal>; 5]) {
    let mut cleaner = Cleaner::new(rules, SEED);
    let removals: Vec<_> = sessions()
        .iter()
        .map(|session| cleaner.admit(session))
        .collect();
    assert_eq!(removals, expected);
    let tally = cleaner.tally();
    let dropped: u64 = tally.removed.values().sum();
    assert_eq!(tally.sessions, tally.kept + dropped);
    assert_eq!((tally.empty, tally.duplicates), (1, 1));
    assert_eq!(tally.background.values().sum::<u64>(), 1);
}

#[test]
fn by_default_empty_sessions_and_duplicates_go() {
    let duplicate = Some(Removal::Duplicate);
    let expected = [Some(Removal::Empty), None, None, duplicate, None];
    check(CleaningRules::default(), expected);
}

#[test]
fn background_goes_where_asked_for() {
    let rules = CleaningRules {
        background: Choice::Drop,
        empty: Choice::Keep,
        duplicates: Choice::Keep,
    };
    check(rules, [None, Some(Removal::Background), None, None, None]);
}
