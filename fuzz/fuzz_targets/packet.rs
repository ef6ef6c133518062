//! Any bytes as a frame of any link type: a packet that lies in the frame, or a counted skip; its
//! slice under each policy, taken apart again.
#![no_main]

use std::num::NonZeroUsize;

use libfuzzer_sys::fuzz_target;
use traffic::{
    capture::Frame,
    decode::{Decoder, Tunnels},
    link::LinkType,
    policy::BytePolicy,
    slice::Slice,
    tally::Tally,
    timestamp::Timestamp,
};

/// Frames of one input, each behind a byte that says its length.
fn frames(mut data: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (&length, rest) = data.split_first()?;
        // Long frames too: the largest length means all that is left.
        let length = match length {
            255 => rest.len(),
            length => rest.len().min(usize::from(length)),
        };
        let (frame, rest) = rest.split_at(length);
        data = rest;
        Some(frame)
    })
}

fuzz_target!(|data: &[u8]| {
    let [link, tunnels, data @ ..] = data else {
        return;
    };
    let tunnels = if tunnels & 1 == 0 {
        Tunnels::Outer
    } else {
        Tunnels::Inner
    };
    let link_type = LinkType(u32::from(*link));
    let mut decoder = Decoder::new(tunnels);
    let mut tally = Tally::default();
    let mut count = 0;
    for bytes in frames(data) {
        count += 1;
        let frame = Frame {
            timestamp: Timestamp::default(),
            link_type,
            interface: 0,
            original_length: bytes.len() as u32,
            bytes,
        };
        let Some(packet) = decoder.decode(&frame, &mut tally) else {
            continue;
        };
        for name in BytePolicy::names() {
            let policy = BytePolicy::named(name).expect("it is one of the names");
            let length = NonZeroUsize::new(784).expect("it is not zero");
            let slice = Slice::of_packet(&packet, &policy, length);
            assert!(slice.filled() <= 784);
        }
    }
    decoder.finish(&mut tally);
    assert_eq!(tally.frames, count);
    let understood = tally.packets + tally.merged_fragments + tally.held_fragments;
    assert_eq!(tally.frames, understood + tally.skipped());
});
