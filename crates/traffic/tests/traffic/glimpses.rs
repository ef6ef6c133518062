//! Sessions shown while they are open, and time that passes without frames.

use proptest::prelude::*;
use undertone_traffic::{
    cut::Cutting,
    link::LinkType,
    packet::Direction,
    session::{Session, SessionEnd},
    session_table::{CutOptions, Glimpses},
    synth::{Conversation, Record},
    timestamp::Timestamp,
};

use crate::support::{SEED, cut_frames};

const START: i64 = 1_456_790_400_000_000_000;
const SECOND: i64 = 1_000_000_000;

fn at_packets(packets: &[u64]) -> CutOptions {
    CutOptions {
        glimpses: Glimpses {
            packets: packets.to_vec(),
            ..Glimpses::default()
        },
        ..CutOptions::default()
    }
}

fn at_age(seconds: u64) -> CutOptions {
    CutOptions {
        glimpses: Glimpses {
            packets: vec![3],
            age_nanoseconds: Some(seconds * 1_000_000_000),
            ..Glimpses::default()
        },
        ..CutOptions::default()
    }
}

/// A session of nine packets, one every millisecond: hello, talk and farewell.
fn talk() -> Vec<Record> {
    let conversation = Conversation {
        start_nanoseconds: START,
        payloads: vec![
            (Direction::Forward, vec![1; 300]),
            (Direction::Backward, vec![2; 500]),
            (Direction::Forward, vec![3; 100]),
        ],
        ..Conversation::default()
    };
    conversation.frames()
}

/// Everything that comes of frames and of moments without any, in seconds after the start.
fn follow(records: &[Record], silences: &[i64], options: &CutOptions) -> Vec<Session> {
    let mut cutting = Cutting::new(options, SEED);
    let mut seen = Vec::new();
    for record in records {
        cutting.push(&record.frame(LinkType::ETHERNET), &mut |session| {
            seen.push(session);
        });
    }
    for seconds in silences {
        let now = Timestamp::from_nanoseconds(START + seconds * SECOND);
        cutting.pass_time(now, &mut |session| seen.push(session));
    }
    cutting.finish(&mut |session| seen.push(session));
    seen
}

/// How many packets each had, and why it ended.
fn outline(seen: &[Session]) -> Vec<(u64, SessionEnd)> {
    let outline = seen.iter().map(|one| (one.packets, one.end_reason));
    outline.collect()
}

#[test]
fn an_open_session_is_shown_after_the_packets_asked_for() {
    let seen = follow(&talk(), &[], &at_packets(&[1, 4]));
    let all = talk().len() as u64;
    let expected = [
        (1, SessionEnd::Open),
        (4, SessionEnd::Open),
        (all, SessionEnd::Closed),
    ];
    assert_eq!(outline(&seen), expected);
}

#[test]
fn a_session_without_enough_packets_is_shown_for_its_age_once() {
    let records = &talk()[..2];
    let expected = [(2, SessionEnd::Open), (2, SessionEnd::Capture)];
    assert_eq!(outline(&follow(records, &[1], &at_age(2))), expected[1..]);
    assert_eq!(outline(&follow(records, &[2, 3, 9], &at_age(2))), expected);
}

#[test]
fn a_session_that_was_shown_for_its_packets_is_not_shown_for_its_age() {
    let expected = [(3, SessionEnd::Open), (3, SessionEnd::Capture)];
    assert_eq!(outline(&follow(&talk()[..3], &[9], &at_age(2))), expected);
}

#[test]
fn a_session_that_grows_is_shown_once_in_each_part_of_its_life() {
    let options = CutOptions {
        glimpses: Glimpses {
            every_nanoseconds: std::num::NonZeroU64::new(3_000_000),
            ..Glimpses::default()
        },
        ..CutOptions::default()
    };
    // Of packets at 0, 1, 2, … 8 ms, those at 3 and 6.
    let expected = [
        (4, SessionEnd::Open),
        (7, SessionEnd::Open),
        (9, SessionEnd::Closed),
    ];
    assert_eq!(outline(&follow(&talk(), &[], &options)), expected);
}

#[test]
fn a_frame_far_ahead_keeps_nobody_from_being_shown() {
    let mut ahead = Conversation {
        client: ([10, 9, 9, 9], 1).into(),
        start_nanoseconds: START + 1_000 * SECOND,
        ..Conversation::default()
    }
    .frames();
    ahead.truncate(1);
    let records = [ahead, talk()[..1].to_vec()].concat();
    let seen = follow(&records, &[1, 3], &at_age(2));
    assert_eq!(seen[0].end_reason, SessionEnd::Open);
    assert_eq!(seen[0].start, Timestamp::from_nanoseconds(START));
}

#[test]
fn silence_ends_a_session_without_a_frame() {
    let records = &talk()[..4];
    let seen = follow(records, &[30, 70], &CutOptions::default());
    assert_eq!(outline(&seen), [(4, SessionEnd::Idle)]);
}

proptest! {
    /// A glimpse is what a capture that ends there has of the session, but for the reason.
    #[test]
    fn a_glimpse_is_the_session_of_a_capture_that_ends_there(
        sizes in prop::collection::vec((any::<bool>(), 0..1_400_usize), 1..90),
        packets in 1..100_u64,
    ) {
        let direction = |forward| if forward { Direction::Forward } else { Direction::Backward };
        let payloads = sizes.iter().map(|&(forward, size)| (direction(forward), vec![7; size]));
        let records = Conversation { payloads: payloads.collect(), ..Conversation::default() }.frames();
        let seen = follow(&records, &[], &at_packets(&[packets]));
        let (whole, glimpses) = seen.split_last().unwrap();
        prop_assert_eq!(glimpses.len(), usize::from(packets <= records.len() as u64));
        if let [glimpse] = glimpses {
            let cut_off = &records[..packets as usize];
            let (expected, _) = cut_frames(LinkType::ETHERNET, cut_off, &CutOptions::default());
            let end_reason = expected[0].end_reason;
            prop_assert_eq!(&Session { end_reason, ..glimpse.clone() }, &expected[0]);
        }
        // Looking changes nothing.
        let (unseen, _) = cut_frames(LinkType::ETHERNET, &records, &CutOptions::default());
        prop_assert_eq!(whole, &unseen[0]);
    }
}
