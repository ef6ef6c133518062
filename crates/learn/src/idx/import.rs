//! Import: rows that are heads of pcap files become a dataset, through the path of any capture.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Cursor},
    ops::ControlFlow,
    path::{Path, PathBuf},
    sync::Arc,
};

use rayon::prelude::*;
use traffic::{
    capture::CaptureReader,
    cut::cut,
    session::Session,
    session_table::{CutOptions, EndRule},
    tally::Tally,
};

use super::{IdxError, IdxReader, RowIndex, pcap_head::pcap_part};
use crate::{
    checksum::SummedSource,
    dataset::{
        Manifest, Split,
        columns::{Form, Row},
        folder::Staging,
        manifest::{CaptureRecord, Cutting, LabelSource, RowTally},
    },
    preparation::{
        Observer, Part, PartWriter, Parts, PrepareError, PrepareOptions, Step, assemble,
        first_error,
    },
};

/// Rows that are cut at once by one thread.
const CHUNK_ROWS: usize = 1024;
/// Chunks that are read before they are cut: 25 MB of rows of 784 bytes.
const CHUNKS: usize = 32;

/// An image file, its label file, and the split that they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdxPair {
    /// The images: one row a session.
    pub images: PathBuf,
    /// The labels: one byte a row.
    pub labels: PathBuf,
    /// The split that the files are.
    pub split: Split,
}

/// What to import.
#[derive(Debug, Clone, PartialEq)]
pub struct IdxImport {
    /// The files.
    pub pairs: Vec<IdxPair>,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
    /// The group of each row; without it all rows of a file are one group.
    pub index: Option<RowIndex>,
}

/// One row on its way.
struct IdxRow {
    number: u64,
    label: u8,
    bytes: Vec<u8>,
}

/// What does not change from row to row of a file.
struct ImageFile<'a> {
    at: u32,
    name: &'a str,
    split: Split,
    import: &'a IdxImport,
    cutting: &'a CutOptions,
    form: &'a Form,
    folder: &'a Path,
}

/// Cuts the rows of IDX files into sessions, filters, splits and writes the dataset to `place`.
///
/// Each row is a capture of its own: its sessions end with it, whatever the options say. A
/// session without visible payload counts as empty only if the row does not cut it off.
///
/// # Errors
///
/// If a file is damaged, rows are no heads of pcap files, labels or index do not fit, or as
/// [`crate::preparation::prepare`]; nothing is left behind then.
pub fn import(
    what: &IdxImport,
    options: &PrepareOptions,
    place: &Path,
    observer: Observer<'_>,
) -> Result<Manifest, PrepareError> {
    let staging = Staging::begin(place, options.existing)?;
    let cutting = CutOptions {
        end_rule: EndRule::Capture,
        ..options.cutting.clone()
    };
    let form = Form {
        classes: what.classes.clone(),
        slice_length: cutting.slice_length.get(),
        has_packet_slices: cutting.packet_slices > 0,
    };
    let (mut parts, mut captures, mut label_files) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (at, pair) in what.pairs.iter().enumerate() {
        let name = file_name(&pair.images);
        let file = ImageFile {
            at: at as u32,
            name: &name,
            split: pair.split,
            import: what,
            cutting: &cutting,
            form: &form,
            folder: staging.path(),
        };
        let (labels, sum) = read_labels(&pair.labels, what.classes.len())?;
        label_files.insert(file_name(&pair.labels), sum);
        let (record, mut cut) = cut_file(&file, pair, &labels, observer)?;
        (observer.step)(Step::Cut {
            done: at + 1,
            of: what.pairs.len(),
            file: &name,
            sessions: record.sessions,
        });
        captures.push(record);
        parts.append(&mut cut);
    }
    (observer.step)(Step::Writing);
    let mut manifest = Manifest::new(
        &options.name,
        what.classes.clone(),
        &cutting.policy.to_string(),
        form.slice_length,
    );
    manifest.cutting = Cutting::from(&cutting);
    manifest.labels = LabelSource::Idx { files: label_files };
    let parts = Parts {
        form,
        parts,
        captures,
    };
    assemble(parts, manifest, &options.filters, &options.split, staging)
}

/// Reads a label file whole: a byte a row.
fn read_labels(path: &Path, classes: usize) -> Result<(Vec<u8>, String), IdxError> {
    let (mut reader, source) = open(path)?;
    let mut labels = Vec::new();
    let mut row = Vec::new();
    while reader.next_row(&mut row)? {
        let &[label] = row.as_slice() else {
            return Err(IdxError::Header {
                path: path.display().to_string(),
                reason: format!("labels are one byte each, its rows are {}", row.len()),
            });
        };
        if usize::from(label) >= classes {
            return Err(IdxError::Label {
                path: path.display().to_string(),
                row: labels.len() as u64,
                label,
                classes,
            });
        }
        labels.push(label);
    }
    drop(reader);
    let (sum, _) = finish(source, path)?;
    Ok((labels, sum))
}

