//! `explain`: which fields made the verdict on this session?

mod output;

use std::{io::Write, num::NonZeroUsize, ops::ControlFlow, path::PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use learn::audit::explain;
use traffic::{
    cut::cut,
    session::Session,
    session_table::{CutOptions, Unit},
};

use super::classify::SessionEnd;
use crate::{
    cutting::TunnelChoice,
    numbers::counted,
    preparing::Format,
    sources::{Source, sources},
};

/// Tell which fields of a session made the model's verdict on it
///
/// Zeroes one field after another in the session's slice and asks the model again: what its
/// confidence loses by that is the field's part in the verdict. So it does with what the model reads
/// beside the slice: lengths, directions and gaps of the first packets, slices of their own,
/// statistics of the whole session. Then shows the slice, byte by byte, with the fields named.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  The third session that `undertone classify capture.pcap` prints:
    undertone explain capture.pcap --session 3

  For another program, with a model of your own:
    undertone explain capture.pcap --session 3 --model runs/quick/model.safetensors --format json")]
pub(crate) struct Explain {
    /// A capture, pcap or pcapng; `-` is standard input
    #[arg(value_name = "CAPTURE")]
    capture: PathBuf,
    /// Which session, counted from 1 in the order in which `classify` prints them
    #[arg(short, long, value_name = "NUMBER")]
    session: NonZeroUsize,
    /// Another model than the one that comes with the program
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// When a session ends
    #[arg(long, value_enum, default_value = "timeout", value_name = "RULE")]
    session_end: SessionEnd,
    /// Which packets of a tunnel count [default: the model's]
    #[arg(long, value_enum, value_name = "WHICH")]
    tunnels: Option<TunnelChoice>,
    /// Text for people, or JSON
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Threads; the result does not depend on it [default: as many as the machine runs at once]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// The seed of the session table's hash: no result shows it.
const SEED: u64 = 0;

impl Explain {
    /// Finds the session, explains it, prints.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let (model, name) = super::model::open(self.model.as_deref())?;
        let mut options = model
            .cut_options()
            .with_context(|| format!("cannot use {name}"))?;
        if matches!(options.unit, Unit::Window(_)) {
            bail!("{name} reads windows of sessions; `explain` is for models of whole sessions");
        }
        options.end_rule = self.session_end.rule(options.end_rule);
        if let Some(tunnels) = self.tunnels {
            options.tunnels = tunnels.into();
        }
        let found = sources(std::slice::from_ref(&self.capture))?;
        let [source] = found.as_slice() else {
            bail!(
                "`{}` is {}; name one",
                self.capture.display(),
                counted(found.len() as u64, "capture")
            );
        };
        let session = self.find(source, &options)?;
        let threads = self
            .threads
            .map_or_else(super::default_threads, NonZeroUsize::get);
        let explanation = explain(&model, &session, options.tunnels, threads)
            .with_context(|| format!("cannot use {name}"))?;
        let told = output::Told {
            capture: source.to_string(),
            number: self.session.get(),
            session: &session,
            model: &model,
            explanation: &explanation,
        };
        match self.format {
            Format::Text => out.write_all(told.text().as_bytes())?,
            Format::Json => {
                serde_json::to_writer(&mut *out, &told.json())?;
                writeln!(out)?;
            }
        }
        Ok(())
    }

    /// The session of the number asked for; nothing is read behind it.
    fn find(&self, source: &Source, options: &CutOptions) -> anyhow::Result<Session> {
        let named = || format!("cannot read `{source}`");
        let mut reader = source.open().with_context(named)?;
        let (mut seen, mut found) = (0, None);
        let mut sink = |session: Session| {
            seen += 1;
            if seen < self.session.get() {
                return ControlFlow::Continue(());
            }
            found = Some(session);
            ControlFlow::Break(())
        };
        let outcome = cut(&mut reader, options, SEED, &mut sink);
        if let Some(session) = found {
            return Ok(session);
        }
        outcome.map_err(|broken| broken.error).with_context(named)?;
        bail!(
            "`{source}` has {}, there is no session {}",
            counted(seen as u64, "session"),
            self.session
        )
    }
}
