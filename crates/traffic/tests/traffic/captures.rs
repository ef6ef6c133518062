//! Readers: formats, byte orders, resolutions, compression, damage.

use std::io::{self, Read, Write};

use undertone_traffic::{
    capture::{CaptureFormat, CaptureReader, Compression},
    link::LinkType,
    synth::{self, Conversation, Format, Record, Resolution},
};

use crate::support::read;

const ALL_FORMATS: [Format; 4] = [
    Format {
        big_endian: false,
        resolution: Resolution::Microseconds,
    },
    Format {
        big_endian: true,
        resolution: Resolution::Microseconds,
    },
    Format {
        big_endian: false,
        resolution: Resolution::Nanoseconds,
    },
    Format {
        big_endian: true,
        resolution: Resolution::Nanoseconds,
    },
];

/// Every frame of a capture, and whether it was cut short.
fn frames(reader: &mut CaptureReader) -> (Vec<Record>, bool) {
    let mut records = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        records.push(Record {
            nanoseconds: frame.timestamp.nanoseconds(),
            interface: frame.interface,
            original_length: frame.original_length,
            bytes: frame.bytes.to_vec(),
        });
    }
    (records, reader.cut_short())
}

#[track_caller]
fn check(capture: Vec<u8>, expected: &[Record]) {
    assert_eq!(
        frames(&mut read(capture).unwrap()),
        (expected.to_vec(), false)
    );
}

#[track_caller]
fn check_error(capture: Vec<u8>, expected: &str) {
    let error = match read(capture) {
        Err(error) => error,
        Ok(mut reader) => loop {
            match reader.next_frame() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("no error"),
                Err(error) => break error,
            }
        },
    };
    assert_eq!(error.to_string(), expected);
}

fn conversation() -> Vec<Record> {
    Conversation::default().frames()
}

#[test]
fn pcap_reads_in_every_byte_order_and_resolution() {
    for format in ALL_FORMATS {
        let capture = synth::pcap_as(format, LinkType::ETHERNET, &conversation());
        check(capture, &conversation());
    }
}

#[test]
fn pcapng_reads_in_every_byte_order_and_resolution() {
    for format in ALL_FORMATS {
        let capture = synth::pcapng_as(format, &[LinkType::ETHERNET], &conversation());
        check(capture, &conversation());
    }
}

#[test]
fn the_modified_pcap_format_has_longer_record_headers() {
    let record = synth::record(1_000_000_000, vec![1, 2, 3]);
    let plain = synth::pcap(LinkType::ETHERNET, std::slice::from_ref(&record));
    let mut modified = plain[..40].to_vec();
    modified[..4].copy_from_slice(&0xa1b2_cd34_u32.to_le_bytes());
    modified.extend([0; 8]);
    modified.extend(&plain[40..]);
    check(modified, &[record]);
}

#[test]
fn sections_of_different_byte_order_may_follow_one_another() {
    let mut capture = Vec::new();
    for format in ALL_FORMATS {
        capture.extend(synth::pcapng_as(
            format,
            &[LinkType::ETHERNET],
            &conversation(),
        ));
    }
    // Each section describes an interface of its own.
    let expected: Vec<_> = (0..4)
        .flat_map(|interface| {
            conversation().into_iter().map(move |record| Record {
                interface,
                ..record
            })
        })
        .collect();
    check(capture, &expected);
}

#[test]
fn interfaces_of_one_capture_may_have_different_link_types() {
    let packet = Conversation::default().packets().swap_remove(0);
    let records = [
        synth::record(1_000, synth::ethernet(&packet)),
        Record {
            interface: 1,
            ..synth::record(2_000, packet)
        },
    ];
    let capture = synth::pcapng(&[LinkType::ETHERNET, LinkType::RAW], &records);
    let mut reader = read(capture).unwrap();
    let first = reader.next_frame().unwrap().unwrap().link_type;
    let second = reader.next_frame().unwrap().unwrap().link_type;
    assert_eq!([first, second], [LinkType::ETHERNET, LinkType::RAW]);
}

#[test]
fn a_simple_packet_has_the_time_of_the_frame_before_it() {
    for format in ALL_FORMATS {
        let record = synth::record(5_000_000, vec![9; 61]);
        let mut capture =
            synth::pcapng_as(format, &[LinkType::ETHERNET], std::slice::from_ref(&record));
        let simple =
            synth::pcapng_simple(format, LinkType::ETHERNET, std::slice::from_ref(&record));
        // The last block: 12 bytes of framing, 4 of length, 64 of padded frame.
        capture.extend(&simple[simple.len() - 80..]);
        check(capture, &[record.clone(), record]);
    }
}

