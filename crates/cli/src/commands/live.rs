//! `live`: what are the sessions on this interface doing, while they do it?

mod exposing;

use std::{
    io::{self, Write},
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use learn::classifier::{Classifier, Moment};
use traffic::{session_table::Glimpses, timestamp::Timestamp};

use self::exposing::{ExposingArguments, start};
use crate::{
    following::{self, Counts, Following, FollowingArguments, News, QUEUE, Source},
    interrupt,
    output::{Format, Output, SinkArguments, SpecimenArguments},
};

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
    undertone live --read capture.pcap

  Into a topic of Kafka, in builds that have it:
    undertone live eth0 --sink kafka:one.example:9092,two.example:9092/undertone")]
pub(crate) struct Live {
    /// The interface to capture from; `any` is all of them
    #[arg(required_unless_present = "read", conflicts_with = "read")]
    interface: Option<String>,
    /// Read a capture in place of an interface; `-` is standard input
    #[arg(short, long, value_name = "CAPTURE", conflicts_with = "bpf")]
    read: Option<PathBuf>,
    #[command(flatten)]
    following: FollowingArguments,
    #[command(flatten)]
    sinks: SinkArguments,
    #[command(flatten)]
    specimens: SpecimenArguments,
    #[command(flatten)]
    exposing: ExposingArguments,
    /// Which verdicts are told
    #[arg(long, value_enum, default_value = "change", value_name = "WHICH")]
    tell: TellRule,
    /// How to print it; all but text have the verdicts only, the summary goes to standard error
    #[arg(short, long, value_enum, default_value = "text")]
    format: Format,
    /// Print no summary and no progress
    #[arg(short, long)]
    quiet: bool,
    /// How often to say on standard error how it goes; 0 is never
    #[arg(long, default_value = "60", value_name = "SECONDS")]
    progress: u64,
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
        let classifier = self.following.classifier(self.specimens.excerpts())?;
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
        let listener = self
            .exposing
            .listen(classifier.model(), &mut io::stderr())?;
        output.begin()?;
        output.capture(name.as_ref())?;
        let drift_sessions = self.exposing.drift_sessions;
        let counts = Arc::new(Counts::of(&classifier, &source, drift_sessions));
        if let Some(listener) = listener {
            start(listener, Arc::clone(&counts), classifier.model())?;
        }
        let following = Following {
            classifier: &classifier,
            glimpses: &self.glimpses(&classifier),
            counts: &counts,
            stop: &stop,
        };
        // A file has a time of its own.
        let clock: Option<fn() -> Timestamp> = (!source.waits()).then_some(following::now);
        let captured = following.follow(source, |news| {
            self.write(&news, clock, &mut output, &counts)
        });
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

    fn source(&self) -> anyhow::Result<Source> {
        match (&self.interface, &self.read) {
            (Some(interface), _) => {
                let options = &self.following.capturing;
                Source::interface(interface, options, "undertone live --read -")
            }
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
        self.following.glimpses(classifier)
    }

    /// Writes verdicts as they come, until there are no more; an error ends the other threads.
    fn write(
        &self,
        news: &Receiver<News>,
        clock: Option<fn() -> Timestamp>,
        output: &mut Output<'_>,
        counts: &Counts,
    ) -> anyhow::Result<()> {
        let interval = Duration::from_secs(self.progress);
        let is_silent = self.quiet || interval.is_zero();
        let mut last = Instant::now();
        loop {
            counts.health().writer_beats();
            match news.recv_timeout(Duration::from_secs(1)) {
                Ok(first) => {
                    for one in std::iter::once(first).chain(news.try_iter().take(QUEUE)) {
                        let News::Told(told) = one else { continue };
                        if !self.tell.includes(told.moment) {
                            continue;
                        }
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
                    // A sink far away may have failed meanwhile.
                    output.flush()?;
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
