//! Cutting a whole capture: early stops, captures that break, tallies.

use std::ops::ControlFlow;

use undertone_traffic::{
    cut::{Watch, cut, cut_in_stages, cut_watched},
    link::LinkType,
    session::{Session, SessionEnd},
    session_table::{CutOptions, Unit},
    synth::{self, Conversation},
    tally::Tally,
};

use crate::{
    sessions::{ends, other, to_server},
    support::{SEED, cut_frames, read, whole_capture},
};

/// Many packets, and options by which each is a session.
fn packets_alone() -> (Vec<u8>, CutOptions) {
    let records: Vec<_> = (1..100)
        .map(|port| synth::record(i64::from(port), synth::ethernet(&other(port))))
        .collect();
    let options = CutOptions {
        unit: Unit::Packet,
        ..CutOptions::default()
    };
    (synth::pcap(LinkType::ETHERNET, &records), options)
}

/// A sink that counts what it is given, and stops at the third.
fn stop_at_the_third(given: &mut u32) -> impl FnMut(Session) -> ControlFlow<()> {
    move |_| {
        *given += 1;
        if *given == 3 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }
}

#[test]
fn a_sink_may_stop_a_capture() {
    let (capture, options) = packets_alone();
    let mut given = 0;
    let reader = &mut read(capture).unwrap();
    let tally = cut(reader, &options, SEED, &mut stop_at_the_third(&mut given));
    assert_eq!((given, tally.unwrap().frames), (3, 3));
}

#[test]
fn a_capture_whose_sessions_end_with_it_can_be_stopped_at_any_frame() {
    let capture = synth::pcap(LinkType::ETHERNET, &Conversation::default().frames());
    let (mut seen, mut given) = (0, 0);
    let tally = cut_watched(
        &mut read(capture).unwrap(),
        &whole_capture(),
        SEED,
        Watch {
            frame: &mut |_| {
                seen += 1;
                if seen == 5 {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
            session: &mut |_| {
                given += 1;
                ControlFlow::Continue(())
            },
        },
    );
    // The fifth frame was seen and not cut; the session of the four before it was still open.
    assert_eq!((seen, given, tally.unwrap().frames), (5, 0, 4));
}

#[test]
fn a_capture_that_breaks_still_gives_the_sessions_before() {
    let mut capture = synth::pcap(LinkType::ETHERNET, &Conversation::default().frames());
    capture.extend([0xff; 16]);
    let mut sessions = Vec::new();
    let error = cut(
        &mut read(capture).unwrap(),
        &CutOptions::default(),
        SEED,
        &mut |session| {
            sessions.push(session);
            ControlFlow::Continue(())
        },
    )
    .unwrap_err();
    assert_eq!(ends(&sessions), [(8, SessionEnd::Closed)]);
    assert_eq!((error.tally.frames, error.tally.sessions()), (8, 1));
    assert!(error.error.to_string().starts_with("record 8 at byte "));
}

#[test]
fn cutting_in_stages_can_be_stopped_by_the_sink_and_between_batches() {
    let (capture, options) = packets_alone();
    for (goes_on, expected) in [(ControlFlow::Continue(()), 3), (ControlFlow::Break(()), 0)] {
        let mut given = 0;
        let reader = &mut read(capture.clone()).unwrap();
        let mut sink = stop_at_the_third(&mut given);
        let outcome = cut_in_stages(reader, &options, SEED, &mut || goes_on, &mut sink);
        drop(sink);
        assert!(outcome.is_ok());
        assert_eq!(given, expected);
    }
}

#[test]
fn a_capture_that_breaks_gives_the_sessions_before_in_stages_too() {
    let mut capture = synth::pcap(LinkType::ETHERNET, &Conversation::default().frames());
    capture.extend([0xff; 16]);
    let mut given = 0;
    let error = cut_in_stages(
        &mut read(capture).unwrap(),
        &CutOptions::default(),
        SEED,
        &mut || ControlFlow::Continue(()),
        &mut |_| {
            given += 1;
            ControlFlow::Continue(())
        },
    )
    .unwrap_err();
    assert_eq!((given, error.tally.frames), (1, 8));
    assert!(error.error.to_string().starts_with("record 8 at byte "));
}

#[test]
fn a_tally_is_a_map_of_names_in_json() {
    let mut arp = synth::ethernet(&[0; 46]);
    arp[12..14].copy_from_slice(&[8, 6]);
    let records = [
        synth::record(0, arp),
        synth::record(0, synth::ethernet(&to_server(b"a"))),
    ];
    let (_, tally) = cut_frames(LinkType::ETHERNET, &records, &CutOptions::default());
    let json = serde_json::to_value(&tally).unwrap();
    assert_eq!(json["skips"], serde_json::json!({"arp": 1}));
    assert_eq!(json["link_types"], serde_json::json!({"1": 2}));
    assert_eq!(json["ends"], serde_json::json!({"capture": 1}));
    assert_eq!(serde_json::from_value::<Tally>(json).unwrap(), tally);
}
