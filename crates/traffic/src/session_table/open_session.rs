//! An open session: how it is found, and what decides when it ends.

use super::{
    EndRule, LINGER_NANOSECONDS,
    arrival::Arrival,
    key::{End, SessionKey},
    notes::Outline,
    windows::Course,
};
use crate::{
    packet::{Context, Direction, Protocol},
    session::SessionEnd,
    timestamp::Timestamp,
};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;

/// Who is open; what is kept of it is in the notes.
pub(super) struct OpenSession {
    pub(super) key: SessionKey,
    /// Time of the latest packet.
    pub(super) latest: Timestamp,
    pub(super) start: Timestamp,
    /// How many sessions were opened before it.
    pub(super) number: u64,
    /// Packets so far, as far as they count.
    pub(super) packets: u64,
    /// What few sessions have.
    pub(super) rarities: Option<Box<Rarities>>,
    /// Of its key and context.
    pub(super) hash: u32,
    pub(super) tcp_flags: [u8; 2],
    pub(super) client: End,
}

/// What few sessions have.
#[derive(Default)]
pub(super) struct Rarities {
    context: Context,
    /// Where it is, if it is cut into windows: then everything else is of the present window.
    pub(super) course: Option<Course>,
}

impl OpenSession {
    /// A session that this packet begins, and does not yet hold.
    pub(super) fn begin(first: &Arrival, number: u64) -> Self {
        Self {
            key: first.key,
            latest: first.timestamp,
            start: first.timestamp,
            number,
            packets: 0,
            rarities: first.key.is_in_context().then(|| {
                Box::new(Rarities {
                    context: first.context,
                    course: None,
                })
            }),
            hash: first.hash,
            tcp_flags: [0; 2],
            client: first.sender,
        }
    }

    /// What its packets were wrapped in.
    pub(super) fn context(&self) -> Context {
        let rarities = self.rarities.as_ref();
        rarities
            .map(|rarities| rarities.context)
            .unwrap_or_default()
    }

    /// What is to be told of it.
    pub(super) fn outline(&self) -> Outline {
        Outline {
            key: self.key,
            client: self.client,
            context: self.context(),
            start: self.start,
            latest: self.latest,
            tcp_flags: self.tcp_flags,
            window: self.window(),
        }
    }

    /// Whether a packet is of its key and context.
    pub(super) fn is_of(&self, packet: &Arrival) -> bool {
        self.key == packet.key && (!self.key.is_in_context() || self.context() == packet.context)
    }

    pub(super) fn direction(&self, sender: End) -> Direction {
        if sender == self.client {
            Direction::Forward
        } else {
            Direction::Backward
        }
    }

    /// Notes of a packet of its key only that there was one.
    pub(super) fn pass_over(&mut self, packet: &Arrival) {
        self.latest = self.latest.max(packet.timestamp);
        self.tcp_flags[self.direction(packet.sender) as usize] |= packet.tcp_flags;
    }

    /// Takes in a packet of its key.
    pub(super) fn add(&mut self, packet: &Arrival) {
        self.pass_over(packet);
        self.packets += 1;
    }

    /// Whether TCP has said that it is over.
    pub(super) fn is_closed(&self) -> bool {
        let [forward, backward] = self.tcp_flags;
        self.key.protocol() == Protocol::Tcp
            && (forward & backward & FIN != 0 || (forward | backward) & RST != 0)
    }

    /// Why this packet, though of the same key, belongs to the next session; `None` if not.
    pub(super) fn end_before(&self, packet: &Arrival, rule: EndRule) -> Option<SessionEnd> {
        let EndRule::Timeout {
            idle_nanoseconds,
            active_nanoseconds,
        } = rule
        else {
            return None;
        };
        let silence = packet.timestamp.nanoseconds_since(self.latest);
        let age = packet.timestamp.nanoseconds_since(self.first_seen());
        if self.is_closed() {
            let is_over =
                packet.tcp_flags & SYN != 0 || silence > LINGER_NANOSECONDS.min(idle_nanoseconds);
            is_over.then_some(SessionEnd::Closed)
        } else if silence > idle_nanoseconds {
            Some(SessionEnd::Idle)
        } else if age > active_nanoseconds {
            Some(SessionEnd::Active)
        } else {
            None
        }
    }

    /// How old it is by that time, in nanoseconds.
    pub(super) fn age(&self, now: Timestamp) -> u64 {
        now.nanoseconds_since(self.start)
    }

    /// How far ahead of that time it began, in nanoseconds.
    pub(super) fn is_ahead_by(&self, now: Timestamp) -> u64 {
        self.start.nanoseconds_since(now)
    }
}
