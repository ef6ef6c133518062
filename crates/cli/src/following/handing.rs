//! Handing sessions to the network: a bounded queue that holds nobody up on a wire.

use std::sync::mpsc::{SyncSender, TrySendError};

use learn::classifier::SessionName;
use traffic::{
    session::{Session, SessionEnd},
    session_table::Glimpses,
};

use super::{counts::Counts, source::Source};

/// Sessions that may wait for the network, and verdicts for whoever writes them: some 20 MB.
pub(crate) const QUEUE: usize = 8_192;

/// A session that the network is asked about, or that has only grown.
pub(super) struct Question {
    /// The session, open or ended.
    pub(super) session: Box<Session>,
    /// Whether the network has been asked all there is to ask until the session ends.
    pub(super) has_only_grown: bool,
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
    /// Open sessions of more packets are watched, and not asked about.
    most_packets: u64,
    forgotten: Vec<SessionName>,
    is_over: bool,
}

impl<'a> Handing<'a> {
    /// For the sessions of that source, and glimpses of those that are open.
    pub(super) fn new(
        asked: SyncSender<Question>,
        source: &Source,
        counts: &'a Counts,
        glimpses: &Glimpses,
    ) -> Self {
        Self {
            asked,
            counts,
            patience: if source.waits() {
                Patience::Wait
            } else {
                Patience::LeaveOut
            },
            most_packets: if glimpses.every_nanoseconds.is_some() {
                glimpses.packets.iter().copied().max().unwrap_or(0)
            } else {
                u64::MAX
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

    /// Asks about a session, or tells that it has grown.
    pub(super) fn hand(&mut self, session: Session) {
        if self.is_over {
            return;
        }
        let is_open = session.end_reason == SessionEnd::Open;
        // The second half of the queue is for verdicts that cannot be had again.
        let waiting = self.counts.waiting();
        let (is_filling, is_full) = (waiting >= QUEUE / 2, waiting >= QUEUE);
        let has_only_grown = is_open && session.packets > self.most_packets;
        if is_open && is_filling && self.patience == Patience::LeaveOut {
            self.leave_out_open(has_only_grown);
            return;
        }
        let question = Question {
            session: Box::new(session),
            has_only_grown,
            forgotten: std::mem::take(&mut self.forgotten),
        };
        self.counts.wait();
        let refused = match self.patience {
            Patience::Wait => self.asked.send(question).map_err(|_| None),
            // Also where those that wait have been taken out of the queue.
            Patience::LeaveOut if is_full => Err(Some(question)),
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
            self.leave_out_open(question.has_only_grown);
        } else {
            self.counts.leave_out_ended();
            let name = SessionName::from(&*question.session);
            self.forgotten.push(name);
        }
    }

    /// What has only grown is told of again before long.
    fn leave_out_open(&self, has_only_grown: bool) {
        if !has_only_grown {
            self.counts.leave_out_early();
        }
    }
}
