//! Output: verdicts as lines of text, JSON or CSV, then their summary.

mod record;
mod summary;

use std::{
    io::{self, Write},
    path::Path,
};

use clap::ValueEnum;
use learn::{
    classifier::{Classifier, Moment, Verdict},
    model::card::Card,
};
use traffic::{session::Session, tally::Tally};

use self::{
    record::{COLUMNS, Origin, Record},
    summary::{Summary, row_name},
};
use crate::numbers::{noun, percent};

/// How to print verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Aligned lines and a summary
    Text,
    /// One object a line
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// What lines of text have.
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
    format: Format,
    classes: Vec<String>,
    class_width: usize,
    card: Card,
    origin: Origin,
    has_many_captures: bool,
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
        let classes = classifier.model().contract().classes.clone();
        Self {
            out,
            format,
            class_width: classes
                .iter()
                .map(|class| class.chars().count())
                .fold(13, usize::max),
            classes,
            card: classifier.model().card().clone(),
            origin: Origin::of(classifier.model()),
            has_many_captures: captures > 1,
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
        if self.shown != Shown::Summary && self.format == Format::Csv {
            writeln!(self.out, "{COLUMNS}")?;
        }
        Ok(())
    }

    /// The sessions that follow are this capture's.
    pub(crate) fn capture(&mut self, path: &Path) -> io::Result<()> {
        self.capture = path.display().to_string();
        if self.has_many_captures && self.shown != Shown::Summary && self.format == Format::Text {
            writeln!(self.out, "==> {} <==", self.capture)?;
        }
        Ok(())
    }

    /// One session and what is said of it when; the summary has ended sessions only.
    pub(crate) fn session(
        &mut self,
        session: &Session,
        verdict: Verdict,
        moment: Moment,
    ) -> io::Result<()> {
        if moment == Moment::End {
            self.summary.add_session(session, verdict);
        }
        if self.shown == Shown::Summary {
            return Ok(());
        }
        let line = match self.format {
            Format::Text => self.text(session, verdict, moment),
            Format::Json => serde_json::to_string(&self.record(session, verdict, moment))?,
            Format::Csv => self.record(session, verdict, moment).into_csv(),
        };
        let written = writeln!(self.out, "{line}");
        self.has_failed |= written.is_err();
        written
    }

    /// What was read of a capture.
    pub(crate) fn add(&mut self, tally: &Tally) {
        self.summary.add_tally(tally);
    }

    /// Gives away what was written.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let flushed = self.out.flush();
        self.has_failed |= flushed.is_err();
        flushed
    }

    /// How much of which class there was; beside machine-readable lines, on standard error.
    pub(crate) fn summary(&mut self) -> io::Result<()> {
        let mut lines = self.summary.lines(&self.classes, &self.card);
        if self.format == Format::Text && self.shown != Shown::Summary {
            lines.insert(0, String::new());
        }
        let text = lines.join("\n") + "\n";
        match self.format {
            Format::Text => self.out.write_all(text.as_bytes()),
            Format::Json | Format::Csv => {
                // Whether anybody reads standard error must not matter here.
                let _ = io::stderr().write_all(text.as_bytes());
                Ok(())
            }
        }
    }

    fn text(&self, session: &Session, verdict: Verdict, moment: Moment) -> String {
        let tuple = &session.five_tuple;
        let (space, moment) = if self.shown == Shown::Moments {
            (" ", moment.name())
        } else {
            ("", "")
        };
        format!(
            "{} {:<4} {:>21} > {:<21} {:<width$} {:>8} {:>8} {:<7} {:>12} {}{space}{moment}",
            session.start,
            tuple.protocol.name(),
            tuple.source.to_string(),
            tuple.destination.to_string(),
            row_name(verdict, &self.classes),
            confidence_of(verdict).map_or_else(|| "-".to_owned(), percent),
            session.packets,
            noun(session.packets, "packet"),
            session.bytes,
            noun(session.bytes, "byte"),
            width = self.class_width,
        )
    }

    fn record<'b>(&'b self, session: &Session, verdict: Verdict, moment: Moment) -> Record<'b> {
        Record::of(&self.capture, session, verdict, moment, &self.classes).by(&self.origin)
    }
}

fn confidence_of(verdict: Verdict) -> Option<f64> {
    match verdict {
        Verdict::Class { confidence, .. } | Verdict::Unknown { confidence, .. } => Some(confidence),
        Verdict::Empty | Verdict::Background(_) => None,
    }
}
