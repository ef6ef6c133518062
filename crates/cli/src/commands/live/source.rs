//! Where frames come from: an interface, or a capture that is read as if it came by wire.

use std::path::Path;

use anyhow::Context;
use clap::Args;
use traffic::{
    capture::{CaptureReader, Frame},
    timestamp::Timestamp,
};

use super::counts::Losses;
#[cfg(feature = "live")]
use super::interface::Interface;

/// How an interface is captured from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Interface")]
pub(super) struct InterfaceOptions {
    /// Capture only what this filter passes, in the language of tcpdump
    #[arg(long, value_name = "FILTER", conflicts_with = "read")]
    pub(super) bpf: Option<String>,
    /// Bytes captured of a frame at most
    #[arg(long, default_value = "262144", value_name = "BYTES", value_parser = clap::value_parser!(i32).range(64..=262_144))]
    pub(super) snaplen: i32,
    /// The ring that frames wait in, in MiB
    #[arg(long, default_value = "32", value_name = "MIB", value_parser = clap::value_parser!(i32).range(1..=1_024))]
    pub(super) buffer: i32,
    /// Do not ask for frames that are meant for other machines
    #[arg(long)]
    pub(super) no_promiscuous: bool,
}

/// What a source has next.
pub(super) enum Arrival<'a> {
    /// A frame.
    Frame(Frame<'a>),
    /// Nothing by that moment, some milliseconds after the last frame.
    #[cfg_attr(
        not(feature = "live"),
        expect(
            dead_code,
            reason = "a file has frames or an end, and a pipe makes wait"
        )
    )]
    Silence(Timestamp),
    /// The end.
    End,
}

/// Where frames come from.
pub(super) struct Source {
    name: String,
    origin: Origin,
}

enum Origin {
    Capture(Box<CaptureReader>),
    #[cfg(feature = "live")]
    Interface(Interface),
}

impl Source {
    /// An interface of this machine.
    #[cfg(feature = "live")]
    pub(super) fn interface(name: &str, options: &InterfaceOptions) -> anyhow::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            origin: Origin::Interface(Interface::open(name, options)?),
        })
    }

    /// An interface, which this build cannot capture from.
    #[cfg(not(feature = "live"))]
    pub(super) fn interface(name: &str, _: &InterfaceOptions) -> anyhow::Result<Self> {
        anyhow::bail!(
            "cannot capture from `{name}`: this program was built without libpcap; build it with \
             `--features live` (Debian: libpcap-dev), or pipe a capture in: \
             `tcpdump -i {name} -U -w - | undertone live --read -`"
        )
    }

    /// A capture from a file, or from standard input if it is called `-`.
    pub(super) fn capture(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let reader = if name == "-" {
            CaptureReader::new(Box::new(std::io::stdin()))
        } else {
            CaptureReader::open(path)
        };
        let reader = reader.with_context(|| format!("cannot read `{name}`"))?;
        Ok(Self {
            name,
            origin: Origin::Capture(Box::new(reader)),
        })
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What to say once it is open.
    pub(super) fn welcome(&self) -> String {
        let name = &self.name;
        match &self.origin {
            Origin::Capture(reader) => format!("reading `{name}`, {}", reader.format()),
            #[cfg(feature = "live")]
            Origin::Interface(interface) => {
                format!("capturing from `{name}`, {}", interface.link_type())
            }
        }
    }

    /// Whether its frames wait to be read: those of a file do, and a pipe holds up its writer.
    pub(super) fn waits(&self) -> bool {
        matches!(self.origin, Origin::Capture(_))
    }

    /// What comes next; from a pipe, when it comes.
    pub(super) fn next(&mut self) -> anyhow::Result<Arrival<'_>> {
        match &mut self.origin {
            Origin::Capture(reader) => {
                Ok(reader.next_frame()?.map_or(Arrival::End, Arrival::Frame))
            }
            #[cfg(feature = "live")]
            Origin::Interface(interface) => interface.next(),
        }
    }

    /// Whether the next frame may be long in coming, and nothing is told meanwhile.
    pub(super) fn may_make_wait(&self) -> bool {
        match &self.origin {
            Origin::Capture(reader) => reader.is_drained(),
            #[cfg(feature = "live")]
            Origin::Interface(_) => false,
        }
    }

    /// What was lost so far, where somebody counts it.
    pub(super) fn losses(&mut self) -> Option<Losses> {
        match &mut self.origin {
            Origin::Capture(_) => None,
            #[cfg(feature = "live")]
            Origin::Interface(interface) => interface.losses(),
        }
    }

    /// Whether the capture ended inside of a frame.
    pub(super) fn cut_short(&self) -> bool {
        match &self.origin {
            Origin::Capture(reader) => reader.cut_short(),
            #[cfg(feature = "live")]
            Origin::Interface(_) => false,
        }
    }
}
