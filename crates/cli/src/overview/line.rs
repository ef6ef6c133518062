//! A line of the table of sessions: what is known of one, and said of it last.

use std::net::SocketAddr;

use learn::classifier::Verdict;
use traffic::{
    packet::Protocol,
    session::{Session, SessionEnd},
    timestamp::Timestamp,
};

/// One session.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) protocol: Protocol,
    pub(crate) client: SocketAddr,
    pub(crate) server: SocketAddr,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    pub(crate) packets: u64,
    pub(crate) bytes: u64,
    /// Why it ended, or that it is open.
    pub(crate) end_reason: SessionEnd,
    /// What was said last, if anything was.
    pub(crate) verdict: Option<Verdict>,
    /// The group of that verdict.
    pub(crate) group: Option<usize>,
    /// How much had been heard before this was.
    pub(super) heard: u64,
    /// How many of its bytes are on the timeline, and until when.
    pub(super) drawn: (u64, Timestamp),
}

impl Line {
    /// Of a session that nothing was said of yet.
    pub(super) fn of(session: &Session) -> Self {
        Self {
            protocol: session.five_tuple.protocol,
            client: session.five_tuple.source,
            server: session.five_tuple.destination,
            start: session.start,
            end: session.end,
            packets: session.packets,
            bytes: session.bytes,
            end_reason: SessionEnd::Open,
            verdict: None,
            group: None,
            heard: 0,
            drawn: (0, session.start),
        }
    }

    /// How sure the last verdict is, where the model was asked.
    pub(crate) fn confidence(&self) -> Option<f64> {
        match self.verdict? {
            Verdict::Class { confidence, .. } | Verdict::Unknown { confidence, .. } => {
                Some(confidence)
            }
            Verdict::Empty | Verdict::Background(_) => None,
        }
    }

    /// Takes over how much there is of the session by now.
    pub(super) fn grow(&mut self, session: &Session) {
        self.end = session.end;
        self.packets = session.packets;
        self.bytes = session.bytes;
        self.end_reason = session.end_reason;
    }
}
