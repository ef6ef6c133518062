//! The plain path: sessions as they were first cut, simple and slow, for the fast path to agree with.
//!
//! A map of keys, a box a session, all sums fed by every packet, and lists that are searched.

use std::collections::HashMap;

use undertone_traffic::{
    background::Background,
    capture::CaptureReader,
    decode::Decoder,
    link::LinkType,
    packet::{Context, Direction, FiveTuple, Packet, Protocol},
    session::{PacketSummary, SUMMARIES, Session, SessionEnd, Volume},
    session_table::{CutOptions, EndRule, LINGER_NANOSECONDS, Unit},
    slice::Slice,
    statistics::{Accumulator, Nature, Observation},
    tally::Tally,
    timestamp::Timestamp,
};

/// A five-tuple in a fixed order, the IP version, and what it was seen in.
type Key = (FiveTuple, u8, Context);

fn key_of(packet: &Packet<'_>) -> Key {
    let tuple = packet.five_tuple;
    let ordered = if tuple.source <= tuple.destination {
        tuple
    } else {
        tuple.reversed()
    };
    (ordered, packet.layout.ip_version, packet.context)
}

/// Sessions and tally of a capture, as far as it can be read.
pub(crate) fn cut_plainly(
    reader: &mut CaptureReader,
    options: &CutOptions,
) -> (Vec<Session>, Tally) {
    let mut sessions = Vec::new();
    let mut tally = Tally::default();
    let mut decoder = Decoder::new(options.tunnels);
    let mut open = OpenSessions::default();
    let mut sink = |session| sessions.push(session);
    while let Ok(Some(frame)) = reader.next_frame() {
        let Some(packet) = decoder.decode(&frame, &mut tally) else {
            continue;
        };
        let mut exit = Exit {
            tally: &mut tally,
            sink: &mut sink,
        };
        match options.unit {
            Unit::Session | Unit::Window(_) => open.take_in(&packet, options, &mut exit),
            Unit::Packet => {
                let mut session = OpenSession::begin(&packet, 0, options);
                session.add(&packet, options);
                exit.end(session, SessionEnd::Packet);
            }
        }
    }
    decoder.finish(&mut tally);
    let mut exit = Exit {
        tally: &mut tally,
        sink: &mut sink,
    };
    open.end_all(options.end_rule, &mut exit);
    tally.captures = 1;
    tally.cut_short_captures = u64::from(reader.cut_short());
    (sessions, tally)
}

/// Places in the order in which they were last touched.
#[derive(Default)]
struct Recency(Vec<u32>);

impl Recency {
    fn oldest(&self) -> Option<u32> {
        self.0.first().copied()
    }

    fn touch(&mut self, place: u32) {
        self.remove(place);
        self.0.push(place);
    }

    fn remove(&mut self, place: u32) {
        self.0.retain(|&one| one != place);
    }
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;

/// An open session.
struct OpenSession {
    /// How many sessions were opened before it.
    number: u64,
    /// Time of the latest packet.
    latest: Timestamp,
    five_tuple: FiveTuple,
    context: Context,
    link_type: LinkType,
    start: Timestamp,
    packets: u64,
    bytes: u64,
    forward: Volume,
    payload_bytes: u64,
    tcp_flags: [u8; 2],
    background: Option<Background>,
    slice: Slice,
    packet_slices: Vec<Slice>,
    summaries: Vec<PacketSummary>,
    statistics: Accumulator,
}

impl OpenSession {
    /// A session that this packet begins, and does not yet hold.
    fn begin(packet: &Packet<'_>, number: u64, options: &CutOptions) -> Self {
        Self {
            number,
            latest: packet.timestamp,
            five_tuple: packet.five_tuple,
            context: packet.context,
            link_type: packet.link_type,
            start: packet.timestamp,
            packets: 0,
            bytes: 0,
            forward: Volume::default(),
            payload_bytes: 0,
            tcp_flags: [0; 2],
            background: Background::of(&packet.five_tuple, packet.is_to_group),
            slice: Slice::empty(options.slice_length),
            packet_slices: Vec::new(),
            summaries: Vec::new(),
            statistics: Accumulator::default(),
        }
    }

