//! Windows: which packets are in which, and that nothing is lost between them.

use std::num::NonZeroU64;

use undertone_traffic::{
    link::LinkType,
    packet::Direction,
    session::{Session, SessionEnd},
    session_table::{CutOptions, EndRule, Unit, Windows},
    synth::{self, Conversation, Record},
    tally::Tally,
};

use crate::{
    sessions::{ends, other, to_client, to_server},
    support::{at_seconds, cut_frames},
};

/// Windows of whole seconds, behind so many packets.
fn windows(seconds: u64, skipped_packets: u32) -> CutOptions {
    let nanoseconds = NonZeroU64::new(seconds * 1_000_000_000).unwrap();
    CutOptions {
        unit: Unit::Window(Windows {
            nanoseconds,
            skipped_packets,
        }),
        ..CutOptions::default()
    }
}

/// Packets of one session, each at its second; the server's are the odd ones.
fn packets(seconds: &[f64]) -> Vec<Record> {
    let packets = seconds.iter().enumerate().map(|(at, &second)| {
        let payload = if at % 2 == 0 { to_server } else { to_client };
        (second, payload(&[b'x'; 100]))
    });
    at_seconds(&packets.collect::<Vec<_>>())
}

fn cut(records: &[Record], options: &CutOptions) -> (Vec<Session>, Tally) {
    cut_frames(LinkType::ETHERNET, records, options)
}

/// The number, packets and end of each window.
#[track_caller]
fn check(records: &[Record], options: &CutOptions, expected: &[(u64, u64, SessionEnd)]) {
    let (sessions, _) = cut(records, options);
    let found: Vec<_> = sessions
        .iter()
        .map(|session| {
            let window = session.window.unwrap();
            (window.number, session.packets, session.end_reason)
        })
        .collect();
    assert_eq!(found, expected);
}

#[test]
fn a_window_holds_the_packets_of_its_seconds_and_silent_ones_are_left_out() {
    check(
        &packets(&[10.0, 11.0, 14.9, 15.0, 31.0, 34.9]),
        &windows(5, 0),
        &[
            (0, 3, SessionEnd::Window),
            (1, 1, SessionEnd::Window),
            (4, 2, SessionEnd::Capture),
        ],
    );
}

#[test]
fn the_first_window_begins_behind_the_packets_that_are_skipped() {
    let records = packets(&[0.0, 0.1, 4.0, 8.9, 9.1]);
    let expected = [(0, 2, SessionEnd::Window), (1, 1, SessionEnd::Capture)];
    check(&records, &windows(5, 2), &expected);
    let (sessions, _) = cut(&records, &windows(5, 2));
    assert_eq!(sessions[0].start.to_string(), "1970-01-01T00:00:04.000000Z");
    assert_eq!(sessions[0].summaries[0].offset_nanoseconds, 0);
    assert_eq!(sessions[0].summaries[1].offset_nanoseconds, 4_900_000_000);
}

#[test]
fn a_session_that_ends_before_its_first_window_is_counted_only() {
    let (sessions, tally) = cut(&packets(&[0.0, 0.1, 0.2]), &windows(5, 3));
    assert_eq!(sessions, []);
    assert_eq!((tally.packets, tally.short_sessions), (3, 1));
    assert_eq!(tally.sessions(), 0);
}

#[test]
fn direction_is_the_sessions_and_not_the_windows() {
    // Both windows begin with a packet of the server.
    let (sessions, _) = cut(&packets(&[0.0, 0.1, 0.2, 5.5]), &windows(5, 1));
    assert_eq!(sessions.len(), 2);
    for session in sessions {
        assert_eq!(session.summaries[0].direction, Direction::Backward);
        assert_eq!(session.five_tuple.destination.port(), 443);
    }
}

#[test]
fn windows_of_one_session_share_its_number_and_sessions_count_once() {
    let mut records = packets(&[0.0, 6.0]);
    records.extend(at_seconds(&[(7.0, other(1_111)), (13.0, other(1_111))]));
    let (sessions, tally) = cut(&records, &windows(5, 0));
    let numbers: Vec<_> = sessions
        .iter()
        .map(|session| session.window.unwrap().session)
        .collect();
    assert_eq!(numbers, [0, 1, 0, 1]);
    assert_eq!(tally.sessions(), 2);
}

#[test]
fn time_that_runs_back_stays_in_the_window() {
    check(
        &packets(&[0.0, 6.0, 2.0, 7.0]),
        &windows(5, 0),
        &[(0, 1, SessionEnd::Window), (1, 3, SessionEnd::Capture)],
    );
}

#[test]
fn a_session_in_windows_ends_when_it_would_without() {
    let options = |unit| CutOptions {
        unit,
        end_rule: EndRule::Timeout {
            idle_nanoseconds: 10_000_000_000,
            active_nanoseconds: 20_000_000_000,
        },
        ..CutOptions::default()
    };
    // Active for 20 s, then idle for 10 s; then an end that TCP says.
    let mut records = packets(&[0.0, 8.0, 16.0, 24.0, 26.0, 50.0]);
    records.extend(Conversation::default().frames());
    let (whole, _) = cut(&records, &options(Unit::Session));
    let (parts, tally) = cut(&records, &options(windows(3, 0).unit));
    let last: Vec<_> = parts
        .iter()
        .filter(|part| part.end_reason != SessionEnd::Window)
        .map(|part| (part.end, part.end_reason))
        .collect();
    let expected: Vec<_> = whole.iter().map(|one| (one.end, one.end_reason)).collect();
    assert_eq!(last, expected);
    assert_eq!(tally.sessions() as usize, whole.len());
    let sum = |sessions: &[Session]| -> u64 { sessions.iter().map(|one| one.bytes).sum() };
    assert_eq!(sum(&parts), sum(&whole));
    assert!(ends(&parts).len() > whole.len());
}

#[test]
fn a_window_keeps_its_own_first_packets_slice_and_statistics() {
    let records = packets(&[0.0, 1.0, 6.0]);
    let (parts, _) = cut(&records, &windows(5, 0));
    let (alone, _) = cut(&records[2..], &windows(5, 0));
    assert_eq!(parts[1].slice, alone[0].slice);
    assert_eq!(parts[1].statistics, alone[0].statistics);
    assert_eq!(parts[1].summaries, alone[0].summaries);
}

#[test]
fn other_units_have_no_windows() {
    let records = synth::Conversation::default().frames();
    for unit in [Unit::Session, Unit::Packet] {
        let options = CutOptions {
            unit,
            ..CutOptions::default()
        };
        let (sessions, _) = cut(&records, &options);
        assert!(sessions.iter().all(|session| session.window.is_none()));
    }
}