#[test]
fn an_obsolete_packet_block_reads_like_an_enhanced_one() {
    let record = synth::record(5_000_000, vec![9; 64]);
    let mut capture = synth::pcapng(&[LinkType::ETHERNET], std::slice::from_ref(&record));
    // 32 bytes of framing and fields, 64 of frame: the block begins 96 bytes before the end.
    let block = capture.len() - 96;
    capture[block] = 2;
    check(capture, &[record]);
}

#[test]
fn compression_is_recognised_by_content() {
    let plain = synth::pcap(LinkType::ETHERNET, &conversation());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&plain).unwrap();
    let gzip = encoder.finish().unwrap();
    let zstd = zstd::encode_all(&*plain, 1).unwrap();
    for (capture, compression) in [
        (plain, None),
        (gzip, Some(Compression::Gzip)),
        (zstd, Some(Compression::Zstd)),
    ] {
        let mut reader = read(capture).unwrap();
        assert_eq!(reader.compression(), compression);
        assert_eq!(reader.format(), CaptureFormat::Pcap);
        assert_eq!(frames(&mut reader), (conversation(), false));
    }
}

#[test]
fn a_compressed_capture_that_breaks_off_is_cut_short() {
    let records: Vec<_> = (0..10_000_u32)
        .map(|number| {
            let noise = number.wrapping_mul(2_654_435_761).to_le_bytes();
            synth::record(0, noise.repeat(20))
        })
        .collect();
    let plain = synth::pcap(LinkType::ETHERNET, &records);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(&plain).unwrap();
    let mut gzip = encoder.finish().unwrap();
    gzip.truncate(gzip.len() / 2);
    let mut zstd = zstd::encode_all(&*plain, 1).unwrap();
    zstd.truncate(zstd.len() / 2);
    for capture in [gzip, zstd] {
        let (_, cut_short) = frames(&mut read(capture).unwrap());
        assert!(cut_short);
    }
}

#[test]
fn a_compressed_capture_that_breaks_off_at_once_is_an_error() {
    let plain = synth::pcap(LinkType::ETHERNET, &conversation());
    let mut zstd = zstd::encode_all(&*plain, 1).unwrap();
    zstd.truncate(10);
    check_error(zstd, "the zstd data break off before the capture begins");
}

#[test]
fn damaged_compression_is_an_error_with_its_place() {
    let records = vec![synth::record(0, vec![7; 100]); 10_000];
    let plain = synth::pcap(LinkType::ETHERNET, &records);
    let mut gzip = Vec::new();
    for half in [&plain[..600_000], &plain[600_000..]] {
        let mut encoder = flate2::write::GzEncoder::new(gzip, flate2::Compression::fast());
        encoder.write_all(half).unwrap();
        gzip = encoder.finish().unwrap();
    }
    // The last eight bytes are checksum and length.
    let checksum = gzip.len() - 8;
    gzip[checksum] ^= 1;
    let mut reader = read(gzip).unwrap();
    let error = loop {
        match reader.next_frame() {
            Ok(frame) => assert!(frame.is_some(), "no error"),
            Err(error) => break error.to_string(),
        }
    };
    let start = "the gzip data are damaged after byte ";
    assert!(error.starts_with(start), "{error}");
}

#[test]
fn what_expands_to_more_than_is_allowed_is_an_error_behind_what_was_allowed() {
    let records = vec![synth::record(0, vec![0; 100]); 10_000];
    let plain = synth::pcap(LinkType::ETHERNET, &records);
    let zstd = zstd::encode_all(&*plain, 1).unwrap();
    let whole = plain.len() as u64;
    for (most, expected) in [(whole, 10_000), (whole / 2, 1)] {
        let source = Box::new(io::Cursor::new(zstd.clone()));
        let mut reader = CaptureReader::expanding_to(source, most).unwrap();
        let mut found = 0;
        let error = loop {
            match reader.next_frame() {
                Ok(Some(_)) => found += 1,
                Ok(None) => break None,
                Err(error) => break Some(error.to_string()),
            }
        };
        assert!(found >= expected, "{found} frames of {most} bytes");
        let told = format!("expand to more than {most} bytes");
        assert_eq!(
            error.map(|error| error.contains(&told)),
            (most < whole).then_some(true)
        );
    }
    // What is not compressed has the length that it has.
    let source = Box::new(io::Cursor::new(plain));
    let mut reader = CaptureReader::expanding_to(source, 1).unwrap();
    assert_eq!(frames(&mut reader).0.len(), 10_000);
}

