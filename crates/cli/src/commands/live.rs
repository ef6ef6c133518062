//! `live`: what are the sessions on this interface doing, while they do it?

mod capturing;
mod clock;
mod counts;
mod exposing;
mod handing;
mod health;
#[cfg(feature = "live")]
mod interface;
mod judging;
mod source;
mod verdicts;

use std::{
    io::{self, Write},
    num::{NonZeroU64, NonZeroUsize},
    path::PathBuf,
    sync::{
        Arc,
        atomic::AtomicBool,
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use learn::classifier::{Classifier, ClassifierOptions, Moment};
use traffic::{
    session_table::{EndRule, Glimpses, Unit},
    timestamp::Timestamp,
};

use self::{
    capturing::{Captured, capture},
    counts::Counts,
    exposing::{ExposingArguments, start},
    handing::{Handing, QUEUE},
    health::{Health, Reading},
    judging::{Told, judge},
    source::{InterfaceOptions, Source},
    verdicts::Verdicts,
};
use super::classify::SessionEnd;
use crate::{
    asking::AskingArguments,
    cutting::nanoseconds,
    interrupt,
    output::{Format, Output, SinkArguments, SpecimenArguments},
};

/// Packets after which the model is asked, if it reads packets: those that `evaluate` has scores for.
const EARLY: [u64; 4] = [4, 8, 16, 32];

/// Tell of each session on an interface which class of traffic it is, while it is open
///
/// The model is asked after a session's first packets, and again when it has ended. What is told
/// is the first verdict, each that differs from the one before, and the last, which is the one
/// that `classify` has of the same packets. Ctrl-C or SIGTERM ends all open sessions, tells what
/// they were, and says what was captured, and what was lost where.
///
/// Nothing is lost in silence: frames that the kernel dropped, and sessions that the model had no
/// time for, are counted and told.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  What is on an interface, as root or with the capability CAP_NET_RAW:
    undertone live eth0

  One port only, as JSON lines, verdicts at the end of sessions only:
    undertone live eth0 --bpf 'port 443' --tell end --format json

  A capture that arrives by pipe, from another machine or another tool:
    ssh gateway tcpdump -i eth0 -U -w - | undertone live --read -

  The same for a file: what would have been told, had it come by wire:
    undertone live --read capture.pcap")]
pub(crate) struct Live {
    /// The interface to capture from; `any` is all of them
    #[arg(required_unless_present = "read", conflicts_with = "read")]
    interface: Option<String>,
    /// Read a capture in place of an interface; `-` is standard input
    #[arg(short, long, value_name = "CAPTURE")]
    read: Option<PathBuf>,
    #[command(flatten)]
    capturing: InterfaceOptions,
    #[command(flatten)]
    asking: AskingArguments,
    #[command(flatten)]
    sinks: SinkArguments,
    #[command(flatten)]
    specimens: SpecimenArguments,
    #[command(flatten)]
    exposing: ExposingArguments,
    /// Which verdicts are told
    #[arg(long, value_enum, default_value = "change", value_name = "WHICH")]
    tell: TellRule,
    /// Ask after these numbers of a session's packets [default: 4,8,16,32 if the model reads
    /// packets, else none]
    #[arg(long, value_name = "PACKETS", value_delimiter = ',')]
    after: Vec<NonZeroUsize>,
    /// Ask about a session without that many packets when it is so old
    #[arg(long, value_name = "SECONDS", value_parser = nanoseconds)]
    within: Option<NonZeroU64>,
    /// Silence that ends a session [default: the model's own, or 64]
    #[arg(long, value_name = "SECONDS", value_parser = nanoseconds)]
    idle: Option<NonZeroU64>,
    /// Age that ends a session at its next packet [default: the model's own, or 1800]
    #[arg(long, value_name = "SECONDS", value_parser = nanoseconds)]
    active: Option<NonZeroU64>,
    /// How to print it; all but text have the verdicts only, the summary goes to standard error
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
    /// Print no summary and no progress
    #[arg(short, long)]
    quiet: bool,
    /// How often to say on standard error how it goes; 0 is never
    #[arg(long, default_value = "60", value_name = "SECONDS")]
    progress: u64,
    /// Threads of the network, beside the one that captures; verdicts do not depend on it [default:
    /// all but one of those that the machine runs at once]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// Which verdicts are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TellRule {
    /// The last of each session
    End,
    /// The first, those that differ from the one before, and the last
    Change,
    /// Every answer of the model
    All,
}

impl TellRule {
    fn includes(self, moment: Moment) -> bool {
        match self {
            Self::End => moment == Moment::End,
            Self::Change => moment != Moment::Again,
            Self::All => true,
        }
    }
}

impl Live {
    /// Follows the sessions until the capture ends or somebody interrupts.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let classifier = self.asking.classifier(|options| self.adjust(options))?;
        if matches!(classifier.options().cut.unit, Unit::Window(_)) {
            bail!(
                "the model reads windows of sessions; `live` is for models of whole sessions, and \
                 `classify -` reads such a model's from a pipe"
            );
        }
        let source = self.source()?;
        let name = source.name().to_owned();
        let stop = interrupt::flag().context("cannot watch for Ctrl-C")?;
        let mut output = Output::new(out, self.format, &classifier, 1);
        output.with_moments();
        output.with_sinks(&self.sinks)?;
        output.with_specimens(&self.specimens)?;
        if !self.quiet {
            // Who waits for this may send.
            let _ = writeln!(io::stderr(), "{}", source.welcome());
        }
        let responder = self
            .exposing
            .listen(classifier.model(), &mut io::stderr())?;
        output.begin()?;
        output.capture(name.as_ref())?;
        let counts = self.counts(&classifier, &source);
        if let Some(responder) = responder {
            start(responder, Arc::clone(&counts), classifier.model());
        }
        let captured = self.follow(&classifier, source, &mut output, &stop, &counts);
        // Also if nobody reads standard output any more.
        let finished = output.finish();
        let captured = captured?;
        finished?;
        output.add(&captured.tally);
        if !self.quiet {
            output.summary()?;
            output.flush()?;
            writeln!(io::stderr(), "{captured}")?;
        }
        match captured.failure {
            Some(error) => Err(error.context(format!("cannot read `{name}` any further"))),
            None => Ok(()),
        }
    }

    /// Nothing done yet.
    fn counts(&self, classifier: &Classifier, source: &Source) -> Arc<Counts> {
        let reading = if source.waits() {
            Reading::Capture
        } else {
            Reading::Wire
        };
        let classes = classifier.model().contract().classes.len();
        let verdicts = Verdicts::new(classes, self.exposing.latest(classifier));
        Arc::new(Counts::new(Health::new(reading), verdicts))
    }

    fn adjust(&self, options: &mut ClassifierOptions) {
        let all = super::default_threads();
        let threads = self.threads.map(NonZeroUsize::get);
        options.threads = threads.unwrap_or_else(|| all.saturating_sub(1).max(1));
        options.cut.end_rule = self.end_rule(options.cut.end_rule);
        options.cut.excerpts = self.specimens.excerpts();
    }

    fn end_rule(&self, of_model: EndRule) -> EndRule {
        match SessionEnd::Timeout.rule(of_model) {
            EndRule::Timeout {
                idle_nanoseconds,
                active_nanoseconds,
            } => EndRule::Timeout {
                idle_nanoseconds: self.idle.map_or(idle_nanoseconds, NonZeroU64::get),
                active_nanoseconds: self.active.map_or(active_nanoseconds, NonZeroU64::get),
            },
            rule @ EndRule::Capture => rule,
        }
    }

    fn source(&self) -> anyhow::Result<Source> {
        match (&self.interface, &self.read) {
            (Some(interface), _) => Source::interface(interface, &self.capturing),
            (None, Some(path)) => Source::capture(path),
            // The arguments are parsed so that there is one of them.
            (None, None) => anyhow::bail!("name an interface, or a capture with `--read`"),
        }
    }

    /// When the model is asked about open sessions.
    fn glimpses(&self, classifier: &Classifier) -> Glimpses {
        if self.tell == TellRule::End {
            return Glimpses::default();
        }
        let reads_packets = classifier.model().contract().shape.architecture.parts();
        let packets = if !self.after.is_empty() {
            self.after.iter().map(|count| count.get() as u64).collect()
        } else if reads_packets.packets {
            EARLY.to_vec()
        } else {
            Vec::new()
        };
        Glimpses {
            packets,
            age_nanoseconds: self.within.map(NonZeroU64::get),
        }
    }

    /// Captures and asks on threads of their own; what they find is written here.
    fn follow(
        &self,
        classifier: &Classifier,
        source: Source,
        output: &mut Output<'_>,
        stop: &AtomicBool,
        counts: &Counts,
    ) -> anyhow::Result<Captured> {
        let mut cut = classifier.options().cut.clone();
        cut.glimpses = self.glimpses(classifier);
        // A file has a time of its own.
        let clock: Option<fn() -> Timestamp> = (!source.waits()).then_some(clock::now);
        thread::scope(|scope| {
            let (asked, questions) = sync_channel(QUEUE);
            let (told, answers) = sync_channel(QUEUE);
            let handing = Handing::new(asked, &source, counts);
            let capturing = scope.spawn(|| capture(source, &cut, handing, stop));
            let tell = self.tell;
            scope.spawn(move || {
                judge(classifier, &questions, &told, counts, &|moment| {
                    tell.includes(moment)
                });
            });
            self.write(answers, clock, output, counts)?;
            let captured = capturing.join();
            Ok(captured.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        })
    }

    /// Writes verdicts as they come, until there are no more; an error ends the other threads.
    fn write(
        &self,
        answers: Receiver<Told>,
        clock: Option<fn() -> Timestamp>,
        output: &mut Output<'_>,
        counts: &Counts,
    ) -> anyhow::Result<()> {
        let interval = Duration::from_secs(self.progress);
        let is_silent = self.quiet || interval.is_zero();
        let mut last = Instant::now();
        loop {
            counts.health().writer_beats();
            match answers.recv_timeout(Duration::from_secs(1)) {
                Ok(told) => {
                    for told in std::iter::once(told).chain(answers.try_iter().take(QUEUE)) {
                        output.session(&told.session, told.verdict, told.moment)?;
                        if let Some(warning) = counts.tell(&told) {
                            // Nobody need read standard error.
                            let _ = writeln!(io::stderr(), "{warning}");
                        }
                    }
                    // Whoever reads along waits for each line.
                    output.flush()?;
                }
                // Where verdicts come, they tell the time.
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(now) = clock {
                        output.pass_time(now())?;
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            if !is_silent && last.elapsed() >= interval {
                last = Instant::now();
                // Nobody need read standard error.
                let _ = writeln!(io::stderr(), "{}", counts.progress());
            }
        }
    }
}
