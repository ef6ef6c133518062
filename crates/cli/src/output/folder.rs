//! Sinks: folders of files with findings, each of which is whole once it has its name.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use clap::{Args, ValueEnum};
use traffic::timestamp::Timestamp;

use super::{
    columns::Columns,
    finding::Finding,
    lines::{LineFormat, Lines},
};

/// Records after which a file is full, whatever time has passed.
const FULL: u64 = 1_000_000;

/// Where findings go beside standard output.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sinks")]
pub(crate) struct SinkArguments {
    /// Write verdicts into files in a folder too, as `json`, `csv`, `eve`, `zeek`, `zeek-json` or
    /// `parquet`; may be given several times
    #[arg(long = "sink", value_name = "FORMAT:FOLDER", value_parser = sink)]
    sinks: Vec<(FileFormat, PathBuf)>,
    /// Begin a new file when this time has passed, by the clock of the capture
    #[arg(long, default_value = "3600", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    rotate: u64,
}

/// What a file of findings is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum FileFormat {
    Lines(LineFormat),
    Parquet,
}

impl FileFormat {
    fn extension(self) -> &'static str {
        match self {
            Self::Lines(LineFormat::Json) => "jsonl",
            Self::Lines(LineFormat::Csv) => "csv",
            Self::Lines(LineFormat::Eve) => "eve.json",
            Self::Lines(LineFormat::Zeek) => "zeek.log",
            Self::Lines(LineFormat::ZeekJson) => "zeek.json",
            Self::Parquet => "parquet",
        }
    }
}

impl SinkArguments {
    /// The sinks, with their folders made.
    pub(super) fn open(&self) -> anyhow::Result<Vec<Sink>> {
        let open = |(format, folder): &(FileFormat, PathBuf)| {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
            Ok(Sink {
                format: *format,
                folder: folder.clone(),
                period_nanoseconds: self.rotate * 1_000_000_000,
                open: None,
            })
        };
        self.sinks.iter().map(open).collect()
    }
}

fn sink(text: &str) -> Result<(FileFormat, PathBuf), String> {
    let (format, folder) = text
        .split_once(':')
        .filter(|(_, folder)| !folder.is_empty())
        .ok_or("give a format and a folder, as `eve:/var/log/undertone`")?;
    let format = if format == "parquet" {
        FileFormat::Parquet
    } else {
        let known = "json, csv, eve, zeek, zeek-json, parquet";
        let format = LineFormat::from_str(format, false);
        FileFormat::Lines(format.map_err(|_| format!("give one of these formats: {known}"))?)
    };
    Ok((format, folder.into()))
}

/// A folder of files, of which at most one is being written.
pub(super) struct Sink {
    format: FileFormat,
    folder: PathBuf,
    period_nanoseconds: u64,
    open: Option<OpenFile>,
}

/// A file that does not have its name yet.
struct OpenFile {
    partial: PathBuf,
    begun: Timestamp,
    records: u64,
    body: Body,
}

enum Body {
    Lines(Lines, BufWriter<File>),
    Columns(Box<Columns>),
}

impl Sink {
    /// Writes one finding, into a new file if the last is full.
    pub(super) fn write(&mut self, finding: &Finding<'_>) -> anyhow::Result<()> {
        let now = finding.session.end;
        self.pass_time(now)?;
        let folder = || format!("cannot write into `{}`", self.folder.display());
        if self.open.is_none() {
            let opened = OpenFile::create(&self.folder, self.format, now).with_context(folder)?;
            self.open = Some(opened);
        }
        match &mut self.open {
            Some(open) => open.write(finding).with_context(folder),
            None => Ok(()),
        }
    }

    /// Finishes the file that is being written, if its time has passed or it is full.
    pub(super) fn pass_time(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let is_over = self.open.as_ref().is_some_and(|open| {
            now.nanoseconds_since(open.begun) >= self.period_nanoseconds || open.records >= FULL
        });
        if is_over { self.finish() } else { Ok(()) }
    }

    /// Lets whoever reads along see what was written.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match &mut self.open {
            Some(OpenFile {
                body: Body::Lines(_, out),
                ..
            }) => out.flush(),
            _ => Ok(()),
        }
    }

    /// Gives the file that is being written its end and its name.
    pub(super) fn finish(&mut self) -> anyhow::Result<()> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let format = self.format;
        open.finish(&self.folder, format)
            .with_context(|| format!("cannot finish a file in `{}`", self.folder.display()))
    }
}

impl OpenFile {
    fn create(folder: &Path, format: FileFormat, begun: Timestamp) -> anyhow::Result<Self> {
        let partial = free_name(folder, begun, format, ".partial")?;
        let file = File::create_new(&partial)?;
        Ok(Self {
            partial,
            begun,
            records: 0,
            body: match format {
                FileFormat::Lines(format) => Body::Lines(Lines::new(format), BufWriter::new(file)),
                FileFormat::Parquet => Body::Columns(Box::new(Columns::create(file)?)),
            },
        })
    }

    fn write(&mut self, finding: &Finding<'_>) -> anyhow::Result<()> {
        self.records += 1;
        match &mut self.body {
            Body::Lines(lines, out) => lines.write(out, finding)?,
            Body::Columns(columns) => columns.write(finding)?,
        }
        Ok(())
    }

    fn finish(self, folder: &Path, format: FileFormat) -> anyhow::Result<()> {
        let file = match self.body {
            Body::Lines(lines, mut out) => {
                lines.end(&mut out)?;
                out.into_inner().map_err(io::IntoInnerError::into_error)?
            }
            Body::Columns(columns) => columns.end()?,
        };
        file.sync_all()?;
        fs::rename(&self.partial, free_name(folder, self.begun, format, "")?)?;
        Ok(())
    }
}

/// `undertone-20160229T235959Z.parquet`, with a number where several files begin in that second.
fn free_name(
    folder: &Path,
    begun: Timestamp,
    format: FileFormat,
    suffix: &str,
) -> anyhow::Result<PathBuf> {
    let second: String = begun.to_string()[..19].replace(['-', ':'], "");
    let extension = format.extension();
    (1..10_000)
        .map(|number| {
            let number = if number == 1 {
                String::new()
            } else {
                format!("-{number}")
            };
            folder.join(format!("undertone-{second}Z{number}.{extension}{suffix}"))
        })
        .find(|path| !path.exists())
        .ok_or_else(|| anyhow!("10,000 files begin with {second}"))
}