#[test]
fn a_cut_capture_gives_what_is_left_of_its_last_frame() {
    let record = synth::record(0, (0..60).collect());
    for whole in [
        synth::pcap(LinkType::ETHERNET, std::slice::from_ref(&record)),
        synth::pcapng(&[LinkType::ETHERNET], std::slice::from_ref(&record)),
    ] {
        // A pcapng block ends with its length, behind the frame.
        let behind = if whole[0] == 0x0a { 4 } else { 0 };
        let cut = whole[..whole.len() - behind - 20].to_vec();
        let expected = record.clone().snapped(40);
        assert_eq!(frames(&mut read(cut).unwrap()), (vec![expected], true));
    }
}

#[test]
fn a_capture_cut_within_a_record_header_gives_the_frames_before_it() {
    let records = conversation();
    let mut capture = synth::pcap(LinkType::ETHERNET, &records[..1]);
    capture.extend([0; 15]);
    assert_eq!(
        frames(&mut read(capture).unwrap()),
        (records[..1].to_vec(), true)
    );
}

#[test]
fn an_empty_source_is_an_error() {
    check_error(Vec::new(), "the capture is empty (0 bytes)");
}

#[test]
fn three_bytes_are_an_error() {
    check_error(vec![1, 2, 3], "neither pcap nor pcapng: only 3 bytes long");
}

#[test]
fn an_unknown_magic_says_what_it_looks_like() {
    check_error(
        b"PK\x03\x04....".to_vec(),
        "neither pcap nor pcapng: the first bytes are 0x504b0304, it looks like zip: expand it first",
    );
    check_error(
        b"\x7fELF....".to_vec(),
        "neither pcap nor pcapng: the first bytes are 0x7f454c46",
    );
}

#[test]
fn a_file_header_that_is_not_whole_is_an_error() {
    let capture = synth::pcap(LinkType::ETHERNET, &[]);
    check_error(
        capture[..10].to_vec(),
        "the file header needs 24 bytes, 10 are there",
    );
}

#[test]
fn a_length_of_four_gigabytes_is_an_error_with_its_place() {
    let mut capture = synth::pcap(LinkType::ETHERNET, &conversation()[..1]);
    let offset = capture.len();
    capture.extend([0; 8]);
    capture.extend([0xff; 8]);
    check_error(
        capture,
        &format!(
            "record 1 at byte {offset} makes no sense: it claims 4294967295 bytes, the limit is 16777216"
        ),
    );
}

#[test]
fn a_block_of_four_gigabytes_is_an_error_with_its_place() {
    let mut capture = synth::pcapng(&[LinkType::ETHERNET], &[]);
    let offset = capture.len();
    capture.extend([6, 0, 0, 0, 0xfc, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    // Blocks before it: section, interface, one nobody knows.
    check_error(
        capture,
        &format!(
            "record 3 at byte {offset} makes no sense: it claims 4294967292 bytes, the limit is 67108864"
        ),
    );
}

#[test]
fn a_packet_of_an_interface_that_is_not_described_is_an_error() {
    let record = Record {
        interface: 3,
        ..synth::record(0, vec![0; 60])
    };
    let capture = synth::pcapng(&[LinkType::ETHERNET], &[record]);
    let mut reader = read(capture).unwrap();
    let error = reader.next_frame().unwrap_err().to_string();
    assert!(
        error.ends_with("a packet of interface 3, the section describes 1"),
        "{error}"
    );
    assert!(reader.next_frame().unwrap().is_none());
}

/// A source that would be endless: a small block, then zeros that a length field claims.
struct Endless {
    front: io::Cursor<Vec<u8>>,
    given: u64,
}

impl Read for Endless {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.front.read(buffer)? {
            0 => {
                let count = buffer.len().min(4096);
                buffer[..count].fill(0);
                self.given += count as u64;
                assert!(self.given < 1 << 27, "read far beyond any limit");
                Ok(count)
            }
            count => Ok(count),
        }
    }
}

#[test]
fn an_endless_source_of_nonsense_ends() {
    let front = synth::pcapng(&[LinkType::ETHERNET], &conversation());
    let mut reader = CaptureReader::new(Box::new(Endless {
        front: io::Cursor::new(front),
        given: 0,
    }))
    .unwrap();
    let mut count = 0;
    while let Ok(Some(_)) = reader.next_frame() {
        count += 1;
    }
    assert_eq!(count, conversation().len());
}

#[test]
fn a_decompression_bomb_is_expanded_as_a_stream() {
    // 64 MiB of zeros behind one frame: as records they are empty frames, 16 bytes each.
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let front = synth::pcap(LinkType::ETHERNET, &conversation()[..1]);
    encoder.write_all(&front).unwrap();
    for _ in 0..64 {
        encoder.write_all(&vec![0; 1 << 20]).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    let mut reader = read(bomb).unwrap();
    let mut count = 0_u64;
    while reader.next_frame().unwrap().is_some() {
        count += 1;
    }
    assert_eq!(count, 1 + (64 << 20) / 16);
}
