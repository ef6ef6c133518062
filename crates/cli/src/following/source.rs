//! Where frames come from: an interface, or a capture that is read as if it came by wire.

use std::{
    fs::File,
    io::{IsTerminal, Read},
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use anyhow::{Context, bail};
use clap::Args;
use traffic::{
    capture::{CaptureReader, Frame},
    timestamp::Timestamp,
};

#[cfg(feature = "live")]
use super::interface::Interface;
use super::{
    counts::Losses,
    relay::Relay,
    replay::{Replay, Speed},
};

/// How an interface is captured from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Interface")]
pub(crate) struct InterfaceOptions {
    /// Capture only what this filter passes, in the language of tcpdump
    #[arg(long, value_name = "FILTER")]
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
    Silence(Timestamp),
    /// The end.
    End,
}

/// Where frames come from.
pub(crate) struct Source {
    name: String,
    origin: Origin,
}

enum Origin {
    Capture(Box<CaptureReader>),
    Replay(Box<Replay>),
    #[cfg(feature = "live")]
    Interface(Interface),
}

impl Source {
    /// An interface of this machine.
    #[cfg(feature = "live")]
    pub(crate) fn interface(
        name: &str,
        options: &InterfaceOptions,
        _: &str,
    ) -> anyhow::Result<Self> {
        Ok(Self {
            name: name.to_owned(),
            origin: Origin::Interface(Interface::open(name, options)?),
        })
    }

    /// An interface, which this build cannot capture from; `reader` is a command that reads a pipe.
    #[cfg(not(feature = "live"))]
    pub(crate) fn interface(
        name: &str,
        _: &InterfaceOptions,
        reader: &str,
    ) -> anyhow::Result<Self> {
        anyhow::bail!(
            "cannot capture from `{name}`: this program was built without libpcap; build it with \
             `--features live` (Debian: libpcap-dev), or pipe a capture in: \
             `tcpdump -i {name} -U -w - | {reader}`"
        )
    }

    /// A capture from a file, or from standard input if it is called `-`.
    pub(crate) fn capture(path: &Path) -> anyhow::Result<Self> {
        if path.as_os_str() == "-" {
            return Self::reading("-".to_owned(), Box::new(std::io::stdin()), u64::MAX);
        }
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("cannot read `{name}`"))?;
        Self::reading(name, Box::new(file), u64::MAX)
    }

    /// The same, which ends once `stop` is set, also while it waits for a pipe.
    pub(crate) fn until(stop: &Arc<AtomicBool>, path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let stop = Arc::clone(stop);
        if name == "-" {
            if std::io::stdin().is_terminal() {
                bail!("standard input is a terminal; pipe a capture into it, or name a file");
            }
            let relay = Relay::of(std::io::stdin(), stop);
            return Self::reading(name, Box::new(relay), u64::MAX);
        }
        let unreadable = || format!("cannot read `{name}`");
        let file = File::open(path).with_context(unreadable)?;
        if file.metadata().with_context(unreadable)?.is_file() {
            Self::reading(name, Box::new(file), u64::MAX)
        } else {
            Self::reading(name, Box::new(Relay::of(file, stop)), u64::MAX)
        }
    }

    /// A capture that somebody gives us the bytes of; it may expand to so many.
    pub(crate) fn reading(
        name: String,
        bytes: Box<dyn Read + Send>,
        most_expanded: u64,
    ) -> anyhow::Result<Self> {
        let reader = CaptureReader::expanding_to(bytes, most_expanded)
            .with_context(|| format!("cannot read `{name}`"))?;
        Ok(Self {
            name,
            origin: Origin::Capture(Box::new(reader)),
        })
    }

    /// The same at so many times the pace at which it was captured, if it is a capture.
    pub(crate) fn at_speed(self, speed: Speed) -> Self {
        let Origin::Capture(reader) = self.origin else {
            return self;
        };
        Self {
            name: self.name,
            origin: Origin::Replay(Box::new(Replay::of(*reader, speed))),
        }
    }

    /// Whether frames come when they come: from a wire, or as if.
    pub(crate) fn has_a_pace(&self) -> bool {
        !matches!(self.origin, Origin::Capture(_))
    }

    /// What it is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// What to say once it is open.
    pub(crate) fn welcome(&self) -> String {
        let name = &self.name;
        match &self.origin {
            Origin::Capture(reader) => format!("reading `{name}`, {}", reader.format()),
            Origin::Replay(replay) => format!("reading `{name}`, {}", replay.reader().format()),
            #[cfg(feature = "live")]
            Origin::Interface(interface) => {
                format!("capturing from `{name}`, {}", interface.link_type())
            }
        }
    }

    /// Whether its frames wait to be read: those of a file do, and a pipe holds up its writer.
    pub(crate) fn waits(&self) -> bool {
        match &self.origin {
            #[cfg(feature = "live")]
            Origin::Interface(_) => false,
            _ => true,
        }
    }

    /// What comes next; from a pipe, when it comes.
    pub(super) fn next(&mut self) -> anyhow::Result<Arrival<'_>> {
        match &mut self.origin {
            Origin::Capture(reader) => {
                Ok(reader.next_frame()?.map_or(Arrival::End, Arrival::Frame))
            }
            Origin::Replay(replay) => replay.next(),
            #[cfg(feature = "live")]
            Origin::Interface(interface) => interface.next(),
        }
    }

    /// Whether the next frame may be long in coming, and nothing is told meanwhile.
    pub(super) fn may_make_wait(&self) -> bool {
        match &self.origin {
            Origin::Capture(reader) => reader.is_drained(),
            Origin::Replay(_) => false,
            #[cfg(feature = "live")]
            Origin::Interface(_) => false,
        }
    }

    /// What was lost so far, where somebody counts it.
    pub(super) fn losses(&mut self) -> Option<Losses> {
        match &mut self.origin {
            Origin::Capture(_) => None,
            Origin::Replay(_) => None,
            #[cfg(feature = "live")]
            Origin::Interface(interface) => interface.losses(),
        }
    }

    /// Whether the capture ended inside of a frame.
    pub(super) fn cut_short(&self) -> bool {
        match &self.origin {
            Origin::Capture(reader) => reader.cut_short(),
            Origin::Replay(replay) => replay.reader().cut_short(),
            #[cfg(feature = "live")]
            Origin::Interface(_) => false,
        }
    }
}
