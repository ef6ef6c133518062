//! Output: verdicts as lines for people and programs, into sinks, and their summary.

mod collector;
mod columns;
mod eve;
mod finding;
mod folder;
mod identity;
mod ipfix;
#[cfg(feature = "kafka")]
mod kafka;
mod lines;
mod record;
mod sink;
mod specimens;
mod summary;
mod zeek;

use std::{
    io::{self, Write},
    path::Path,
};

use clap::ValueEnum;
use learn::{
    classifier::{Classifier, Moment, Verdict},
    model::card::Card,
};
use traffic::{session::Session, tally::Tally, timestamp::Timestamp};

use self::{
    finding::{Finding, Origin},
    lines::{LineFormat, Lines},
    sink::Sink,
    specimens::Specimens,
    summary::{Summary, row_name},
};
use crate::numbers::{noun, percent};

pub(crate) use self::{sink::SinkArguments, specimens::SpecimenArguments};

/// How to print verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned lines and a summary
    Text,
    /// One object a line
    Json,
    /// Comma-separated values with a header
    Csv,
    /// Flow events as Suricata's EVE has them, with an object `undertone`
    Eve,
    /// A tab-separated log as Zeek has them
    Zeek,
    /// The same log as JSON lines
    ZeekJson,
}

impl Format {
    /// The form of lines that it is, if it is not for people.
    fn lines(self) -> Option<LineFormat> {
        match self {
            Self::Text => None,
            Self::Json => Some(LineFormat::Json),
            Self::Csv => Some(LineFormat::Csv),
            Self::Eve => Some(LineFormat::Eve),
            Self::Zeek => Some(LineFormat::Zeek),
            Self::ZeekJson => Some(LineFormat::ZeekJson),
        }
    }
}

/// What standard output has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// The summary, and no sessions.
    Summary,
    /// Sessions and the summary.
    Sessions,
    /// Also when in its life a session got its verdict.
    Moments,
}

/// Where verdicts go.
pub(crate) struct Output<'a> {
    out: &'a mut dyn Write,
    /// None for people.
    lines: Option<Lines>,
    sinks: Vec<Box<dyn Sink>>,
    specimens: Option<Specimens>,
    class_width: usize,
    card: Card,
    origin: Origin,
    has_many_captures: bool,
    /// Whether lines have each window of a session too.
    shows_windows: bool,
    shown: Shown,
    capture: String,
    summary: Summary,
    has_failed: bool,
}

impl<'a> Output<'a> {
    /// For verdicts of this classifier on so many captures.
    pub(crate) fn new(
        out: &'a mut dyn Write,
        format: Format,
        classifier: &Classifier,
        captures: usize,
    ) -> Self {
        let origin = Origin::of(classifier.model());
        Self {
            out,
            lines: format.lines().map(Lines::new),
            sinks: Vec::new(),
            specimens: None,
            class_width: origin
                .classes
                .iter()
                .map(|class| class.chars().count())
                .fold(13, usize::max),
            card: classifier.model().card().clone(),
            origin,
            has_many_captures: captures > 1,
            shows_windows: matches!(format, Format::Json | Format::Csv),
            shown: Shown::Sessions,
            capture: String::new(),
            summary: Summary::default(),
            has_failed: false,
        }
    }

    /// Leaves the sessions out.
    pub(crate) fn only_summary(&mut self) {
        self.shown = Shown::Summary;
    }

    /// Says in lines of text too when in its life a session got its verdict.
    pub(crate) fn with_moments(&mut self) {
        self.shown = Shown::Moments;
    }

    /// Writes into these sinks too.
    pub(crate) fn with_sinks(&mut self, sinks: &SinkArguments) -> anyhow::Result<()> {
        self.sinks = sinks.open()?;
        Ok(())
    }

    /// Keeps unknown sessions there.
    pub(crate) fn with_specimens(&mut self, specimens: &SpecimenArguments) -> anyhow::Result<()> {
        self.specimens = specimens.open()?;
        Ok(())
    }

    /// Whether writing has failed: nothing more can be said there.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// Whether there is anything to sum up.
    pub(crate) fn has_read(&self) -> bool {
        self.summary.has_read()
    }

    /// What stands before the first session.
    pub(crate) fn begin(&mut self) -> io::Result<()> {
        match &mut self.lines {
            Some(lines) if self.shown != Shown::Summary => lines.begin(self.out),
            _ => Ok(()),
        }
    }