    fn add(&mut self, packet: &Packet<'_>, options: &CutOptions) {
        let direction = if packet.five_tuple.source == self.five_tuple.source {
            Direction::Forward
        } else {
            Direction::Backward
        };
        self.latest = self.latest.max(packet.timestamp);
        self.packets += 1;
        self.bytes += u64::from(packet.length);
        if direction == Direction::Forward {
            self.forward.packets += 1;
            self.forward.bytes += u64::from(packet.length);
        }
        self.payload_bytes += u64::from(packet.payload_length);
        self.tcp_flags[direction as usize] |= packet.tcp_flags;
        let observation = Observation {
            timestamp: packet.timestamp,
            direction,
            length: packet.length,
            payload_length: packet.payload_length,
            tcp_flags: packet.tcp_flags,
        };
        self.statistics
            .add(&observation, Nature::of(&self.five_tuple));
        if !self.slice.is_full() {
            self.slice.append(packet, &options.policy);
        }
        if self.packet_slices.len() < options.packet_slices {
            let slice = Slice::of_packet(packet, &options.policy, options.slice_length);
            self.packet_slices.push(slice);
        }
        if self.summaries.len() < SUMMARIES {
            self.summaries.push(PacketSummary {
                direction,
                length: u16::try_from(packet.length).unwrap_or(u16::MAX),
                payload_length: u16::try_from(packet.payload_length).unwrap_or(u16::MAX),
                offset_nanoseconds: packet.timestamp.nanoseconds_since(self.start),
            });
        }
    }

    /// Whether TCP has said that it is over.
    fn is_closed(&self) -> bool {
        let [forward, backward] = self.tcp_flags;
        self.five_tuple.protocol == Protocol::Tcp
            && (forward & backward & FIN != 0 || (forward | backward) & RST != 0)
    }

    /// Why this packet, though of the same key, belongs to the next session; `None` if not.
    fn end_before(&self, packet: &Packet<'_>, rule: EndRule) -> Option<SessionEnd> {
        let EndRule::Timeout {
            idle_nanoseconds,
            active_nanoseconds,
        } = rule
        else {
            return None;
        };
        let silence = packet.timestamp.nanoseconds_since(self.latest);
        let age = packet.timestamp.nanoseconds_since(self.start);
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

    fn finish(self, end_reason: SessionEnd) -> Session {
        Session {
            window: None,
            five_tuple: self.five_tuple,
            context: self.context,
            link_type: self.link_type,
            start: self.start,
            end: self.latest,
            packets: self.packets,
            bytes: self.bytes,
            forward: self.forward,
            payload_bytes: self.payload_bytes,
            tcp_flags: self.tcp_flags,
            end_reason,
            background: self.background,
            slice: self.slice,
            packet_slices: self.packet_slices,
            excerpt: None,
            summaries: self.summaries,
            statistics: self.statistics.finish(),
        }
    }
}

/// Where ended sessions go, counted.
struct Exit<'a> {
    tally: &'a mut Tally,
    sink: &'a mut dyn FnMut(Session),
}

impl Exit<'_> {
    fn end(&mut self, session: OpenSession, reason: SessionEnd) {
        *self.tally.ends.entry(reason).or_default() += 1;
        (self.sink)(session.finish(reason));
    }
}

fn heeds_tcp(rule: EndRule) -> bool {
    matches!(rule, EndRule::Timeout { .. })
}

/// The open sessions, found by key and by how recently they were active.
#[derive(Default)]
struct OpenSessions {
    places: HashMap<Key, u32>,
    sessions: Vec<Option<(Key, Box<OpenSession>)>>,
    active: Recency,
    closed: Recency,
    opened: u64,
    last_timestamp: Timestamp,
}

