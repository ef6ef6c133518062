//! `inspect`: what is in these captures, and what would be skipped and why?

mod inspection;
mod text;

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::atomic::AtomicBool,
};

use anyhow::Context;
use clap::Args;

use self::inspection::Inspection;
use crate::{
    cutting::SessionArguments,
    interrupt,
    preparing::Format,
    sources::{Source, read_each, sources},
};

/// Say what captures hold, and what would be skipped and why
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  undertone inspect evening.pcapng
  zcat evening.pcap.gz | undertone inspect -
  Every capture below a folder, one JSON object a line:
    undertone inspect captures/ --format json

A capture that cannot be read is named on standard error, the others are still inspected; the
exit code is then 1. Ctrl-C ends it with what was found until then.")]
pub(crate) struct Inspect {
    /// Captures, pcap or pcapng, or folders of them; `-` is standard input
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,

    #[command(flatten)]
    sessions: SessionArguments,

    /// Text for people, or one JSON object a line
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Inspect {
    /// One capture after another; those that cannot be read do not hide the others.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let sources = sources(&self.captures)?;
        let stop = interrupt::flag().context("cannot watch for Ctrl-C")?;
        read_each(&sources, &stop, |source| self.inspect(source, &stop, out))
    }

    fn inspect(
        &self,
        source: &Source,
        stop: &AtomicBool,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let context = || format!("cannot read `{source}`");
        let mut reader = source.open().with_context(context)?;
        let options = self.sessions.default_slices();
        let (inspection, outcome) =
            Inspection::of(source, &mut reader, &options, source.stop(stop));
        match self.format {
            Format::Json => {
                serde_json::to_writer(&mut *out, &inspection).map_err(io::Error::from)?;
                writeln!(out)?;
            }
            Format::Text => text::write(&inspection, out)?,
        }
        // Before anything is said on standard error.
        out.flush()?;
        outcome.with_context(context)?;
        source.check_read_to_end(stop)
    }
}
