//! `classify`: what are the sessions of these captures?

mod speed;

use std::{
    io::{self, IsTerminal, Write},
    num::NonZeroUsize,
    ops::ControlFlow,
    path::PathBuf,
    sync::atomic::AtomicBool,
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use learn::classifier::{Classifier, Moment};
use speed::Speed;
use traffic::{
    session::Session,
    session_table::{EndRule, Unit},
};

use crate::{
    asking::AskingArguments,
    interrupt,
    output::{Format, Output, SinkArguments, SpecimenArguments},
    sources::{Source, read_each, sources},
};

/// Tell of each session of a capture which class of traffic it is
///
/// Prints one line a session as it ends, then a summary by class. A session is `unknown` if the
/// model's confidence is below its threshold, `empty` if no packet carries payload, and in
/// parentheses if it is background (name look-ups, service discovery and the like), which is known
/// by its ports and not by the model. Ctrl-C ends it with the summary of what was read.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  The sessions of a capture:
    undertone classify capture.pcap

  A capture that arrives by pipe, one JSON object a session:
    ssh gateway cat capture.pcap | undertone classify - --format json

  Only how much of what there is, in a folder of captures:
    undertone classify captures/ --summary-only

  A model of your own:
    undertone classify capture.pcap --model runs/quick/model.safetensors

  Flow records to a collector, and the same into files:
    undertone classify capture.pcap --sink ipfix-tcp:collector.example:4739 --sink ipfix:flows

A capture that cannot be read to its end is named on standard error, the others are still
classified; the exit code is then 1.")]
pub(crate) struct Classify {
    /// Captures or folders of them, pcap or pcapng, gzip or zstd or plain; `-` is standard input
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,
    #[command(flatten)]
    asking: AskingArguments,
    #[command(flatten)]
    sinks: SinkArguments,
    #[command(flatten)]
    specimens: SpecimenArguments,
    /// How to print it; all but text have the sessions only, the summary goes to standard error
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
    /// Print the summary and no sessions
    #[arg(long)]
    summary_only: bool,
    /// Print no summary
    #[arg(short, long, conflicts_with = "summary_only")]
    quiet: bool,
    /// When a session ends
    #[arg(long, value_enum, default_value = "timeout", value_name = "RULE")]
    session_end: SessionEnd,
    /// Threads; the verdicts do not depend on it [default: as many as the machine runs at once]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Tell on standard error how fast it was, at the end; without it, only to a terminal
    #[arg(long)]
    speed: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SessionEnd {
    /// After silence, after a long time (the model's own, or 64 s and 30 min), or when TCP says so
    Timeout,
    /// With its capture, as the paper has it: nothing is said before the capture ends
    Capture,
}

impl SessionEnd {
    /// The rule that it stands for, for a model that was trained under this one.
    pub(crate) fn rule(self, of_model: EndRule) -> EndRule {
        match self {
            Self::Capture => EndRule::Capture,
            Self::Timeout if of_model == EndRule::Capture => EndRule::timeout(),
            Self::Timeout => of_model,
        }
    }
}

/// The seed of the session tables' hashes: no result shows it.
const SEED: u64 = 0;

impl Classify {
    /// Classifies the captures in the order given; one that breaks is told after its sessions
    /// until then, and does not hide the others.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let classifier = self.classifier()?;
        let sources = sources(&self.captures)?;
        let stop = interrupt::flag().context("cannot watch for Ctrl-C")?;
        let mut output = Output::new(out, self.format, &classifier, sources.len());
        if self.summary_only {
            output.only_summary();
        }
        output.with_sinks(&self.sinks)?;
        output.with_specimens(&self.specimens)?;
        output.begin()?;
        let mut speed = Speed::start();
        let outcome = read_each(&sources, &stop, |source| {
            classify(&classifier, source, &mut output, &mut speed, &stop)
        });
        let outcome = outcome.and(output.finish());
        // What was found until an error is worth its summary too; the error is told last.
        if !self.quiet && output.has_read() && !output.has_failed() {
            output.summary()?;
        }
        if self.speed || (!self.quiet && io::stderr().is_terminal()) {
            output.flush()?;
            writeln!(io::stderr(), "{speed}")?;
        }
        outcome
    }

    fn classifier(&self) -> anyhow::Result<Classifier> {
        let classifier = self.asking.classifier(|options| {
            let threads = self.threads.map(NonZeroUsize::get);
            options.threads = threads.unwrap_or_else(super::default_threads);
            options.cut.end_rule = self.session_end.rule(options.cut.end_rule);
            options.cut.excerpts = self.specimens.excerpts();
        })?;
        let cut = &classifier.options().cut;
        if cut.excerpts.is_some() && matches!(cut.unit, Unit::Window(_)) {
            bail!(
                "the model reads windows of sessions; `--save-unknown` is for models of whole sessions"
            );
        }
        Ok(classifier)
    }
}

fn classify(
    classifier: &Classifier,
    source: &Source,
    output: &mut Output<'_>,
    speed: &mut Speed,
    stop: &AtomicBool,
) -> anyhow::Result<()> {
    let named = || format!("cannot classify `{source}`");
    let mut reader = source.open().with_context(named)?;
    output.capture(source.path())?;
    let mut failure = None;
    let mut sink = |session: &Session, verdict| match output.session(session, verdict, Moment::End)
    {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    };
    let outcome = classifier.classify(&mut reader, SEED, source.stop(stop), &mut sink);
    if let Some(error) = failure {
        return Err(error);
    }
    let tally = match &outcome {
        Ok(tally) => tally,
        Err(broken) => &broken.tally,
    };
    output.add(tally);
    speed.add(tally);
    // Before anything is said on standard error.
    output.flush()?;
    outcome.map_err(|broken| broken.error).with_context(named)?;
    source.check_read_to_end(stop)
}
