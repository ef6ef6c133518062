//! Handing sessions to the network: a bounded queue that holds nobody up on a wire.

use std::sync::mpsc::{SyncSender, TrySendError};

use learn::classifier::SessionName;
use traffic::session::{Session, SessionEnd};

use super::{counts::Counts, source::Source};

/// Sessions that may wait for the network, and verdicts for whoever writes them: some 20 MB.
pub(super) const QUEUE: usize = 8_192;

/// A session that the network is asked about.
pub(super) struct Question {
    /// The session, open or ended.
    pub(super) session: Box<Session>,
    /// Sessions that have ended since the last question, and that nobody asked about.
    pub(super) forgotten: Vec<SessionName>,
}

/// What happens where the network is too far behind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// The capture waits.
    Wait,
    /// The session is left out, and counted: frames do not wait.
    LeaveOut,
}

/// The end of the queue that sessions are put into.
pub(super) struct Handing<'a> {
    asked: SyncSender<Question>,
    counts: &'a Counts,
    patience: Patience,
    forgotten: Vec<SessionName>,
    is_over: bool,
}

impl<'a> Handing<'a> {
    /// For the sessions of that source.
    pub(super) fn new(asked: SyncSender<Question>, source: &Source, counts: &'a Counts) -> Self {
        Self {
            asked,
            counts,
            patience: if source.waits() {
                Patience::Wait
            } else {
                Patience::LeaveOut
            },
            forgotten: Vec::new(),
            is_over: false,
        }
    }

    /// Whether nobody listens any more.
    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    /// What was done so far.
    pub(super) fn counts(&self) -> &'a Counts {
        self.counts
    }

    /// No frames are to come: from here on there is time.
    pub(super) fn wait_from_now_on(&mut self) {
        self.patience = Patience::Wait;
    }

    /// Asks about a session.
    pub(super) fn hand(&mut self, session: Session) {
        if self.is_over {
            return;
        }
        let is_open = session.end_reason == SessionEnd::Open;
        // The second half of the queue is for verdicts that cannot be had again.
        let is_filling = self.counts.waiting() >= QUEUE / 2;
        if is_open && is_filling && self.patience == Patience::LeaveOut {
            self.counts.leave_out_early();
            return;
        }
        let question = Question {
            session: Box::new(session),
            forgotten: std::mem::take(&mut self.forgotten),
        };
        self.counts.wait();
        let refused = match self.patience {
            Patience::Wait => self.asked.send(question).map_err(|_| None),
            Patience::LeaveOut => self.asked.try_send(question).map_err(|error| match error {
                TrySendError::Full(question) => Some(question),
                TrySendError::Disconnected(_) => None,
            }),
        };
        match refused {
            Ok(()) => {}
            Err(None) => self.is_over = true,
            Err(Some(question)) => self.leave_out(question),
        }
    }

    fn leave_out(&mut self, question: Question) {
        self.counts.take(1);
        self.forgotten = question.forgotten;
        if question.session.end_reason == SessionEnd::Open {
            self.counts.leave_out_early();
        } else {
            self.counts.leave_out_ended();
            let name = SessionName::from(&*question.session);
            self.forgotten.push(name);
        }
    }
}
