//! Arguments that decide how captures are cut into sessions and slices.

use std::num::{NonZeroU64, NonZeroUsize};

use clap::{Args, ValueEnum};
use learn::model::LONGEST_SLICE;
use traffic::{
    policy::BytePolicy,
    session_table::{CutOptions, EndRule, Tunnels, Unit, Windows},
};

/// When sessions end, and which packets count.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sessions")]
pub(crate) struct SessionArguments {
    /// When a session ends: by time-outs and TCP's own end, or with its capture only
    #[arg(long, value_enum, default_value_t = SessionEnd::Timeout, value_name = "RULE")]
    session_end: SessionEnd,

    /// Silence that ends a session, under `--session-end timeout`
    #[arg(long, default_value = "64", value_name = "SECONDS", value_parser = nanoseconds)]
    idle: NonZeroU64,

    /// Age that ends a session, under `--session-end timeout`
    #[arg(long, default_value = "1800", value_name = "SECONDS", value_parser = nanoseconds)]
    active: NonZeroU64,

    /// Which packets of a tunnel count
    #[arg(long, value_enum, default_value_t = TunnelChoice::Outer, value_name = "WHICH")]
    tunnels: TunnelChoice,

    /// The most sessions open at once; beyond it the least recently active one is ended and counted
    #[arg(long, default_value = "250000", value_name = "COUNT")]
    max_sessions: NonZeroUsize,
}

/// Which bytes enter a slice.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Slices")]
pub(crate) struct SliceArguments {
    /// Byte policy: `paper`, `centime`, `ip`, `strict` or `payload`, with changes such as
    /// `ip,zero=ports`
    #[arg(long, default_value = "paper", value_name = "POLICY")]
    policy: BytePolicy,

    /// Bytes of a slice
    #[arg(long, default_value = "784", value_name = "BYTES", value_parser = slice_length)]
    slice_length: NonZeroUsize,

    /// What a sample is of: a session's packets one after another, each packet alone, or windows
    /// of a session, such as a tunnel's, which say together what it is
    #[arg(long, value_enum, default_value_t = UnitChoice::Session, value_name = "UNIT")]
    unit: UnitChoice,

    /// How long a window is, under `--unit window`
    #[arg(long, default_value = "2", value_name = "SECONDS", value_parser = nanoseconds)]
    window: NonZeroU64,

    /// How many of a session's first packets are in no window, under `--unit window`: those that
    /// set a tunnel up
    #[arg(long, default_value_t = 16, value_name = "COUNT")]
    skip_packets: u32,

    /// How many of a session's first packets get a slice of their own besides
    #[arg(long, default_value_t = 0, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(0..=64))]
    packet_slices: u8,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SessionEnd {
    Timeout,
    Capture,
}

/// Which packets of a tunnel count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum TunnelChoice {
    /// The tunnel's own
    Outer,
    /// Those inside it
    Inner,
}

impl From<TunnelChoice> for Tunnels {
    fn from(choice: TunnelChoice) -> Self {
        match choice {
            TunnelChoice::Outer => Self::Outer,
            TunnelChoice::Inner => Self::Inner,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UnitChoice {
    Session,
    Packet,
    Window,
}

impl SessionArguments {
    /// The options, with slices as they are by default.
    pub(crate) fn default_slices(&self) -> CutOptions {
        CutOptions {
            end_rule: match self.session_end {
                SessionEnd::Timeout => EndRule::Timeout {
                    idle_nanoseconds: self.idle.get(),
                    active_nanoseconds: self.active.get(),
                },
                SessionEnd::Capture => EndRule::Capture,
            },
            tunnels: self.tunnels.into(),
            max_sessions: self.max_sessions,
            ..CutOptions::default()
        }
    }
}

impl SliceArguments {
    /// Whether sessions are cut into windows.
    pub(crate) fn are_windows(&self) -> bool {
        self.unit == UnitChoice::Window
    }

    /// These options, with slices as the arguments have them.
    pub(crate) fn within(&self, options: CutOptions) -> CutOptions {
        CutOptions {
            policy: self.policy,
            slice_length: self.slice_length,
            unit: match self.unit {
                UnitChoice::Session => Unit::Session,
                UnitChoice::Packet => Unit::Packet,
                UnitChoice::Window => Unit::Window(Windows {
                    nanoseconds: self.window,
                    skipped_packets: self.skip_packets,
                }),
            },
            packet_slices: usize::from(self.packet_slices),
            ..options
        }
    }
}

/// Seconds, whole or not, as nanoseconds.
pub(crate) fn nanoseconds(text: &str) -> Result<NonZeroU64, String> {
    let seconds: f64 = text
        .parse()
        .map_err(|_| "not a number of seconds".to_owned())?;
    // Below 585 years, which is what fits.
    let is_in_range = seconds > 0.0 && seconds < 1e10;
    is_in_range
        .then(|| NonZeroU64::new((seconds * 1e9).round() as u64))
        .flatten()
        .ok_or_else(|| "give a number of seconds above 0".to_owned())
}

/// A slice's length, of which models take so much: as long as the longest IP packet.
fn slice_length(text: &str) -> Result<NonZeroUsize, String> {
    text.parse()
        .ok()
        .filter(|length: &NonZeroUsize| length.get() <= LONGEST_SLICE)
        .ok_or_else(|| format!("give a number of bytes from 1 to {LONGEST_SLICE}"))
}
