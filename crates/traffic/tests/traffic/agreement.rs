//! Agreement: the fast path gives what the plain one gives, byte for byte and in its order.

use std::{
    fs,
    num::{NonZeroU64, NonZeroUsize},
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use proptest::prelude::*;
use undertone_traffic::{
    capture::CaptureReader,
    cut::{cut, cut_in_stages},
    excerpt::ExcerptLimits,
    link::LinkType,
    packet::Protocol,
    session::Session,
    session_table::{CutOptions, EndRule, Glimpses, Tunnels, Unit, Windows},
    synth::{self, Record, TcpFields},
    tally::Tally,
};

use crate::{
    odd_captures,
    plain::cut_plainly,
    support::{SEED, public_data, read},
};

/// What is asked of a capture: time-outs, none, few sessions, packets, slices of packets, tunnels.
fn ways() -> Vec<CutOptions> {
    let usual = CutOptions::default();
    let short = EndRule::Timeout {
        idle_nanoseconds: 500_000_000,
        active_nanoseconds: 3_000_000_000,
    };
    vec![
        usual.clone(),
        CutOptions {
            end_rule: EndRule::Capture,
            policy: "ip".parse().unwrap(),
            packet_slices: 3,
            ..usual.clone()
        },
        CutOptions {
            end_rule: short,
            max_sessions: NonZeroUsize::new(5).unwrap(),
            tunnels: Tunnels::Inner,
            policy: "strict".parse().unwrap(),
            slice_length: NonZeroUsize::new(100).unwrap(),
            ..usual.clone()
        },
        CutOptions {
            unit: Unit::Packet,
            policy: "payload".parse().unwrap(),
            ..usual
        },
    ]
}

fn cut_fast(reader: &mut CaptureReader, options: &CutOptions) -> (Vec<Session>, Tally) {
    let mut sessions = Vec::new();
    let outcome = cut(reader, options, SEED, &mut |session| {
        sessions.push(session);
        ControlFlow::Continue(())
    });
    let tally = outcome.unwrap_or_else(|broken| *broken.tally);
    (sessions, tally)
}

fn cut_staged(reader: &mut CaptureReader, options: &CutOptions) -> (Vec<Session>, Tally) {
    let mut sessions = Vec::new();
    let goes_on = &mut || ControlFlow::Continue(());
    let outcome = cut_in_stages(reader, options, SEED, goes_on, &mut |session| {
        sessions.push(session);
        ControlFlow::Continue(())
    });
    let tally = outcome.unwrap_or_else(|broken| *broken.tally);
    (sessions, tally)
}

/// Windows, glimpses and excerpts, which the plain path does not know.
fn further_ways() -> Vec<CutOptions> {
    let windows = Windows {
        nanoseconds: NonZeroU64::new(700_000_000).unwrap(),
        skipped_packets: 2,
    };
    vec![
        CutOptions {
            unit: Unit::Window(windows),
            ..CutOptions::default()
        },
        CutOptions {
            glimpses: Glimpses {
                packets: vec![1, 5, 70],
                age_nanoseconds: Some(1_000_000_000),
                every_nanoseconds: None,
            },
            packet_slices: 2,
            excerpts: Some(ExcerptLimits {
                all_bytes: 10_000,
                ..ExcerptLimits::default()
            }),
            ..CutOptions::default()
        },
    ]
}

#[track_caller]
fn check_same(name: &str, found: &(Vec<Session>, Tally), expected: &(Vec<Session>, Tally)) {
    assert_eq!(found.1, expected.1, "{name}");
    assert_eq!(found.0.len(), expected.0.len(), "{name}");
    for (number, (session, expected)) in found.0.iter().zip(&expected.0).enumerate() {
        assert_eq!(session, expected, "{name}, session {number}");
    }
}

/// Cuts a capture every way under all options; says how many sessions there were.
#[track_caller]
fn check(name: &str, open: impl Fn() -> CaptureReader) -> usize {
    let mut count = 0;
    for options in ways() {
        let expected = cut_plainly(&mut open(), &options);
        let name = format!("{name}, {options:?}");
        check_same(&name, &cut_fast(&mut open(), &options), &expected);
        check_same(&name, &cut_staged(&mut open(), &options), &expected);
        count += expected.0.len();
    }
    for options in further_ways() {
        let expected = cut_fast(&mut open(), &options);
        let name = format!("{name}, {options:?}");
        check_same(&name, &cut_staged(&mut open(), &options), &expected);
    }
    count
}

fn check_file(path: &Path) -> usize {
    let name = path.display().to_string();
    if CaptureReader::open(path).is_err() {
        return 0;
    }
    check(&name, || CaptureReader::open(path).unwrap())
}

fn captures_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(captures_below(&path));
        } else if path
            .extension()
            .is_some_and(|end| end == "pcap" || end == "pcapng")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn the_samples_are_cut_as_the_plain_path_cuts_them() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let sessions: usize = captures_below(&samples)
        .iter()
        .map(|path| check_file(path))
        .sum();
    assert!(sessions > 1_000, "{sessions}");
}