    /// The sessions that follow are this capture's.
    pub(crate) fn capture(&mut self, path: &Path) -> io::Result<()> {
        self.capture = path.display().to_string();
        if self.has_many_captures && self.shown != Shown::Summary && self.lines.is_none() {
            writeln!(self.out, "==> {} <==", self.capture)?;
        }
        Ok(())
    }

    /// One session and what is said of it when; the summary has ended sessions only, and windows of
    /// one are for programs only.
    pub(crate) fn session(
        &mut self,
        session: &Session,
        verdict: Verdict,
        moment: Moment,
    ) -> anyhow::Result<()> {
        let is_window = session.window.is_some();
        if moment == Moment::End && !is_window {
            self.summary.add_session(session, verdict);
            if let (Some(specimens), Verdict::Unknown { .. }) = (&mut self.specimens, verdict) {
                specimens.keep(session)?;
            }
        }
        let finding = Finding {
            capture: &self.capture,
            session,
            verdict,
            moment,
            origin: &self.origin,
        };
        // Flow records are of whole sessions everywhere else.
        if is_window && !self.shows_windows {
            return Ok(());
        }
        if !is_window {
            for sink in &mut self.sinks {
                sink.write(&finding)?;
            }
        }
        if self.shown == Shown::Summary {
            return Ok(());
        }
        let written = if let Some(lines) = &mut self.lines {
            lines.write(self.out, &finding)
        } else {
            let line = text(&finding, self.class_width, self.shown);
            writeln!(self.out, "{line}")
        };
        self.has_failed |= written.is_err();
        Ok(written?)
    }

    /// What was read of a capture.
    pub(crate) fn add(&mut self, tally: &Tally) {
        self.summary.add_tally(tally);
    }

    /// It is that late by now: files of sinks may be due.
    pub(crate) fn pass_time(&mut self, now: Timestamp) -> anyhow::Result<()> {
        self.sinks
            .iter_mut()
            .try_for_each(|sink| sink.pass_time(now))
    }

    /// Gives away what was written.
    pub(crate) fn flush(&mut self) -> anyhow::Result<()> {
        let flushed = self.out.flush();
        self.has_failed |= flushed.is_err();
        flushed?;
        self.sinks.iter_mut().try_for_each(|sink| sink.flush())
    }

    /// No session is to come: what stands after the last, here and in the sinks.
    pub(crate) fn finish(&mut self) -> anyhow::Result<()> {
        for sink in &mut self.sinks {
            sink.finish()?;
        }
        if let Some(lines) = &self.lines
            && self.shown != Shown::Summary
            && !self.has_failed
        {
            lines.end(self.out)?;
        }
        Ok(())
    }

    /// How much of which class there was; beside machine-readable lines, on standard error.
    pub(crate) fn summary(&mut self) -> io::Result<()> {
        let mut lines = self.summary.lines(&self.origin.classes, &self.card);
        lines.extend(self.specimens.as_ref().map(Specimens::summary));
        if self.lines.is_none() && self.shown != Shown::Summary {
            lines.insert(0, String::new());
        }
        let text = lines.join("\n") + "\n";
        if self.lines.is_none() {
            return self.out.write_all(text.as_bytes());
        }
        // Whether anybody reads standard error must not matter here.
        let _ = io::stderr().write_all(text.as_bytes());
        Ok(())
    }
}

/// A line for people.
fn text(finding: &Finding<'_>, class_width: usize, shown: Shown) -> String {
    let Finding {
        session, verdict, ..
    } = *finding;
    let (space, moment) = if shown == Shown::Moments {
        (" ", finding.moment.name())
    } else {
        ("", "")
    };
    format!(
        "{} {:<4} {:>21} > {:<21} {:<class_width$} {:>8} {:>8} {:<7} {:>12} {}{space}{moment}",
        session.start,
        session.five_tuple.protocol.name(),
        finding.client().to_string(),
        finding.server().to_string(),
        row_name(verdict, &finding.origin.classes),
        confidence_of(verdict).map_or_else(|| "-".to_owned(), percent),
        session.packets,
        noun(session.packets, "packet"),
        session.bytes,
        noun(session.bytes, "byte"),
    )
}

fn confidence_of(verdict: Verdict) -> Option<f64> {
    match verdict {
        Verdict::Class { confidence, .. } | Verdict::Unknown { confidence, .. } => Some(confidence),
        Verdict::Empty | Verdict::Background(_) => None,
    }
}
