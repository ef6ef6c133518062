//! Asking the network: in turns with cutting, or on a thread beside it.

use std::{
    sync::mpsc::{Receiver, SyncSender, channel, sync_channel},
    thread::Scope,
};

use traffic::session::Session;

use super::{Classifier, Said, Verdict};

/// Batches that may wait for the network; with the one it is busy with and the one being filled,
/// all that is held of ended sessions.
const WAITING: usize = 2;

/// Sessions and what is said of them, `[sessions]` each.
pub(super) struct Answered {
    pub(super) sessions: Vec<Session>,
    pub(super) verdicts: Vec<Verdict>,
    /// What those of them say that are windows, in their order.
    pub(super) said: Vec<Option<Said>>,
}

impl Answered {
    fn by(classifier: &Classifier, sessions: Vec<Session>) -> Self {
        let (verdicts, said) = classifier.answer(&sessions);
        Self {
            sessions,
            verdicts,
            said,
        }
    }
}

/// A network that is asked about batches of sessions, and answers them in their order.
pub(super) enum Asking<'a> {
    /// It answers while it is asked.
    InTurns {
        classifier: &'a Classifier,
        answered: Option<Answered>,
    },
    /// It answers while sessions are cut.
    Beside {
        asked: SyncSender<Vec<Session>>,
        answered: Receiver<Answered>,
    },
}

impl<'a> Asking<'a> {
    pub(super) fn in_turns(classifier: &'a Classifier) -> Self {
        Self::InTurns {
            classifier,
            answered: None,
        }
    }

    /// Starts a thread that ends when nobody asks or nobody listens.
    pub(super) fn beside<'scope>(
        scope: &'scope Scope<'scope, '_>,
        classifier: &'scope Classifier,
    ) -> Self {
        let (asked, questions) = sync_channel::<Vec<Session>>(WAITING);
        let (answers, answered) = channel();
        scope.spawn(move || {
            for sessions in questions {
                let answered = Answered::by(classifier, sessions);
                if answers.send(answered).is_err() {
                    break;
                }
            }
        });
        Self::Beside { asked, answered }
    }

    /// Asks about a batch; waits where the network is too far behind.
    pub(super) fn ask(&mut self, sessions: Vec<Session>) {
        match self {
            Self::InTurns {
                classifier,
                answered,
            } => {
                *answered = Some(Answered::by(classifier, sessions));
            }
            // Nobody takes it after a panic only, which the end of the scope brings up.
            Self::Beside { asked, .. } => drop(asked.send(sessions)),
        }
    }

    /// The next answer, if there already is one.
    pub(super) fn ready(&mut self) -> Option<Answered> {
        match self {
            Self::InTurns { answered, .. } => answered.take(),
            Self::Beside { answered, .. } => answered.try_recv().ok(),
        }
    }

    /// All answers that are still to come.
    pub(super) fn rest(self) -> impl Iterator<Item = Answered> {
        let (ready, coming) = match self {
            Self::InTurns { answered, .. } => (answered, None),
            // With `asked` gone, the other end stops after what it has.
            Self::Beside { answered, .. } => (None, Some(answered)),
        };
        ready.into_iter().chain(coming.into_iter().flatten())
    }
}
