//! Any bytes as a capture, cut into sessions under options that the first bytes choose: the same
//! sessions in stages on threads as in one go, and nothing lost.
#![no_main]

use std::{
    io::Cursor,
    num::{NonZeroU64, NonZeroUsize},
    ops::ControlFlow,
};

use libfuzzer_sys::fuzz_target;
use traffic::{
    capture::CaptureReader,
    cut::{CutError, cut, cut_in_stages},
    decode::Tunnels,
    excerpt::ExcerptLimits,
    session::Session,
    session_table::{CutOptions, EndRule, Glimpses, Unit, Windows},
    tally::Tally,
};

fn options(choices: [u8; 3]) -> CutOptions {
    let [shape, ends, most] = choices;
    CutOptions {
        unit: match shape & 3 {
            0 | 1 => Unit::Session,
            2 => Unit::Packet,
            _ => Unit::Window(Windows {
                nanoseconds: NonZeroU64::new(700_000_000).expect("it is not zero"),
                skipped_packets: u32::from(shape >> 6),
            }),
        },
        tunnels: if shape & 4 == 0 {
            Tunnels::Outer
        } else {
            Tunnels::Inner
        },
        packet_slices: usize::from(shape >> 3 & 3),
        excerpts: (shape & 32 != 0).then_some(ExcerptLimits {
            packets: 4,
            packet_bytes: 300,
            bytes: 2000,
            all_bytes: 5000,
        }),
        end_rule: match ends & 3 {
            0 => EndRule::Capture,
            1 => EndRule::timeout(),
            _ => EndRule::Timeout {
                idle_nanoseconds: u64::from(ends) << 24,
                active_nanoseconds: u64::from(ends) << 28,
            },
        },
        glimpses: Glimpses {
            packets: if ends & 4 == 0 {
                Vec::new()
            } else {
                vec![1, 5]
            },
            age_nanoseconds: (ends & 8 != 0).then_some(1_000_000_000),
            every_nanoseconds: None,
        },
        max_sessions: NonZeroUsize::new(1 + usize::from(most)).expect("it is not zero"),
        ..CutOptions::default()
    }
}

type Outcome = (Vec<Session>, Tally);

fn outcome(sessions: Vec<Session>, tally: Result<Tally, CutError>) -> Outcome {
    (sessions, tally.unwrap_or_else(|broken| *broken.tally))
}

fuzz_target!(|data: &[u8]| {
    let [a, b, c, capture @ ..] = data else {
        return;
    };
    let options = options([*a, *b, *c]);
    let open = || CaptureReader::new(Box::new(Cursor::new(capture.to_vec()))).ok();
    let Some(mut reader) = open() else { return };
    let mut sessions = Vec::new();
    let tally = cut(&mut reader, &options, 7, &mut |session| {
        sessions.push(session);
        ControlFlow::Continue(())
    });
    let whole = outcome(sessions, tally);
    let Some(mut reader) = open() else { return };
    let mut sessions = Vec::new();
    let goes_on = &mut || ControlFlow::Continue(());
    let tally = cut_in_stages(&mut reader, &options, 7, goes_on, &mut |session| {
        sessions.push(session);
        ControlFlow::Continue(())
    });
    let staged = outcome(sessions, tally);
    assert_eq!(whole, staged);
});
