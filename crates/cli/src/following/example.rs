//! Counts for tests of whoever shows them.

use std::num::NonZeroUsize;

use learn::{
    classifier::{Moment, Verdict},
    drift::{Distribution, Latest, Quantity},
};
use traffic::{cut::Cutting, link::LinkType, session::Session, session_table::CutOptions, synth};

use super::{
    counts::Counts,
    health::{Health, Reading},
    judging::Told,
    verdicts::Verdicts,
};

/// Nothing done yet, of a model of one class.
pub(crate) fn counts() -> Counts {
    counts_against(Vec::new())
}

/// Those of a model that was validated on empty sessions, and told of one that is not.
#[cfg(feature = "top")]
pub(crate) fn drifting() -> Counts {
    let counts = counts_against(vec![Distribution {
        of: Quantity::Packets,
        edges: vec![1.0],
        counts: vec![1_000, 0],
    }]);
    counts.tell(&told(Moment::End));
    counts
}

fn counts_against(references: Vec<Distribution>) -> Counts {
    let latest = Latest::new(references, NonZeroUsize::MIN);
    Counts::new(Health::new(Reading::Capture), Verdicts::new(1, latest))
}

/// A verdict at that moment.
pub(super) fn told(moment: Moment) -> Told {
    Told {
        session: Box::new(session()),
        verdict: Verdict::Class {
            label: 0,
            confidence: 0.9,
        },
        moment,
    }
}

/// A session that has ended.
pub(super) fn session() -> Session {
    let frames = synth::Conversation::default().frames();
    let mut cutting = Cutting::new(&CutOptions::default(), 0);
    for frame in &frames {
        cutting.push(&frame.frame(LinkType::ETHERNET), &mut |_| {});
    }
    let mut sessions = Vec::new();
    cutting.finish(&mut |session| sessions.push(session));
    sessions.remove(0)
}
