//! Fragments: reassembled in any order, or counted; never a session of their own.

use undertone_traffic::{
    link::LinkType,
    session::Session,
    session_table::CutOptions,
    synth::{self, Record},
    tally::{Skip, Tally},
};

use crate::support::{client, client_v6, cut_frames, server, server_v6, udp_packet, under};

fn payload() -> Vec<u8> {
    (0..2_000_u32).map(|at| (at % 251) as u8).collect()
}

/// Three fragments of a datagram of 2,008 bytes: 800, 800 and 408.
fn pieces() -> Vec<Vec<u8>> {
    synth::fragments(&udp_packet(client(), server(), &payload()), 42, 800)
}

fn cut(pieces: &[&Vec<u8>]) -> (Vec<Session>, Tally) {
    let records: Vec<_> = (0..)
        .zip(pieces)
        .map(|(second, piece)| synth::record(second * 1_000_000_000, (*piece).clone()))
        .collect();
    cut_frames(LinkType::RAW, &records, &under("payload"))
}

#[track_caller]
fn check_whole(pieces: &[&Vec<u8>]) {
    let (sessions, tally) = cut(pieces);
    assert_eq!(
        (sessions.len(), tally.packets, tally.merged_fragments),
        (1, 1, 2)
    );
    let session = &sessions[0];
    assert_eq!(session.five_tuple.destination.port(), 443);
    assert_eq!((session.packets, session.payload_bytes), (1, 2_000));
    assert_eq!(session.slice.bytes(), &payload()[..784]);
    assert_eq!(session.start.nanoseconds(), 2_000_000_000);
}

#[track_caller]
fn check_skipped(pieces: &[&Vec<u8>], reason: Skip, count: u64) {
    let (sessions, tally) = cut(pieces);
    assert_eq!(tally.skips.get(&reason), Some(&count), "{tally}");
    assert!(sessions.is_empty());
}

#[test]
fn fragments_in_order_become_one_packet_at_the_time_of_the_last() {
    let [first, second, third] = &pieces()[..] else {
        panic!("three pieces")
    };
    check_whole(&[first, second, third]);
}

#[test]
fn fragments_may_come_in_any_order() {
    let [first, second, third] = &pieces()[..] else {
        panic!("three pieces")
    };
    check_whole(&[third, second, first]);
    check_whole(&[second, third, first]);
}

#[test]
fn ipv6_fragments_are_reassembled_too() {
    let packet = udp_packet(client_v6(), server_v6(), &payload());
    let pieces = synth::fragments(&packet, 42, 800);
    check_whole(&pieces.iter().collect::<Vec<_>>());
}

#[test]
fn the_slice_of_a_datagram_has_the_first_fragments_headers_and_the_whole_payload() {
    let pieces = pieces();
    let records: Vec<_> = pieces
        .iter()
        .rev()
        .map(|piece| synth::record(0, piece.clone()))
        .collect();
    let options = under("ip,keep=addresses,keep=checksums");
    let (sessions, _) = cut_frames(LinkType::RAW, &records, &options);
    assert_eq!(sessions[0].slice.bytes()[..28], pieces[0][..28]);
    assert_eq!(sessions[0].slice.bytes()[28..], payload()[..756]);
}

#[test]
fn a_datagram_that_never_becomes_whole_is_counted() {
    let pieces = pieces();
    check_skipped(&[&pieces[0], &pieces[2]], Skip::FragmentIncomplete, 2);
    check_skipped(&[&pieces[1]], Skip::FragmentIncomplete, 1);
}

#[test]
fn fragments_wait_for_a_minute_and_no_longer() {
    let pieces = pieces();
    let at = |second: i64, piece: &Vec<u8>| synth::record(second * 1_000_000_000, piece.clone());
    let records: Vec<Record> = vec![at(0, &pieces[0]), at(61, &pieces[1]), at(61, &pieces[2])];
    let (sessions, tally) = cut_frames(LinkType::RAW, &records, &CutOptions::default());
    assert_eq!((sessions.len(), tally.skipped()), (0, 3));
}

#[test]
fn a_fragment_that_comes_twice_does_no_harm() {
    let pieces = pieces();
    let (sessions, tally) = cut(&[&pieces[0], &pieces[0], &pieces[1], &pieces[2]]);
    assert_eq!(sessions.len(), 1);
    assert_eq!(tally.skips.get(&Skip::FragmentDuplicate), Some(&1));
}

#[test]
fn fragments_that_disagree_give_up_their_datagram() {
    let pieces = pieces();
    let mut shifted = pieces[1].clone();
    // Offset 800 becomes 792: eight bytes overlap the first piece.
    shifted[7] -= 1;
    check_skipped(&[&pieces[0], &shifted], Skip::FragmentOverlap, 2);
}

#[test]
fn a_fragment_beyond_the_largest_datagram_is_malformed() {
    let mut piece = pieces().swap_remove(1);
    piece[6..8].copy_from_slice(&[0x3f, 0xff]);
    check_skipped(&[&piece], Skip::FragmentMalformed, 1);
}

#[test]
fn a_truncated_fragment_cannot_be_joined() {
    let record = synth::record(0, pieces().swap_remove(0)).snapped(100);
    let (sessions, tally) = cut_frames(LinkType::RAW, &[record], &CutOptions::default());
    assert_eq!(tally.skips.get(&Skip::FragmentTruncated), Some(&1));
    assert!(sessions.is_empty());
}

#[test]
fn waiting_fragments_are_bounded() {
    let packet = udp_packet(client(), server(), &vec![7; 60_000]);
    let records: Vec<_> = (0..2_000)
        .map(|number| {
            let first = synth::fragments(&packet, number, 30_000).swap_remove(0);
            synth::record(0, first)
        })
        .collect();
    let (_, tally) = cut_frames(LinkType::RAW, &records, &CutOptions::default());
    // 16 MiB hold 558 pieces of 30,000 bytes with 20 of header.
    assert_eq!(
        tally.skips.get(&Skip::FragmentEvicted),
        Some(&(2_000 - 558))
    );
    assert_eq!(tally.skips.get(&Skip::FragmentIncomplete), Some(&558));
}