#[test]
fn the_corpus_of_the_fuzz_targets_is_cut_as_the_plain_path_cuts_it() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut sessions = 0;
    // What chooses the options of a target comes first.
    for (target, before) in [("capture", 0), ("sessions", 3)] {
        for entry in fs::read_dir(corpus.join(target)).unwrap() {
            let path = entry.unwrap().path();
            let input = fs::read(&path).unwrap();
            let bytes = input.get(before..).unwrap_or_default().to_vec();
            if read(bytes.clone()).is_ok() {
                let name = path.display().to_string();
                sessions += check(&name, || read(bytes.clone()).unwrap());
            }
        }
    }
    assert!(sessions > 20, "{sessions}");
}

#[test]
fn the_odd_captures_are_cut_as_the_plain_path_cuts_them() {
    let Some(folder) = odd_captures::folder() else {
        return;
    };
    let sessions: usize = odd_captures::manifest(&folder)
        .iter()
        .map(|(path, ..)| check_file(path))
        .sum();
    println!("{sessions} sessions compared");
    assert!(sessions > 1_000);
}

#[test]
fn public_captures_are_cut_as_the_plain_path_cuts_them() {
    let Some(folder) = public_data("iscx-vpn-2016/pcap") else {
        return;
    };
    // The plain path searches lists, so the largest are left out.
    let sessions: usize = captures_below(&folder)
        .iter()
        .filter(|path| path.metadata().is_ok_and(|file| file.len() < 20_000_000))
        .map(|path| check_file(path))
        .sum();
    println!("{sessions} sessions compared");
    assert!(sessions > 1_000);
}

/// A packet of one of few sessions: which, which way, flags, payload, and the time since the last.
fn any_packet() -> impl Strategy<Value = (u8, bool, u8, u16, i64)> {
    let flags = prop_oneof![Just(0x10_u8), Just(0x02), Just(0x11), Just(0x14)];
    let payload = prop_oneof![0..40_u16, 0..1_400_u16];
    let gap = prop_oneof![
        0..1_000_000_i64,
        0..2_000_000_000_i64,
        -2_000_000_000..90_000_000_000_i64,
        // Two days, which is more than a journal has room for.
        prop_oneof![20 => Just(0_i64), 1 => Just(172_800_000_000_000), 1 => Just(-172_800_000_000_000)],
    ];
    (0..12_u8, any::<bool>(), flags, payload, gap)
}

fn record((session, is_forward, flags, payload, _): (u8, bool, u8, u16, i64), at: i64) -> Record {
    let near = std::net::SocketAddr::from(([10, 0, 0, session / 3], 53 + u16::from(session)));
    let far = std::net::SocketAddr::from(([10, 0, 0, 1], 443));
    let (source, destination) = if is_forward { (near, far) } else { (far, near) };
    let payload = vec![session; usize::from(payload)];
    let packet = if session % 2 == 0 {
        let fields = TcpFields {
            flags,
            ..TcpFields::default()
        };
        let segment = synth::tcp(source, destination, &fields, &payload);
        synth::ip(source.ip(), destination.ip(), Protocol::Tcp, &segment)
    } else {
        let segment = synth::udp(source, destination, &payload);
        synth::ip(source.ip(), destination.ip(), Protocol::Udp, &segment)
    };
    let mut record = synth::record(at, synth::ethernet(&packet));
    if flags == 0x14 {
        // No length in the IP header, as of a packet that the card cuts later: the frame says, and
        // here it says more than a summary can hold.
        record.bytes[16..18].fill(0);
        record.original_length += 70_000;
    }
    record
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Few sessions and many packets, so that they pass 64, close, time out and are flushed.
    #[test]
    fn made_captures_are_cut_as_the_plain_path_cuts_them(
        packets in prop::collection::vec(any_packet(), 0..900)
    ) {
        let mut at = 1_000_000_000_000_000_000;
        let mut records = Vec::new();
        for packet in packets {
            at += packet.4;
            records.push(record(packet, at));
        }
        let capture = synth::pcap(LinkType::ETHERNET, &records);
        check("made", || read(capture.clone()).unwrap());
    }
}