impl OpenSessions {
    fn take_in(&mut self, packet: &Packet<'_>, options: &CutOptions, exit: &mut Exit<'_>) {
        self.expire(packet.timestamp, options.end_rule, exit);
        let key = key_of(packet);
        let found = self.places.get(&key).copied().filter(|&place| {
            let Some((_, session)) = &self.sessions[place as usize] else {
                return false;
            };
            let Some(reason) = session.end_before(packet, options.end_rule) else {
                return true;
            };
            self.remove(place, reason, exit);
            false
        });
        let place = found.unwrap_or_else(|| self.insert(key, packet, options, exit));
        let Some((_, session)) = &mut self.sessions[place as usize] else {
            return;
        };
        let was_closed = session.is_closed();
        session.add(packet, options);
        if heeds_tcp(options.end_rule) && session.is_closed() {
            if !was_closed {
                self.active.remove(place);
            }
            self.closed.touch(place);
        } else {
            self.active.touch(place);
        }
    }

    fn insert(
        &mut self,
        key: Key,
        packet: &Packet<'_>,
        options: &CutOptions,
        exit: &mut Exit<'_>,
    ) -> u32 {
        while self.places.len() >= options.max_sessions.get() {
            if let Some(place) = self.closed.oldest() {
                self.remove(place, SessionEnd::Closed, exit);
            } else if let Some(place) = self.active.oldest() {
                self.remove(place, SessionEnd::Evicted, exit);
            } else {
                break;
            }
        }
        let place = self.sessions.len() as u32;
        self.sessions.push(None);
        let session = OpenSession::begin(packet, self.opened, options);
        self.opened += 1;
        self.sessions[place as usize] = Some((key, Box::new(session)));
        self.places.insert(key, place);
        place
    }

    fn remove(&mut self, place: u32, reason: SessionEnd, exit: &mut Exit<'_>) {
        let Some((key, session)) = self.sessions[place as usize].take() else {
            return;
        };
        self.places.remove(&key);
        self.active.remove(place);
        self.closed.remove(place);
        exit.end(*session, reason);
    }

    /// Ends the sessions that have been silent for too long.
    fn expire(&mut self, now: Timestamp, rule: EndRule, exit: &mut Exit<'_>) {
        // One frame with a time far ahead must not end everything: the next has to confirm it.
        let clock = now.min(self.last_timestamp);
        self.last_timestamp = now;
        let EndRule::Timeout {
            idle_nanoseconds, ..
        } = rule
        else {
            return;
        };
        let linger_nanoseconds = LINGER_NANOSECONDS.min(idle_nanoseconds);
        while let Some(place) = self.closed.oldest() {
            if !self.is_silent(place, clock, linger_nanoseconds) {
                break;
            }
            self.remove(place, SessionEnd::Closed, exit);
        }
        while let Some(place) = self.active.oldest() {
            if !self.is_silent(place, clock, idle_nanoseconds) {
                break;
            }
            self.remove(place, SessionEnd::Idle, exit);
        }
        // A session whose last packet lies far ahead would keep all behind it from ending.
        for (list, patience) in [
            (&mut self.closed, linger_nanoseconds),
            (&mut self.active, idle_nanoseconds),
        ] {
            if let Some(place) = list.oldest()
                && let Some((_, session)) = &self.sessions[place as usize]
                && session.latest.nanoseconds_since(clock) > patience
            {
                list.touch(place);
            }
        }
    }

    fn is_silent(&self, place: u32, clock: Timestamp, patience_nanoseconds: u64) -> bool {
        self.sessions[place as usize]
            .as_ref()
            .is_some_and(|(_, session)| {
                clock.nanoseconds_since(session.latest) > patience_nanoseconds
            })
    }

    fn end_all(&mut self, rule: EndRule, exit: &mut Exit<'_>) {
        let mut rest: Vec<_> = self.sessions.drain(..).flatten().collect();
        rest.sort_unstable_by_key(|(_, session)| session.number);
        for (_, session) in rest {
            let reason = if heeds_tcp(rule) && session.is_closed() {
                SessionEnd::Closed
            } else {
                SessionEnd::Capture
            };
            exit.end(*session, reason);
        }
    }
}
