//! Verdicts as lines of text, JSON or CSV, and the summary by class.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::Path,
};

use clap::ValueEnum;
use comfy_table::{Cell, CellAlignment, Table, presets};
use learn::classifier::{Classifier, Verdict};
use serde::Serialize;
use traffic::{background::Background, session::Session, tally::Tally};

use crate::numbers::{count, counted, percent, share};

/// How to print verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// Aligned lines and a summary
    Text,
    /// One object a line
    Json,
    /// Comma-separated values with a header
    Csv,
}

/// A row of the summary; rows appear in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Row {
    Class(u32),
    Unknown,
    Empty,
    Background(Background),
}

/// What a row of the summary adds up.
#[derive(Debug, Clone, Copy, Default)]
struct Totals {
    sessions: u64,
    packets: u64,
    bytes: u64,
}

/// One session as JSON and CSV have it; names as in a dataset's columns.
#[derive(Serialize)]
struct Record<'a> {
    capture: &'a str,
    start: String,
    protocol: String,
    client_address: String,
    client_port: u16,
    server_address: String,
    server_port: u16,
    /// class, unknown, empty or background.
    verdict: &'static str,
    class: Option<&'a str>,
    /// The class that an unknown session would have been called.
    nearest: Option<&'a str>,
    confidence: Option<f64>,
    background: Option<&'static str>,
    packets: u64,
    bytes: u64,
    end_reason: &'static str,
}

/// The columns of CSV: the fields of [`Record`].
const COLUMNS: &str = "capture,start,protocol,client_address,client_port,server_address,\
                       server_port,verdict,class,nearest,confidence,background,packets,bytes,\
                       end_reason";

/// Where verdicts go.
pub(super) struct Output<'a> {
    out: &'a mut dyn Write,
    format: Format,
    classes: Vec<String>,
    class_width: usize,
    model: String,
    has_many_captures: bool,
    shows_sessions: bool,
    capture: String,
    totals: BTreeMap<Row, Totals>,
    tally: Tally,
    has_failed: bool,
}

