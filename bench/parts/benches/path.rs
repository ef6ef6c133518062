//! Parts of the packet path: reading frames, decoding them, cutting slices, cutting sessions.
//!
//! The capture is made of the repository's sample, over and over under other addresses, so that
//! it has as many sessions as are asked for; it is in memory, so that only the path is measured.

use std::{hint::black_box, io::Cursor, num::NonZeroUsize, ops::ControlFlow, path::Path};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use traffic::{
    capture::CaptureReader,
    cut::cut,
    decode::{Decoder, Tunnels},
    link::LinkType,
    policy::BytePolicy,
    session_table::{CutOptions, EndRule},
    slice::Slice,
    synth::{self, Record},
    tally::Tally,
};

/// Frames of the sample, Ethernet with IPv4 only.
fn sample() -> Vec<Record> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/sample.pcap");
    let mut reader = CaptureReader::open(&path).expect("the sample is in the repository");
    let mut records = Vec::new();
    while let Some(frame) = reader.next_frame().expect("the sample reads well") {
        if frame.bytes[12..14] == [0x08, 0x00] {
            let nanoseconds = frame.timestamp.nanoseconds();
            records.push(synth::record(nanoseconds, frame.bytes.to_vec()));
        }
    }
    records
}

/// The sample `copies` times side by side, each under other addresses.
fn capture(copies: usize) -> Vec<u8> {
    let mut records = Vec::new();
    for record in sample() {
        for copy in 0..copies as u16 {
            let mut other = record.clone();
            let [upper, lower] = copy.to_be_bytes();
            // The middle bytes of both addresses.
            for at in [27, 31] {
                other.bytes[at] ^= upper;
                other.bytes[at + 1] ^= lower;
            }
            records.push(other);
        }
    }
    synth::pcap(LinkType::ETHERNET, &records)
}

fn reader(capture: &[u8]) -> CaptureReader {
    CaptureReader::new(Box::new(Cursor::new(capture.to_vec()))).expect("a capture made here")
}

fn frames(criterion: &mut Criterion) {
    let capture = capture(10);
    let mut group = criterion.benchmark_group("frames");
    group.throughput(Throughput::Bytes(capture.len() as u64));
    group.bench_function("read", |bencher| {
        bencher.iter(|| {
            let mut reader = reader(&capture);
            let mut bytes = 0;
            while let Ok(Some(frame)) = reader.next_frame() {
                bytes += frame.bytes.len();
            }
            bytes
        });
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| {
            let mut reader = reader(&capture);
            let mut decoder = Decoder::new(Tunnels::Outer);
            let mut tally = Tally::default();
            while let Ok(Some(frame)) = reader.next_frame() {
                black_box(decoder.decode(&frame, &mut tally));
            }
            tally
        });
    });
    group.finish();
}

fn slices(criterion: &mut Criterion) {
    let records = sample();
    let mut group = criterion.benchmark_group("slice of each packet");
    group.throughput(Throughput::Elements(records.len() as u64));
    for name in BytePolicy::names() {
        let policy: BytePolicy = name.parse().expect("a policy's own name");
        let length = NonZeroUsize::new(784).expect("784 is not zero");
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let mut decoder = Decoder::new(Tunnels::Outer);
                let mut tally = Tally::default();
                for record in &records {
                    let frame = record.frame(LinkType::ETHERNET);
                    if let Some(packet) = decoder.decode(&frame, &mut tally) {
                        black_box(Slice::of_packet(&packet, &policy, length));
                    }
                }
            });
        });
    }
    group.finish();
}

/// How cost grows with sessions open side by side.
fn sessions(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("cut");
    group.sample_size(10);
    for copies in [1, 10, 100] {
        let capture = capture(copies);
        group.throughput(Throughput::Bytes(capture.len() as u64));
        for (name, end_rule) in [
            ("timeout", EndRule::timeout()),
            ("capture", EndRule::Capture),
        ] {
            let options = CutOptions {
                end_rule,
                ..CutOptions::default()
            };
            group.bench_function(BenchmarkId::new(name, copies), |bencher| {
                bencher.iter(|| {
                    let mut count = 0;
                    cut(&mut reader(&capture), &options, 1, &mut |session| {
                        count += black_box(session).packets;
                        ControlFlow::Continue(())
                    })
                    .expect("a capture made here");
                    count
                });
            });
        }
    }
    group.finish();
}

criterion_group!(path, frames, slices, sessions);
criterion_main!(path);
