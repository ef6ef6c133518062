//! Lines: findings in one of the forms that have a line for each.

use std::io::{self, Write};

use clap::ValueEnum;
use traffic::timestamp::Timestamp;

use super::{
    eve::Eve,
    finding::Finding,
    record::{COLUMNS, Record},
    zeek,
};

/// A form that has a line for each finding, and is read by programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LineFormat {
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

/// Writes findings as lines of one form.
pub(super) struct Lines {
    format: LineFormat,
    has_begun: bool,
    last: Timestamp,
}

impl Lines {
    pub(super) fn new(format: LineFormat) -> Self {
        Self {
            format,
            has_begun: false,
            last: Timestamp::default(),
        }
    }

    /// What stands before the first finding, as far as it is known before.
    pub(super) fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.format == LineFormat::Csv && !self.has_begun {
            self.has_begun = true;
            writeln!(out, "{COLUMNS}")?;
        }
        Ok(())
    }

    /// One finding, whole.
    pub(super) fn write(&mut self, out: &mut dyn Write, finding: &Finding<'_>) -> io::Result<()> {
        self.begin(out)?;
        self.last = self.last.max(finding.session.end);
        let line = match self.format {
            LineFormat::Json => serde_json::to_string(&Record::of(finding))?,
            LineFormat::Csv => Record::of(finding).into_csv(),
            LineFormat::Eve => serde_json::to_string(&Eve::of(finding))?,
            LineFormat::Zeek => {
                if !self.has_begun {
                    out.write_all(zeek::header(finding.session.end).as_bytes())?;
                }
                zeek::line(finding)
            }
            LineFormat::ZeekJson => zeek::object(finding).to_string(),
        };
        self.has_begun = true;
        writeln!(out, "{line}")
    }

    /// What stands after the last finding.
    pub(super) fn end(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.format == LineFormat::Zeek && self.has_begun {
            out.write_all(zeek::footer(self.last).as_bytes())?;
        }
        Ok(())
    }
}
