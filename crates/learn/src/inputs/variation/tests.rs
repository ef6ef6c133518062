//! What varies and what stays, each way for itself.

use std::collections::BTreeSet;

use traffic::{
    cut::cut,
    link::LinkType,
    packet::Direction,
    session::Session,
    session_table::CutOptions,
    synth::{self, Conversation},
};

use super::*;
use crate::inputs::PacketSlices;

/// A session over TCP of 30 packets.
fn session() -> Session {
    let conversation = Conversation {
        payloads: (0..24)
            .map(|at: u16| {
                let direction = [Direction::Forward, Direction::Backward][usize::from(at % 2)];
                (direction, vec![7; usize::from(at) * 60 + 1])
            })
            .collect(),
        ..Conversation::default()
    };
    let capture = synth::pcap(LinkType::ETHERNET, &conversation.frames());
    let mut reader =
        traffic::capture::CaptureReader::new(Box::new(std::io::Cursor::new(capture))).unwrap();
    let options = CutOptions {
        policy: "ip".parse().unwrap(),
        ..CutOptions::default()
    };
    let mut found = None;
    cut(&mut reader, &options, 0, &mut |session| {
        found = Some(session);
        std::ops::ControlFlow::Continue(())
    })
    .unwrap();
    found.unwrap()
}

/// That session changed so, once for each of 50 samples.
fn varied(shares: Augmentation) -> (Session, Vec<Varied>) {
    let session = session();
    let manifest = Manifest::new("made", Vec::new(), "ip", 784);
    let variation = Variation::new(shares, &manifest, 1).unwrap();
    let evidence = Evidence {
        packet_slices: PacketSlices::Joined(&[]),
        ..Evidence::from(&session)
    };
    let prefixes = Prefixes::new(0.0, "ip", 1);
    let of = |sample| {
        let five_tuple = Some(session.five_tuple);
        variation.of(evidence, five_tuple, &prefixes, 32, (1, sample))
    };
    let all = (0..50).map(of).collect();
    (session, all)
}

const NONE: Augmentation = Augmentation {
    fields: 0.0,
    random_fields: 0.0,
    link: 0.0,
    lengths: 0.0,
    drops: 0.0,
    time: 0.0,
};

#[test]
fn without_shares_there_is_no_variation() {
    let manifest = Manifest::new("made", Vec::new(), "ip", 784);
    assert_eq!(Variation::new(NONE, &manifest, 1), None);
}

#[test]
fn fields_are_zeroed_and_the_rest_of_the_slice_stays() {
    let (session, all) = varied(Augmentation {
        fields: 1.0,
        ..NONE
    });
    // Ports are the first four bytes behind 20 of IP.
    let is_hidden = |one: &&Varied| one.slice[20..24] == [0; 4];
    let hidden = all.iter().filter(is_hidden).count();
    assert!((10..40).contains(&hidden), "{hidden}");
    for one in &all {
        assert_eq!(one.summaries, session.summaries);
        // A header may hold a 7 too, but never sixteen of them in a row.
        let mut start = 0;
        for run in session.slice.bytes().chunk_by(|a, b| a == b) {
            let end = start + run.len();
            if run[0] == 7 && run.len() >= 16 {
                assert_eq!(&one.slice[start..end], run);
            }
            start = end;
        }
        assert_eq!(one.slice[0], 0x45, "version and header length");
    }
}

#[test]
fn fields_get_other_values_that_are_equal_where_they_were() {
    let (session, all) = varied(Augmentation {
        random_fields: 1.0,
        ..NONE
    });
    let policy = "ip".parse().unwrap();
    let places = dissect(&CutSlice {
        bytes: session.slice.bytes(),
        policy,
        tunnels: Tunnels::Outer,
        link_type: session.link_type,
        five_tuple: session.five_tuple,
        packets: &session.summaries,
    })
    .places();
    let ports = |slice: &[u8]| -> BTreeSet<[u8; 2]> {
        let own = places
            .iter()
            .filter(|place| place.part == Part::Header(Field::Ports));
        let pairs = own.flat_map(|place| slice[place.range.clone()].chunks_exact(2));
        pairs.map(|pair| [pair[0], pair[1]]).collect()
    };
    let mut changed = 0;
    for one in &all {
        // A client's and a server's port, whatever they are.
        assert_eq!(ports(&one.slice).len(), 2);
        changed += usize::from(ports(&one.slice) != ports(session.slice.bytes()));
        // What the policy zeroes stays zero, and what is of no group as it was.
        for place in places.iter().filter(|place| group(place.part).is_none()) {
            let range = place.range.clone();
            assert_eq!(one.slice[range.clone()], session.slice.bytes()[range]);
        }
    }
    assert!((10..40).contains(&changed), "{changed}");
}

#[test]
fn a_share_of_the_samples_is_changed_and_the_same_ones_again() {
    let shares = Augmentation { time: 0.5, ..NONE };
    let (session, all) = varied(shares);
    let same = |one: &&Varied| one.summaries == session.summaries;
    let unchanged = all.iter().filter(same).count();
    assert!((10..40).contains(&unchanged), "{unchanged}");
    assert_eq!(varied(shares).1, all);
}

#[test]
fn time_is_stretched_by_one_factor_up_to_two() {
    let (session, all) = varied(Augmentation { time: 1.0, ..NONE });
    let last = |packets: &[PacketSummary]| packets.last().unwrap().offset_nanoseconds as f64;
    for one in all {
        let factor = last(&one.summaries) / last(&session.summaries);
        assert!((0.49..2.01).contains(&factor), "{factor}");
    }
}

#[test]
fn another_link_keeps_the_order_and_delays_answers() {
    let (session, all) = varied(Augmentation { link: 1.0, ..NONE });
    let times = |packets: &[PacketSummary]| -> Vec<u64> {
        packets.iter().map(|one| one.offset_nanoseconds).collect()
    };
    for one in &all {
        assert!(times(&one.summaries).is_sorted());
        assert_eq!(one.summaries.len(), session.summaries.len());
    }
    let last = |one: &Varied| times(&one.summaries).pop().unwrap();
    let slowest = all.iter().map(last).max().unwrap();
    assert!(slowest > times(&session.summaries).pop().unwrap() + 1_000_000_000);
}

#[test]
fn another_largest_packet_makes_other_segments_of_the_same_bytes() {
    let (session, all) = varied(Augmentation {
        lengths: 1.0,
        ..NONE
    });
    let sent = |packets: &[PacketSummary], side: Direction| -> u32 {
        let own = packets.iter().filter(|packet| packet.direction == side);
        own.map(|packet| u32::from(packet.payload_length)).sum()
    };
    for one in &all {
        for side in [Direction::Forward, Direction::Backward] {
            assert_eq!(sent(&one.summaries, side), sent(&session.summaries, side));
        }
        assert!(one.summaries.iter().all(|packet| packet.length <= 1500));
    }
    // The longest payloads of 1,261 bytes and more do not fit every link.
    let is_split = |one: &&Varied| one.summaries.len() > session.summaries.len();
    let split = all.iter().filter(is_split).count();
    assert!((10..50).contains(&split), "{split}");
}

#[test]
fn some_packets_are_lost_and_never_the_first() {
    let (session, all) = varied(Augmentation { drops: 1.0, ..NONE });
    let left: usize = all.iter().map(|one| one.summaries.len()).sum();
    let share = left as f64 / (50.0 * session.summaries.len() as f64);
    assert!((0.92..0.98).contains(&share), "{share}");
    for one in all {
        assert_eq!(one.summaries[0], session.summaries[0]);
    }
}
