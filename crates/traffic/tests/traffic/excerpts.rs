//! Excerpts: what is kept of sessions as it was captured, and how much.

use undertone_traffic::{
    excerpt::ExcerptLimits,
    link::LinkType,
    session::{Session, SessionEnd},
    session_table::{CutOptions, Glimpses},
    synth::{self, Conversation, Record},
};

use crate::{
    sessions::{other, to_server},
    support::{
        at_seconds, client, client_v6, cut_capture, cut_frames, server, server_v6, udp_packet,
        under,
    },
};

fn keeping(excerpts: ExcerptLimits) -> CutOptions {
    CutOptions {
        excerpts: Some(excerpts),
        ..CutOptions::default()
    }
}

/// Packets and bytes kept of each session.
#[track_caller]
fn check(limits: ExcerptLimits, records: &[Record], expected: &[(usize, usize)]) {
    let (sessions, _) = cut_frames(LinkType::ETHERNET, records, &keeping(limits));
    let kept: Vec<_> = sessions
        .iter()
        .map(|session| session.excerpt.as_ref().unwrap())
        .map(|excerpt| (excerpt.packets(), excerpt.bytes()))
        .collect();
    assert_eq!(kept, expected);
}

/// The sessions in the file that an excerpt becomes.
fn again(session: &Session, options: &CutOptions) -> Vec<Session> {
    let file = session.excerpt.as_ref().unwrap().to_pcap();
    let (sessions, tally) = cut_capture(file, options);
    assert_eq!((tally.fragments, tally.skipped()), (0, 0), "{tally}");
    sessions
}

#[test]
fn a_whole_session_comes_out_of_its_excerpt_again() {
    let options = keeping(ExcerptLimits::default());
    let frames = Conversation::default().frames();
    let (sessions, _) = cut_frames(LinkType::ETHERNET, &frames, &options);
    assert_eq!(sessions[0].packets, 8);
    assert_eq!(again(&sessions[0], &options), sessions);
}

#[test]
fn nothing_is_kept_unless_asked_for_and_nothing_is_shown_of_open_sessions() {
    let frames = Conversation::default().frames();
    let (sessions, _) = cut_frames(LinkType::ETHERNET, &frames, &CutOptions::default());
    assert_eq!(sessions[0].excerpt, None);
    let options = CutOptions {
        glimpses: Glimpses {
            packets: vec![4],
            age_nanoseconds: None,
            every_nanoseconds: None,
        },
        ..keeping(ExcerptLimits::default())
    };
    let mut table = undertone_traffic::cut::Cutting::new(&options, 0);
    for frame in &frames[..4] {
        table.push(&frame.frame(LinkType::ETHERNET), &mut |session| {
            assert_eq!(session.end_reason, SessionEnd::Open);
            assert_eq!(session.excerpt, None);
        });
    }
}

// A frame has 14 bytes of Ethernet, 20 of IP, 8 of UDP.
#[test]
fn what_is_kept_is_bounded_by_packets_and_bytes() {
    let records = at_seconds(&[
        (0.0, to_server(&[1; 58])),
        (1.0, to_server(&[2; 258])),
        (2.0, to_server(&[3; 18])),
    ]);
    let all = ExcerptLimits::default();
    check(all, &records, &[(3, 100 + 300 + 60)]);
    check(ExcerptLimits { packets: 2, ..all }, &records, &[(2, 400)]);
    // Behind the packet for which there was no room nothing more is kept.
    check(ExcerptLimits { bytes: 399, ..all }, &records, &[(1, 100)]);
    let short = ExcerptLimits {
        packet_bytes: 80,
        ..all
    };
    check(short, &records, &[(3, 80 + 80 + 60)]);
}

#[test]
fn all_sessions_together_are_bounded_and_ended_ones_leave_room() {
    let limits = ExcerptLimits {
        all_bytes: 250,
        ..ExcerptLimits::default()
    };
    let records = at_seconds(&[
        (0.0, to_server(&[1; 58])),
        (1.0, other(1)),
        (2.0, to_server(&[2; 158])),
        // By then the first has ended.
        (200.0, to_server(&[3; 161])),
    ]);
    let of_other = 14 + other(1).len();
    check(limits, &records, &[(1, 100), (1, of_other), (1, 203)]);
}

#[test]
fn a_packet_that_is_cut_keeps_its_length_on_the_wire() {
    let limits = ExcerptLimits {
        packet_bytes: 80,
        ..ExcerptLimits::default()
    };
    let records = at_seconds(&[(0.0, to_server(&[1; 500]))]);
    let options = keeping(limits);
    let (sessions, _) = cut_frames(LinkType::ETHERNET, &records, &options);
    let found = again(&sessions[0], &options);
    assert_eq!((found[0].bytes, found[0].payload_bytes), (528, 500));
}

#[test]
fn a_datagram_that_came_in_fragments_is_one_whole_packet() {
    let payload = [7; 1_900];
    for (source, destination) in [(client(), server()), (client_v6(), server_v6())] {
        let packet = udp_packet(source, destination, &payload);
        let records: Vec<_> = (0..)
            .zip(synth::fragments(&packet, 42, 800))
            .map(|(second, piece)| synth::record(second, piece))
            .collect();
        let options = CutOptions {
            excerpts: Some(ExcerptLimits::default()),
            ..under("payload")
        };
        let (sessions, tally) = cut_frames(LinkType::RAW, &records, &options);
        assert_eq!((sessions.len(), tally.fragments), (1, 3));
        let found = again(&sessions[0], &options);
        assert_eq!(found[0].slice, sessions[0].slice);
        assert_eq!((found[0].packets, found[0].payload_bytes), (1, 1_900));
        let file = sessions[0].excerpt.as_ref().unwrap().to_pcap();
        if source.is_ipv4() {
            // But for the identification of fragments, the very packet that was cut up.
            let found = &file[40..];
            assert_eq!(found[..4], packet[..4]);
            assert_eq!(found[6..10], packet[6..10]);
            assert_eq!(found[12..], packet[12..]);
            assert_eq!(sum(&found[..20]), 0xffff);
        }
    }
}

/// RFC 1071: the sum of a right header, its checksum included, is all ones.
fn sum(header: &[u8]) -> u32 {
    let words = header.chunks(2);
    let sum: u32 = words
        .map(|word| u32::from(word[0]) * 256 + u32::from(word[1]))
        .sum();
    (sum & 0xffff) + (sum >> 16)
}
