//! The summary by class: how much of what there was.

use std::collections::BTreeMap;

use comfy_table::{Cell, CellAlignment, Table, presets};
use learn::{classifier::Verdict, model::card::Card};
use traffic::{background::Background, session::Session, tally::Tally};

use crate::numbers::{count, counted, share};

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

/// Sessions added up by what was said of them.
#[derive(Debug, Default)]
pub(super) struct Summary {
    totals: BTreeMap<Row, Totals>,
    tally: Tally,
}

impl Summary {
    /// Adds a session to the row of its verdict.
    pub(super) fn add_session(&mut self, session: &Session, verdict: Verdict) {
        let totals = self.totals.entry(Row::of(verdict)).or_default();
        totals.sessions += 1;
        totals.packets += session.packets;
        totals.bytes += session.bytes;
    }

    /// Adds what was read of a capture.
    pub(super) fn add_tally(&mut self, tally: &Tally) {
        self.tally += tally;
    }

    /// Whether any capture was read, be it to its end or not.
    pub(super) fn has_read(&self) -> bool {
        self.tally.captures > 0
    }

    /// The summary line by line; `classes` are the model's, by label, and `card` is its card.
    pub(super) fn lines(&self, classes: &[String], card: &Card) -> Vec<String> {
        let mut lines: Vec<String> = self
            .table(classes)
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        lines.push(String::new());
        lines.push(format!(
            "{} of {} read, {} skipped; model: {}",
            counted(self.tally.packets, "packet"),
            counted(self.tally.frames, "frame"),
            counted(self.tally.skipped(), "frame"),
            card.name,
        ));
        if self.tally.cut_short_captures > 0 {
            let captures = counted(self.tally.cut_short_captures, "capture");
            lines.push(format!("{captures} ended inside of a frame"));
        }
        if self.tally.short_sessions > 0 {
            let sessions = counted(self.tally.short_sessions, "session");
            lines.push(format!("{sessions} ended before the first window"));
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
            .filter(|row| matches!(row, Row::Class(_)))
            .map(|row| row.name(classes))
            .collect();
        lines.extend(card.trained_on.vpn_note(&named).map(str::to_owned));
        lines
    }

    fn table(&self, classes: &[String]) -> Table {
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
            add(row.name(classes), totals);
        }
        add("all".to_owned(), &all);
        table
    }
}

/// The name of the row that a verdict is added up in.
pub(super) fn row_name(verdict: Verdict, classes: &[String]) -> String {
    Row::of(verdict).name(classes)
}

impl Row {
    fn of(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Class { label, .. } => Self::Class(label),
            Verdict::Unknown { .. } => Self::Unknown,
            Verdict::Empty => Self::Empty,
            Verdict::Background(kind) => Self::Background(kind),
        }
    }

    fn name(self, classes: &[String]) -> String {
        match self {
            Self::Class(label) => classes[label as usize].clone(),
            Self::Unknown => "unknown".to_owned(),
            Self::Empty => "empty".to_owned(),
            Self::Background(kind) => format!("({kind})"),
        }
    }
}
