//! Properties: arbitrary bytes never panic and are never lost.

use std::io::{self, Read};

use proptest::prelude::*;
use undertone_traffic::{
    capture::CaptureReader,
    decode::{Decoder, Tunnels},
    link::LinkType,
    packet::TunnelKind,
    session_table::{CutOptions, EndRule, SessionTable},
    slice::{SLICE_LENGTH, Slice},
    synth::{self, Conversation, IpFields, Record},
    tally::Tally,
};

use crate::support::{
    check_nothing_is_lost, client, client_v6, cut_frames, read, server, server_v6, udp_packet,
};

const LINK_TYPES: [u32; 16] = [
    0, 1, 9, 12, 14, 50, 51, 101, 104, 108, 113, 127, 166, 228, 229, 276,
];

/// A source that gives its bytes in pieces of these sizes.
struct Chunked {
    bytes: Vec<u8>,
    at: usize,
    sizes: Vec<usize>,
    turn: usize,
}

impl Read for Chunked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()];
        self.turn += 1;
        let count = size.min(buffer.len()).min(self.bytes.len() - self.at);
        buffer[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

/// Every frame until the end or an error, and that error.
fn all_frames(reader: Result<CaptureReader, impl ToString>) -> (Vec<Record>, Option<String>, bool) {
    let mut records = Vec::new();
    let mut reader = match reader {
        Ok(reader) => reader,
        Err(error) => return (records, Some(error.to_string()), false),
    };
    loop {
        match reader.next_frame() {
            Ok(Some(frame)) => records.push(Record {
                nanoseconds: frame.timestamp.nanoseconds(),
                interface: frame.interface,
                original_length: frame.original_length,
                bytes: frame.bytes.to_vec(),
            }),
            Ok(None) => return (records, None, reader.cut_short()),
            Err(error) => return (records, Some(error.to_string()), false),
        }
    }
}

/// A good capture of either format, with some bytes changed and its tail possibly cut.
fn damaged_capture() -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..12);
    (
        any::<bool>(),
        changes,
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(is_pcapng, changes, end, is_cut)| {
            let frames = Conversation::default().frames();
            let mut bytes = if is_pcapng {
                synth::pcapng(&[LinkType::ETHERNET], &frames)
            } else {
                synth::pcap(LinkType::ETHERNET, &frames)
            };
            for (place, value) in changes {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            if is_cut {
                bytes.truncate(end.index(bytes.len()));
            }
            bytes
        })
}

/// Good packets of all kinds, to be damaged.
fn seeds() -> Vec<(u32, Vec<u8>)> {
    let small = udp_packet(client(), server(), b"payload");
    let small_v6 = udp_packet(client_v6(), server_v6(), b"payload");
    let outer = |port: u16, payload: &[u8]| {
        let mut to = server();
        to.set_port(port);
        udp_packet(client(), to, payload)
    };
    let over = |protocol, payload: &[u8]| {
        let (source, destination) = (client().ip(), server().ip());
        synth::ip_of(source, destination, protocol, IpFields::default(), payload)
    };
    let frame = synth::ethernet(&small);
    let mut seeds = vec![
        (1, frame.clone()),
        (1, synth::vlan(&synth::vlan(&frame, 5), 6)),
        (1, synth::mpls(&small_v6, &[1, 2])),
        (1, synth::pppoe(&small, 1)),
        (0, synth::loopback(&small, false)),
        (113, synth::cooked(&small)),
        (276, synth::cooked_v2(&small_v6)),
        (9, synth::ppp(&small)),
        (101, outer(4789, &synth::vxlan(1, &frame))),
        (101, outer(6081, &synth::geneve(1, &frame))),
        (101, outer(2152, &synth::gtp_u(1, &small))),
        (101, outer(3544, &synth::teredo(&small_v6))),
        (101, over(47, &synth::gre(0x0800, Some(1), &small))),
        (101, over(47, &synth::gre(0x88be, None, &frame))),
        (101, over(4, &over(41, &small_v6))),
        (
            101,
            over(51, &[&[17, 4, 0, 0][..], &[0; 20], &small[20..]].concat()),
        ),
    ];
    seeds.extend(
        Conversation::default()
            .packets()
            .into_iter()
            .map(|packet| (101, packet)),
    );
    for packet in [
        udp_packet(client(), server(), &[1; 100]),
        udp_packet(client_v6(), server_v6(), &[2; 100]),
    ] {
        seeds.extend(
            synth::fragments(&packet, 9, 40)
                .into_iter()
                .map(|piece| (101, piece)),
        );
    }
    seeds
}