impl<'a> Output<'a> {
    /// For verdicts of this classifier on so many captures.
    pub(super) fn new(
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
            model: classifier.model().card().name.clone(),
            has_many_captures: captures > 1,
            shows_sessions: true,
            capture: String::new(),
            totals: BTreeMap::new(),
            tally: Tally::default(),
            has_failed: false,
        }
    }

    /// Leaves the sessions out.
    pub(super) fn only_summary(&mut self) {
        self.shows_sessions = false;
    }

    /// Whether writing has failed: nothing more can be said there.
    pub(super) fn failed(&self) -> bool {
        self.has_failed
    }

    /// What stands before the first session.
    pub(super) fn begin(&mut self) -> io::Result<()> {
        if self.shows_sessions && self.format == Format::Csv {
            writeln!(self.out, "{COLUMNS}")?;
        }
        Ok(())
    }

    /// The sessions that follow are this capture's.
    pub(super) fn capture(&mut self, path: &Path) -> io::Result<()> {
        self.capture = path.display().to_string();
        if self.has_many_captures && self.shows_sessions && self.format == Format::Text {
            writeln!(self.out, "==> {} <==", self.capture)?;
        }
        Ok(())
    }

    /// One session and what is said of it.
    pub(super) fn session(&mut self, session: &Session, verdict: Verdict) -> io::Result<()> {
        let row = match verdict {
            Verdict::Class { label, .. } => Row::Class(label),
            Verdict::Unknown { .. } => Row::Unknown,
            Verdict::Empty => Row::Empty,
            Verdict::Background(kind) => Row::Background(kind),
        };
        let totals = self.totals.entry(row).or_default();
        totals.sessions += 1;
        totals.packets += session.packets;
        totals.bytes += session.bytes;
        if !self.shows_sessions {
            return Ok(());
        }
        let written = match self.format {
            Format::Text => self.text(session, verdict, row),
            Format::Json => self.json(session, verdict),
            Format::Csv => self.csv(session, verdict),
        };
        self.has_failed |= written.is_err();
        written
    }

    /// What was read of a capture.
    pub(super) fn add(&mut self, tally: &Tally) {
        self.tally += tally.clone();
    }

    /// How much of which class there was; beside machine-readable lines, on standard error.
    pub(super) fn summary(&mut self) -> io::Result<()> {
        let mut lines: Vec<String> = self
            .table()
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        if self.format == Format::Text && self.shows_sessions {
            lines.insert(0, String::new());
        }
        lines.push(String::new());
        lines.push(format!(
            "{} of {} read, {} skipped; model: {}",
            counted(self.tally.packets, "packet"),
            counted(self.tally.frames, "frame"),
            counted(self.tally.skipped(), "frame"),
            self.model
        ));
        if self.tally.cut_short_captures > 0 {
            let captures = counted(self.tally.cut_short_captures, "capture");
            lines.push(format!("{captures} ended inside of a frame"));
        }
        if self.tally.evicted() > 0 {
            let sessions = counted(self.tally.evicted(), "session");
            lines.push(format!(
                "{sessions} ended early to keep the table within --max-sessions"
            ));
        }
        let named: Vec<String> = self
            .totals
            .keys()
            .filter_map(|row| match row {
                Row::Class(label) => Some(self.classes[*label as usize].clone()),
                _ => None,
            })
            .collect();
        lines.extend(super::note(&named).map(str::to_owned));
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

    /// Gives everything away.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        if self.has_failed {
            Ok(())
        } else {
            self.out.flush()
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
        let titles = ["sessions", "share", "packets", "bytes"].map(|title| right(title.to_owned()));
        table.set_header(std::iter::once(Cell::new("class")).chain(titles));
        let all = self
            .totals
            .values()
            .fold(Totals::default(), |sum, totals| Totals {
                sessions: sum.sessions + totals.sessions,
                packets: sum.packets + totals.packets,
                bytes: sum.bytes + totals.bytes,
            });
        let mut add = |name: String, totals: &Totals| {
            table.add_row(vec![
                Cell::new(name),
                right(count(totals.sessions)),
                right(share(totals.sessions, all.sessions)),
                right(count(totals.packets)),
                right(count(totals.bytes)),
            ]);
        };
        for (row, totals) in &self.totals {
            add(self.name(*row), totals);
        }
        add("all".to_owned(), &all);
        table
    }

    fn name(&self, row: Row) -> String {
        match row {
            Row::Class(label) => self.classes[label as usize].clone(),
            Row::Unknown => "unknown".to_owned(),
            Row::Empty => "empty".to_owned(),
            Row::Background(kind) => format!("({kind})"),
        }
    }

    fn text(&mut self, session: &Session, verdict: Verdict, row: Row) -> io::Result<()> {
        let confidence = confidence_of(verdict).map_or_else(|| "-".to_owned(), percent);
        let tuple = &session.five_tuple;
        writeln!(
            self.out,
            "{} {:<4} {:>21} > {:<21} {:<width$} {:>8} {:>8} packets {:>12} bytes",
            session.start,
            tuple.protocol.name(),
            tuple.source.to_string(),
            tuple.destination.to_string(),
            self.name(row),
            confidence,
            session.packets,
            session.bytes,
            width = self.class_width,
        )
    }

    fn json(&mut self, session: &Session, verdict: Verdict) -> io::Result<()> {
        let line = serde_json::to_string(&self.record(session, verdict))?;
        writeln!(self.out, "{line}")
    }

    fn csv(&mut self, session: &Session, verdict: Verdict) -> io::Result<()> {
        let record = self.record(session, verdict);
        let line = [
            quoted(record.capture),
            record.start,
            record.protocol,
            record.client_address,
            record.client_port.to_string(),
            record.server_address,
            record.server_port.to_string(),
            record.verdict.to_owned(),
            record.class.map(quoted).unwrap_or_default(),
            record.nearest.map(quoted).unwrap_or_default(),
            record
                .confidence
                .map(|confidence| confidence.to_string())
                .unwrap_or_default(),
            record.background.unwrap_or_default().to_owned(),
            record.packets.to_string(),
            record.bytes.to_string(),
            record.end_reason.to_owned(),
        ]
        .join(",");
        writeln!(self.out, "{line}")
    }

    fn record<'b>(&'b self, session: &Session, verdict: Verdict) -> Record<'b> {
        let name = |label: u32| Some(self.classes[label as usize].as_str());
        let (kind, class, nearest) = match verdict {
            Verdict::Class { label, .. } => ("class", name(label), None),
            Verdict::Unknown { nearest, .. } => ("unknown", None, name(nearest)),
            Verdict::Empty => ("empty", None, None),
            Verdict::Background(_) => ("background", None, None),
        };
        let tuple = &session.five_tuple;
        Record {
            capture: &self.capture,
            start: session.start.to_string(),
            protocol: tuple.protocol.to_string(),
            client_address: tuple.source.ip().to_string(),
            client_port: tuple.source.port(),
            server_address: tuple.destination.ip().to_string(),
            server_port: tuple.destination.port(),
            verdict: kind,
            class,
            nearest,
            // Four decimals are more than calibration can promise.
            confidence: confidence_of(verdict).map(|confidence| (confidence * 1e4).round() / 1e4),
            background: session.background.map(Background::name),
            packets: session.packets,
            bytes: session.bytes,
            end_reason: session.end_reason.name(),
        }
    }
}

fn confidence_of(verdict: Verdict) -> Option<f64> {
    match verdict {
        Verdict::Class { confidence, .. } | Verdict::Unknown { confidence, .. } => Some(confidence),
        Verdict::Empty | Verdict::Background(_) => None,
    }
}

/// A field of CSV, in quotes where RFC 4180 wants them.
fn quoted(field: &str) -> String {
    if field.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_commas_and_quotes_are_quoted() {
        assert_eq!(quoted("a,b.pcap"), "\"a,b.pcap\"");
        assert_eq!(quoted("the \"best\""), "\"the \"\"best\"\"\"");
        assert_eq!(quoted("plain.pcap"), "plain.pcap");
    }

    #[test]
    fn the_columns_are_the_fields_of_a_record() {
        let record = Record {
            capture: "",
            start: String::new(),
            protocol: String::new(),
            client_address: String::new(),
            client_port: 0,
            server_address: String::new(),
            server_port: 0,
            verdict: "",
            class: None,
            nearest: None,
            confidence: None,
            background: None,
            packets: 0,
            bytes: 0,
            end_reason: "",
        };
        let text = serde_json::to_string(&record).unwrap();
        let mut last = 0;
        for column in COLUMNS.split(',') {
            let place = text.find(&format!("\"{column}\":")).unwrap();
            assert!(place >= last, "{column} is out of order");
            last = place;
        }
        assert_eq!(text.matches("\":").count(), COLUMNS.split(',').count());
    }
}
