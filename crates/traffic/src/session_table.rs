//! The session table: packets in, finished sessions out, memory bounded.

use std::num::NonZeroUsize;

use crate::{capture::Frame, policy::BytePolicy, session::Session, tally::Tally};

/// What one slice is cut from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A session's packets one after another.
    Session,
    /// Each packet alone.
    Packet,
}

/// When a session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndRule {
    /// With the capture: one session per five-tuple, as the paper's tool chain has it.
    Capture,
    /// After silence, after a long time, or when TCP says so.
    Timeout {
        /// Silence that ends a session, in nanoseconds.
        idle_nanoseconds: u64,
        /// Age that ends a session, in nanoseconds.
        active_nanoseconds: u64,
    },
}

/// Which packets of a tunnel count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tunnels {
    /// The tunnel's own.
    Outer,
    /// Those inside it.
    Inner,
}

/// Every setting that decides what sessions and slices come out of a capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CutOptions {
    /// Which bytes enter a slice.
    pub policy: BytePolicy,
    /// Bytes of a slice.
    pub slice_length: NonZeroUsize,
    /// What a slice is cut from.
    pub unit: Unit,
    /// When a session ends.
    pub end_rule: EndRule,
    /// Which packets of a tunnel count.
    pub tunnels: Tunnels,
    /// The most sessions open at once; the oldest is flushed and counted beyond it.
    pub max_sessions: NonZeroUsize,
    /// How many packets get a slice of their own (0 to 3 are usual).
    pub packet_slices: usize,
}

/// Cuts the frames of ONE capture into sessions.
pub struct SessionTable {
    _options: CutOptions,
}

impl SessionTable {
    /// An empty table; `seed` makes its hash hard to attack and is not visible in results.
    pub fn new(options: CutOptions, _seed: u64) -> Self {
        Self { _options: options }
    }

    /// Takes one frame in; sessions that it ends go to `sink`, in an order that depends on the capture only.
    pub fn push(&mut self, _frame: &Frame<'_>, _sink: &mut dyn FnMut(Session)) {
        todo!()
    }

    /// Ends every open session.
    pub fn finish(&mut self, _sink: &mut dyn FnMut(Session)) {
        todo!()
    }

    /// What was read, kept and skipped so far.
    pub fn tally(&self) -> &Tally {
        todo!()
    }
}