/// Cuts all rows of an image file, many at a time.
fn cut_file(
    file: &ImageFile<'_>,
    pair: &IdxPair,
    labels: &[u8],
    observer: Observer<'_>,
) -> Result<(CaptureRecord, Vec<Part>), PrepareError> {
    let (mut reader, source) = open(&pair.images)?;
    if reader.rows() != labels.len() as u64 {
        return Err(IdxError::Pair {
            images: pair.images.display().to_string(),
            rows: reader.rows(),
            labels: pair.labels.display().to_string(),
            count: labels.len() as u64,
        }
        .into());
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut rows = (0..).zip(labels);
    loop {
        let mut chunks: Vec<Vec<IdxRow>> = Vec::new();
        'read: while chunks.len() < CHUNKS {
            let mut chunk = Vec::new();
            while chunk.len() < CHUNK_ROWS {
                let mut bytes = Vec::new();
                if !reader.next_row(&mut bytes)? {
                    chunks.push(chunk);
                    break 'read;
                }
                let (number, &label) = rows.next().expect("there is a label for each row");
                chunk.push(IdxRow {
                    number,
                    label,
                    bytes,
                });
            }
            chunks.push(chunk);
        }
        let first = parts.len();
        let is_last = chunks.last().is_none_or(|chunk| chunk.len() < CHUNK_ROWS);
        let cut: Vec<Result<Part, PrepareError>> = chunks
            .par_iter()
            .enumerate()
            .filter(|(_, chunk)| !chunk.is_empty())
            .map(|(at, chunk)| {
                let name = format!("part-{}-{}.parquet", file.at, first + at);
                cut_chunk(file, pair, chunk, &file.folder.join(name), observer)
            })
            .collect();
        parts.extend(first_error(cut)?);
        if is_last {
            break;
        }
    }
    drop(reader);
    let (sha256, size) = finish(source, &pair.images)?;
    let mut record = CaptureRecord {
        sha256,
        size,
        group: file.import.index.is_none().then(|| file.name.to_owned()),
        ..record(file)
    };
    for part in &parts {
        record.sessions += part.record.sessions;
        record.traffic += part.record.traffic.clone();
        let (sum, part) = (record.rows.get_or_insert_default(), part.record.rows);
        *sum += part.unwrap_or_default();
    }
    Ok((record, parts))
}

/// The record of a file of which nothing was read yet.
fn record(file: &ImageFile<'_>) -> CaptureRecord {
    CaptureRecord {
        file: file.name.to_owned(),
        sha256: String::new(),
        size: 0,
        class: None,
        group: None,
        given_split: Some(file.split),
        note: None,
        sessions: 0,
        samples: 0,
        rows: None,
        traffic: Tally::default(),
    }
}

/// Cuts some rows into a part.
fn cut_chunk(
    file: &ImageFile<'_>,
    pair: &IdxPair,
    chunk: &[IdxRow],
    path: &Path,
    observer: Observer<'_>,
) -> Result<Part, PrepareError> {
    let mut writer = PartWriter::create(path, file.form.clone())?;
    let (mut rows, mut traffic) = (RowTally::default(), Tally::default());
    for row in chunk {
        if observer.stopped() {
            return Err(PrepareError::Stopped);
        }
        let group: Arc<str> = file.group(row)?.into();
        let pcap = pcap_part(&row.bytes).ok_or_else(|| IdxError::NotPcap {
            path: pair.images.display().to_string(),
            row: row.number,
        })?;
        let is_cut_off = pcap.len() == row.bytes.len();
        let (sessions, tally) = sessions(pcap, file.cutting);
        rows.rows += 1;
        rows.cut_off += u64::from(is_cut_off);
        rows.without_session += u64::from(sessions.is_empty());
        rows.with_several_sessions += u64::from(sessions.len() > 1);
        traffic += tally;
        for session in sessions {
            let is_empty = session.payload_bytes == 0 && !is_cut_off;
            let row = Row {
                label: u32::from(row.label),
                capture: file.at,
                row: Some(row.number as u32),
                group: Arc::clone(&group),
                given: Some(file.split),
                session,
            };
            writer.push(&row, is_empty)?;
        }
    }
    Ok(writer.close(CaptureRecord {
        rows: Some(rows),
        traffic,
        ..record(file)
    })?)
}

impl ImageFile<'_> {
    /// The group of a row, after checking that the index means the same row.
    fn group(&self, row: &IdxRow) -> Result<String, IdxError> {
        let Some(index) = &self.import.index else {
            return Ok(self.name.to_owned());
        };
        let line = index
            .line(self.split, row.number)
            .ok_or_else(|| IdxError::NoIndexLine {
                split: self.split.to_string(),
                row: row.number,
            })?;
        let label = &self.import.classes[usize::from(row.label)];
        match &line.class {
            Some(class) if class != label => Err(IdxError::IndexClass {
                split: self.split.to_string(),
                row: row.number,
                index: class.clone(),
                label: label.clone(),
            }),
            _ => Ok(line.group.clone()),
        }
    }
}

/// The sessions of one row. A row that makes no sense as a capture has those before that place.
fn sessions(pcap: &[u8], options: &CutOptions) -> (Vec<Session>, Tally) {
    let mut sessions = Vec::new();
    let mut sink = |session| {
        sessions.push(session);
        ControlFlow::Continue(())
    };
    let tally = match CaptureReader::new(Box::new(Cursor::new(pcap.to_vec()))) {
        Ok(mut reader) => match cut(&mut reader, options, 0, &mut sink) {
            Ok(tally) => tally,
            Err(broken) => *broken.tally,
        },
        Err(_) => Tally::default(),
    };
    (sessions, tally)
}

fn open(path: &Path) -> Result<(IdxReader, SummedSource<BufReader<File>>), IdxError> {
    let file = File::open(path).map_err(failed(path))?;
    let source = SummedSource::new(BufReader::with_capacity(1 << 16, file));
    let reader = IdxReader::new(Box::new(source.clone()), &path.display().to_string())?;
    Ok((reader, source))
}

fn finish(source: SummedSource<BufReader<File>>, path: &Path) -> Result<(String, u64), IdxError> {
    source.finish().map_err(failed(path))
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> IdxError + '_ {
    move |source| IdxError::Io {
        path: path.display().to_string(),
        source,
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}