/// Frames of one capture: seeds with a few bytes changed, snapped and shuffled in time.
fn damaged_frames() -> impl Strategy<Value = Vec<(u32, Record)>> {
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4);
    let one = (
        proptest::sample::select(seeds()),
        changes,
        proptest::option::of(0_usize..120),
        any::<i64>(),
        any::<bool>(),
    )
        .prop_map(|((link_type, mut bytes), changes, snap, time, is_wild)| {
            for (place, value) in changes {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
            let nanoseconds = if is_wild { time } else { time % 1_000_000_000 };
            let record = synth::record(nanoseconds, bytes);
            let record = match snap {
                Some(length) => record.snapped(length),
                None => record,
            };
            (link_type, record)
        });
    proptest::collection::vec(one, 1..40)
}

fn tunnels() -> impl Strategy<Value = Tunnels> {
    proptest::sample::select(vec![Tunnels::Outer, Tunnels::Inner])
}

proptest! {
    // `PROPTEST_CASES` asks for more.
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn arbitrary_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        all_frames(read(bytes));
    }

    #[test]
    fn damaged_captures_are_read_without_panic_and_alike_in_any_chunks(
        bytes in damaged_capture(),
        sizes in proptest::collection::vec(1_usize..200, 1..6),
    ) {
        let whole = all_frames(read(bytes.clone()));
        let chunked = Chunked { bytes, at: 0, sizes, turn: 0 };
        prop_assert_eq!(whole, all_frames(CaptureReader::new(Box::new(chunked))));
    }

    #[test]
    fn arbitrary_frames_are_decoded_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        link_type in proptest::sample::select(&LINK_TYPES[..]),
        missing in 0_u32..100,
        tunnels in tunnels(),
    ) {
        let mut record = synth::record(0, bytes);
        record.original_length += missing;
        let mut tally = Tally::default();
        Decoder::new(tunnels).decode(&record.frame(LinkType(link_type)), &mut tally);
        check_nothing_is_lost(&tally);
    }

    #[test]
    fn damaged_frames_become_packets_that_hold_together(
        frames in damaged_frames(),
        tunnels in tunnels(),
    ) {
        let mut decoder = Decoder::new(tunnels);
        let mut tally = Tally::default();
        for (link_type, record) in &frames {
            if let Some(packet) = decoder.decode(&record.frame(LinkType(*link_type)), &mut tally) {
                let layout = packet.layout;
                prop_assert!(layout.link <= layout.ip && layout.ip < layout.transport);
                prop_assert!(layout.payload as usize <= packet.bytes.len());
                prop_assert!(packet.payload_length < packet.length);
                for name in ["paper", "strict", "payload"] {
                    let policy = name.parse().unwrap();
                    let slice = Slice::of_packet(&packet, &policy, SLICE_LENGTH.try_into().unwrap());
                    prop_assert!(slice.bytes()[slice.filled()..].iter().all(|&byte| byte == 0));
                }
            }
            check_nothing_is_lost(&tally);
        }
    }

    #[test]
    fn a_table_gives_every_packet_back_in_an_order_that_no_seed_changes(
        frames in damaged_frames(),
        tunnels in tunnels(),
        max_sessions in 1_usize..6,
        is_whole in any::<bool>(),
    ) {
        let options = CutOptions {
            tunnels,
            max_sessions: max_sessions.try_into().unwrap(),
            end_rule: if is_whole { EndRule::Capture } else { EndRule::timeout() },
            ..CutOptions::default()
        };
        let run = |seed| {
            let mut table = SessionTable::new(options.clone(), seed);
            let mut sessions = Vec::new();
            for (link_type, record) in &frames {
                table.push(&record.frame(LinkType(*link_type)), &mut |session| sessions.push(session));
                assert!(table.open_sessions() <= max_sessions);
                check_nothing_is_lost(table.tally());
            }
            table.finish(&mut |session| sessions.push(session));
            (sessions, table.tally().clone())
        };
        let (sessions, tally) = run(1);
        prop_assert_eq!(sessions.iter().map(|session| session.packets).sum::<u64>(), tally.packets);
        prop_assert_eq!(sessions.len() as u64, tally.sessions());
        prop_assert_eq!((sessions, tally), run(2));
    }
}

#[test]
fn the_seeds_are_good_packets() {
    let mut total = Tally::default();
    for link_type in LINK_TYPES {
        let records: Vec<_> = seeds()
            .into_iter()
            .filter(|(of, _)| *of == link_type)
            .map(|(_, bytes)| synth::record(0, bytes))
            .collect();
        let options = CutOptions {
            tunnels: Tunnels::Inner,
            ..CutOptions::default()
        };
        total += cut_frames(LinkType(link_type), &records, &options).1;
    }
    assert_eq!(total.skipped(), 0, "{total}");
    assert_eq!(total.tunnels.get(&TunnelKind::Gre), Some(&2));
}
