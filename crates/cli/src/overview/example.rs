//! Sessions and verdicts for tests of screens.

use learn::classifier::{Moment, Verdict};
use traffic::{
    capture::CaptureReader,
    cut::Cutting,
    link::LinkType,
    session::Session,
    session_table::{CutOptions, Glimpses},
    synth::{self, Conversation},
    timestamp::Timestamp,
};

use super::{Extent, Overview};
use crate::following::{News, Told};

/// When the examples begin.
const START: i64 = 1_456_790_400_000_000_000;

/// A session as it is after four packets, and as it is once it has ended.
pub(crate) fn glimpse_and_end() -> [Session; 2] {
    let records = Conversation {
        start_nanoseconds: START,
        ..Conversation::default()
    }
    .frames();
    let capture = std::io::Cursor::new(synth::pcap(LinkType::ETHERNET, &records));
    let mut reader = CaptureReader::new(Box::new(capture)).unwrap();
    let options = CutOptions {
        glimpses: Glimpses {
            packets: vec![4],
            ..Glimpses::default()
        },
        ..CutOptions::default()
    };
    let mut cutting = Cutting::new(&options, 0);
    let mut found = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        cutting.push(&frame, &mut |session| found.push(session));
    }
    cutting.finish(&mut |session| found.push(session));
    found.try_into().unwrap()
}

/// That it is of a class.
pub(crate) fn class(label: u32) -> Verdict {
    Verdict::Class {
        label,
        confidence: 0.9,
    }
}

/// That this was said of a session.
pub(crate) fn told(session: &Session, verdict: Verdict, moment: Moment) -> News {
    News::Told(Told {
        session: Box::new(session.clone()),
        verdict,
        moment,
    })
}

/// Ten seconds of five sessions, one of which is still open.
pub(crate) fn overview() -> Overview {
    let classes = ["Chat", "Streaming", "VPN-Chat"].map(str::to_owned);
    let mut overview = Overview::of_classes(&classes, Extent::Whole);
    let [glimpse, end] = glimpse_and_end();
    let unknown = Verdict::Unknown {
        nearest: 1,
        confidence: 0.412,
    };
    for (number, from, to, bytes, verdict) in [
        (1, 0, 9, 18_000, class(0)),
        (2, 2, 6, 1_300_000, class(1)),
        (3, 5, 10, 400_000, class(2)),
        (4, 8, 9, 90_000, unknown),
        (5, 9, 9, 812, Verdict::Empty),
    ] {
        let second = |second: i64| Timestamp::from_nanoseconds(START + second * 1_000_000_000);
        let is_open = number == 3;
        let mut session = Session {
            start: second(from),
            end: second(to),
            packets: bytes / 600 + 1,
            bytes,
            ..if is_open { &glimpse } else { &end }.clone()
        };
        session.five_tuple.source.set_port(40_000 + number);
        let moment = if is_open { Moment::First } else { Moment::End };
        overview.hear(&told(&session, verdict, moment));
    }
    overview
}
