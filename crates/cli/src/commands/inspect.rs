//! `inspect`: what is in these captures, and what would be skipped and why?

mod inspection;
mod text;

use std::{
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use learn::capture_files::{self, CaptureFile};
use traffic::capture::CaptureReader;

use self::inspection::Inspection;
use crate::{
    cutting::SessionArguments,
    numbers::{count, counted},
    preparing::Format,
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
exit code is then 1.")]
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
    /// One capture after another; those that cannot be read are told apart at the end.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let (mut seen, mut failed) = (0, 0);
        let mut last = None;
        // All of them before the first is read: a folder without captures hides no other error.
        let sources: Vec<_> = self
            .captures
            .iter()
            .map(|path| sources(path))
            .collect::<anyhow::Result<_>>()?;
        for (name, source) in sources.into_iter().flatten() {
            seen += 1;
            if let Err(error) = self.inspect(&name, source, out) {
                if is_write_error(&error) {
                    return Err(error);
                }
                failed += 1;
                // The last one is told by whoever reports our failure.
                if let Some(error) = last.replace(error) {
                    out.flush()?;
                    writeln!(io::stderr(), "error: {error:#}")?;
                }
            }
        }
        match last {
            None => Ok(()),
            Some(error) if seen == 1 => Err(error),
            Some(error) => {
                out.flush()?;
                writeln!(io::stderr(), "error: {error:#}")?;
                bail!(
                    "{} of {} cannot be read to the end",
                    count(failed),
                    counted(seen, "capture")
                )
            }
        }
    }

    fn inspect(&self, name: &str, source: Source, out: &mut dyn Write) -> anyhow::Result<()> {
        let context = || format!("cannot read `{name}`");
        let reader = match source {
            Source::File(path) => CaptureReader::open(&path),
            Source::StandardInput => {
                CaptureReader::new(Box::new(io::stdin()) as Box<dyn Read + Send>)
            }
        };
        let mut reader = reader.with_context(context)?;
        let (inspection, outcome) =
            Inspection::of(name, &mut reader, &self.sessions.default_slices());
        match self.format {
            Format::Json => {
                serde_json::to_writer(&mut *out, &inspection).map_err(io::Error::from)?;
                writeln!(out)?;
            }
            Format::Text => text::write(&inspection, out)?,
        }
        outcome.with_context(context)
    }
}

enum Source {
    File(PathBuf),
    StandardInput,
}

/// What a path stands for: itself, the captures below it, or standard input.
fn sources(path: &Path) -> anyhow::Result<Vec<(String, Source)>> {
    if path.as_os_str() == "-" {
        return Ok(vec![("standard input".to_owned(), Source::StandardInput)]);
    }
    if !path.is_dir() {
        let source = Source::File(path.to_owned());
        return Ok(vec![(path.display().to_string(), source)]);
    }
    let found = capture_files::find(&[path.to_owned()])?;
    if !found.others.is_empty() {
        let number = counted(found.others.len() as u64, "file");
        writeln!(
            io::stderr(),
            "{}: {number} passed over, no captures",
            path.display()
        )?;
    }
    let source = |file: CaptureFile| (file.path.display().to_string(), Source::File(file.path));
    Ok(found.captures.into_iter().map(source).collect())
}

/// Whether our own output failed, and not a capture.
fn is_write_error(error: &anyhow::Error) -> bool {
    error.is::<io::Error>()
}
