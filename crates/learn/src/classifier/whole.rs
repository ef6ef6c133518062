//! Whole sessions: put together again from their windows, with the verdict these agree on.

use std::{collections::HashMap, ops::ControlFlow};

use traffic::{
    session::{Session, SessionEnd, Volume, Window},
    slice::Slice,
};

use super::{Classifier, Verdict, asking::Answered, verdict_of};
use crate::{rejection::Assessment, windows::Ballot};

/// What the network says of a window.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    /// Of each class, `[classes]`.
    pub(super) probabilities: Vec<f64>,
    pub(super) familiarity: f64,
}

/// The sessions of a capture of which some windows have ended and others not: as many as the session
/// table holds open at most, and those that wait for the network.
pub(super) struct Wholes<'a> {
    classifier: &'a Classifier,
    open: HashMap<u64, Whole>,
}

struct Whole {
    session: Session,
    ballot: Ballot,
    /// The last verdict on a window that the network was not asked about.
    unasked: Verdict,
}

impl<'a> Wholes<'a> {
    pub(super) fn new(classifier: &'a Classifier) -> Self {
        Self {
            classifier,
            open: HashMap::new(),
        }
    }

    /// Tells sessions and their verdicts, until nobody wants to hear more; behind the last window of
    /// a session, the whole of it.
    pub(super) fn tell(
        &mut self,
        answered: &Answered,
        sink: &mut dyn FnMut(&Session, Verdict) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut said = answered.said.iter();
        for (session, &verdict) in answered.sessions.iter().zip(&answered.verdicts) {
            sink(session, verdict)?;
            let Some(window) = session.window else {
                continue;
            };
            self.add(
                window,
                session,
                verdict,
                said.next().and_then(Option::as_ref),
            );
            if session.end_reason != SessionEnd::Window
                && let Some(whole) = self.open.remove(&window.session)
            {
                self.tell_whole(&whole, sink)?;
            }
        }
        ControlFlow::Continue(())
    }

    /// Tells what is known of sessions whose last window never came, because reading was stopped.
    pub(super) fn tell_rest(
        &mut self,
        sink: &mut dyn FnMut(&Session, Verdict) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut rest: Vec<(u64, Whole)> = self.open.drain().collect();
        rest.sort_unstable_by_key(|(number, _)| *number);
        rest.iter()
            .try_for_each(|(_, whole)| self.tell_whole(whole, sink))
    }

    fn add(&mut self, window: Window, part: &Session, verdict: Verdict, said: Option<&Said>) {
        let classes = self.classifier.model.contract().shape.classes;
        let whole = self.open.entry(window.session).or_insert_with(|| Whole {
            session: Session {
                packets: 0,
                bytes: 0,
                payload_bytes: 0,
                forward: Volume::default(),
                slice: Slice::empty(self.classifier.options.cut.slice_length),
                packet_slices: Vec::new(),
                summaries: Vec::new(),
                excerpt: None,
                window: None,
                ..part.clone()
            },
            ballot: Ballot::new(classes),
            unasked: verdict,
        });
        let session = &mut whole.session;
        session.end = session.end.max(part.end);
        session.packets += part.packets;
        session.bytes += part.bytes;
        session.payload_bytes += part.payload_bytes;
        session.forward.packets += part.forward.packets;
        session.forward.bytes += part.forward.bytes;
        session.tcp_flags = part.tcp_flags;
        session.end_reason = part.end_reason;
        match said {
            Some(said) => whole.ballot.add(&said.probabilities, said.familiarity),
            None => whole.unasked = verdict,
        }
    }

    fn tell_whole(
        &self,
        whole: &Whole,
        sink: &mut dyn FnMut(&Session, Verdict) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let Whole {
            session,
            ballot,
            unasked,
        } = whole;
        if ballot.windows() == 0 {
            return sink(session, *unasked);
        }
        let (label, confidence) = ballot.result();
        let familiarity = ballot.familiarity();
        let own = self.classifier.model.rejection_rule().1;
        let threshold = self.classifier.options.threshold.unwrap_or(own);
        let verdict = verdict_of(Assessment {
            label,
            confidence,
            familiarity,
            // Damaged weights can give no number, which is below no threshold either.
            is_unknown: familiarity.is_nan() || familiarity < threshold,
        });
        sink(session, verdict)
    }
}
