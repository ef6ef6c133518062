//! Telling: what a verdict is to those given before on the same session.

use std::collections::BTreeMap;

use traffic::{
    packet::{Context, FiveTuple},
    session::{Session, SessionEnd},
};

use super::Verdict;

/// When in the life of a session a verdict is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Moment {
    /// The session is open, and this is the first.
    First,
    /// The session is open, and this is another than the last.
    Change,
    /// The session is open, and this is the same as the last.
    Again,
    /// The session has ended: this is the last.
    End,
}

impl Moment {
    /// Its name, as in records.
    pub fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Change => "change",
            Self::Again => "again",
            Self::End => "end",
        }
    }
}

/// What no two open sessions have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SessionName {
    five_tuple: FiveTuple,
    context: Context,
}

impl From<&Session> for SessionName {
    fn from(session: &Session) -> Self {
        Self {
            five_tuple: session.five_tuple,
            context: session.context,
        }
    }
}

/// What was said last of each open session.
///
/// It holds as much as there are open sessions of which something was said, if it hears of every
/// end, be it by [`Telling::moment`] or by [`Telling::forget`].
#[derive(Debug, Default)]
pub struct Telling {
    last: BTreeMap<SessionName, Said>,
}

/// A verdict without its confidence, which changes with every packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Said {
    Class(u32),
    Unknown,
    Background,
}

impl Telling {
    /// When in the session's life this verdict comes; none if there is nothing to tell yet.
    pub fn moment(&mut self, session: &Session, verdict: Verdict) -> Option<Moment> {
        let name = SessionName::from(session);
        if session.end_reason != SessionEnd::Open {
            self.last.remove(&name);
            return Some(Moment::End);
        }
        let said = match verdict {
            Verdict::Class { label, .. } => Said::Class(label),
            Verdict::Unknown { .. } => Said::Unknown,
            Verdict::Background(_) => Said::Background,
            // Payload may still come.
            Verdict::Empty => return None,
        };
        Some(match self.last.insert(name, said) {
            None => Moment::First,
            Some(last) if last == said => Moment::Again,
            Some(_) => Moment::Change,
        })
    }

    /// Nothing more will be said of that session, though nothing was said of its end.
    pub fn forget(&mut self, name: SessionName) {
        self.last.remove(&name);
    }

    /// Open sessions of which something was said.
    pub fn len(&self) -> usize {
        self.last.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.last.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::ops::ControlFlow;

    use traffic::{
        capture::CaptureReader, cut::cut, link::LinkType, session_table::CutOptions, synth,
    };

    use super::*;

    fn class(label: u32, confidence: f64) -> Verdict {
        Verdict::Class { label, confidence }
    }

    const UNKNOWN: Verdict = Verdict::Unknown {
        nearest: 0,
        confidence: 0.4,
    };

    fn session() -> Session {
        let frames = synth::Conversation::default().frames();
        let capture = std::io::Cursor::new(synth::pcap(LinkType::ETHERNET, &frames));
        let mut reader = CaptureReader::new(Box::new(capture)).unwrap();
        let mut found = None;
        cut(&mut reader, &CutOptions::default(), 0, &mut |session| {
            found = Some(session);
            ControlFlow::Break(())
        })
        .unwrap();
        found.unwrap()
    }

    #[track_caller]
    fn check(verdicts: &[Verdict], expected: &[Option<Moment>]) {
        let open = Session {
            end_reason: SessionEnd::Open,
            ..session()
        };
        let mut telling = Telling::default();
        let found: Vec<_> = verdicts
            .iter()
            .map(|&verdict| telling.moment(&open, verdict))
            .collect();
        assert_eq!(found, expected);
        assert_eq!(telling.moment(&session(), UNKNOWN), Some(Moment::End));
        assert!(telling.is_empty());
    }

    #[test]
    fn a_verdict_is_the_first_the_same_or_another() {
        use Moment::{Again, Change, First};
        check(
            &[
                class(1, 0.9),
                class(1, 0.8),
                class(2, 0.8),
                UNKNOWN,
                class(2, 0.8),
            ],
            &[First, Again, Change, Change, Change].map(Some),
        );
    }

    #[test]
    fn nothing_is_told_before_there_is_payload() {
        check(
            &[Verdict::Empty, class(1, 0.9)],
            &[None, Some(Moment::First)],
        );
    }

    #[test]
    fn a_forgotten_session_takes_no_memory() {
        let open = Session {
            end_reason: SessionEnd::Open,
            ..session()
        };
        let mut telling = Telling::default();
        telling.moment(&open, UNKNOWN);
        assert_eq!(telling.len(), 1);
        telling.forget(SessionName::from(&open));
        assert!(telling.is_empty());
    }
}
