//! Folders: files of findings, each of which is whole once it has its name.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow};
use traffic::timestamp::Timestamp;

use super::{
    columns::Columns,
    finding::Finding,
    ipfix::Flows,
    lines::{LineFormat, Lines},
    sink::Sink,
};

/// Records after which a file is full, whatever time has passed.
const FULL: u64 = 1_000_000;

/// What a file of findings is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileFormat {
    Lines(LineFormat),
    Parquet,
    /// With elements of this private enterprise number.
    Ipfix(u32),
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
            Self::Ipfix(_) => "ipfix",
        }
    }
}

/// A folder of files, of which at most one is being written.
pub(super) struct Folder {
    format: FileFormat,
    path: PathBuf,
    period_nanoseconds: u64,
    open: Option<OpenFile>,
}

/// A file that does not have its name yet.
struct OpenFile {
    partial: PathBuf,
    begun: Timestamp,
    /// When the last session ended.
    latest: Timestamp,
    records: u64,
    body: Body,
}

enum Body {
    Lines(Lines, BufWriter<File>),
    Columns(Box<Columns>),
    Flows(Flows, BufWriter<File>),
}

impl Folder {
    /// A folder, made if it is not there, with a new file whenever this time has passed.
    pub(super) fn open(folder: &Path, format: FileFormat, seconds: u64) -> anyhow::Result<Self> {
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
        Ok(Self {
            format,
            path: folder.to_owned(),
            period_nanoseconds: seconds * 1_000_000_000,
            open: None,
        })
    }
}

impl Sink for Folder {
    /// Writes one finding, into a new file if the last is full.
    fn write(&mut self, finding: &Finding<'_>) -> anyhow::Result<()> {
        if matches!(self.format, FileFormat::Ipfix(_)) && !Flows::include(finding) {
            return Ok(());
        }
        let now = finding.session.end;
        self.pass_time(now)?;
        let folder = || format!("cannot write into `{}`", self.path.display());
        if self.open.is_none() {
            let opened = OpenFile::create(&self.path, self.format, now).with_context(folder)?;
            self.open = Some(opened);
        }
        match &mut self.open {
            Some(open) => open.write(finding).with_context(folder),
            None => Ok(()),
        }
    }

    /// Finishes the file that is being written, if its time has passed or it is full.
    fn pass_time(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let is_over = self.open.as_ref().is_some_and(|open| {
            now.nanoseconds_since(open.begun) >= self.period_nanoseconds || open.records >= FULL
        });
        if is_over { self.finish() } else { Ok(()) }
    }

    /// Lets whoever reads along see what was written.
    fn flush(&mut self) -> anyhow::Result<()> {
        match self.open.as_mut().map(|open| &mut open.body) {
            Some(Body::Lines(_, out)) => Ok(out.flush()?),
            _ => Ok(()),
        }
    }

    /// Gives the file that is being written its end and its name.
    fn finish(&mut self) -> anyhow::Result<()> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        let format = self.format;
        open.finish(&self.path, format)
            .with_context(|| format!("cannot finish a file in `{}`", self.path.display()))
    }
}

impl OpenFile {
    fn create(folder: &Path, format: FileFormat, begun: Timestamp) -> anyhow::Result<Self> {
        let partial = free_name(folder, begun, format, ".partial")?;
        let file = File::create_new(&partial)?;
        Ok(Self {
            partial,
            begun,
            latest: begun,
            records: 0,
            body: match format {
                FileFormat::Lines(format) => Body::Lines(Lines::new(format), BufWriter::new(file)),
                FileFormat::Parquet => Body::Columns(Box::new(Columns::create(file)?)),
                FileFormat::Ipfix(enterprise) => flows(enterprise, file, begun)?,
            },
        })
    }

    fn write(&mut self, finding: &Finding<'_>) -> anyhow::Result<()> {
        self.records += 1;
        self.latest = finding.session.end;
        match &mut self.body {
            Body::Lines(lines, out) => lines.write(out, finding)?,
            Body::Columns(columns) => columns.write(finding)?,
            // The clock of a file is that of the capture.
            Body::Flows(flows, out) => {
                if let Some(message) = flows.add(finding, finding.session.end) {
                    out.write_all(&message)?;
                }
            }
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
            Body::Flows(mut flows, mut out) => {
                if let Some(message) = flows.take(self.latest) {
                    out.write_all(&message)?;
                }
                out.into_inner().map_err(io::IntoInnerError::into_error)?
            }
        };
        file.sync_all()?;
        fs::rename(&self.partial, free_name(folder, self.begun, format, "")?)?;
        Ok(())
    }
}

/// A file of IPFIX, which begins with its templates.
fn flows(enterprise: u32, file: File, begun: Timestamp) -> io::Result<Body> {
    let mut flows = Flows::in_a_stream(enterprise);
    let mut out = BufWriter::new(file);
    out.write_all(&flows.beginning(begun))?;
    Ok(Body::Flows(flows, out))
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
