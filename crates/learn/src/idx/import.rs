//! Import: rows that are heads of pcap files become a dataset, through the path of any capture.

use std::{
    collections::BTreeMap,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use traffic::session_table::{CutOptions, EndRule};

use super::{
    IdxError, IdxReader, RowIndex,
    rows::{IdxRow, ImageFile, cut_chunk, record},
};
use crate::{
    checksum::SummedSource,
    dataset::{
        Manifest, Split,
        columns::Form,
        folder::Staging,
        manifest::{CaptureRecord, Cutting, LabelSource, RAW},
    },
    preparation::{
        Observer, Part, Parts, PrepareError, PrepareOptions, Step, assemble, first_error,
    },
    registry::{LabelMap, Registry},
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

/// What the rows of images are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowForm {
    /// Heads of pcap files, to be taken apart into packets.
    #[default]
    PcapHeads,
    /// Slices, taken as they are: no byte policy cut them.
    Slices,
}

/// What to import.
#[derive(Debug, Clone, PartialEq)]
pub struct IdxImport {
    /// The files.
    pub pairs: Vec<IdxPair>,
    /// Names of the classes, by label of the files.
    pub classes: Vec<String>,
    /// The public data set that they are of.
    pub registry: Option<&'static Registry>,
    /// What merges them or leaves some out; they must be classes of its data set's finest map.
    pub map: Option<&'static LabelMap>,
    /// The group of each row; without it all rows of a file are one group.
    pub index: Option<RowIndex>,
    /// What the rows are.
    pub form: RowForm,
}

impl IdxImport {
    /// Names of the dataset's classes, by label.
    fn merged_classes(&self) -> &[String] {
        self.map.map_or(&self.classes, |map| &map.classes)
    }

    /// The dataset's label for each of the files'; none where the map leaves it out.
    fn merged_labels(&self) -> Vec<Option<u32>> {
        let merged = self.merged_classes();
        let label = |class: &String| {
            let name = self
                .map
                .map_or(Some(class.as_str()), |map| map.class(class))?;
            let found = merged.iter().position(|class| class == name)?;
            Some(found as u32)
        };
        self.classes.iter().map(label).collect()
    }
}

/// Cuts the rows of IDX files into sessions, filters, splits and writes the dataset to `place`.
///
/// With two files or more, each gives its split. Each row is a capture of its own: its sessions
/// end with it, whatever the options say. A session without visible payload counts as empty only
/// if the row does not cut it off.
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
    options.check_slices_show_no_address()?;
    let staging = Staging::begin(place, options.existing)?;
    let cutting = CutOptions {
        end_rule: EndRule::Capture,
        ..options.cutting.clone()
    };
    let is_raw = what.form == RowForm::Slices;
    let form = Form {
        classes: what.merged_classes().to_vec(),
        slice_length: match what.pairs.first() {
            Some(pair) if is_raw => open(&pair.images)?.0.row_length(),
            _ => cutting.slice_length.get(),
        },
        has_packet_slices: cutting.packet_slices > 0 && !is_raw,
        has_provenance: false,
    };
    let merged_labels = what.merged_labels();
    let (mut parts, mut captures, mut label_files) = (Vec::new(), Vec::new(), BTreeMap::new());
    for (at, pair) in what.pairs.iter().enumerate() {
        let name = file_name(&pair.images);
        let file = ImageFile {
            at: at as u32,
            name: &name,
            split: pair.split,
            import: what,
            merged_labels: &merged_labels,
            cutting: &cutting,
            anonymiser: options.anonymiser.as_ref(),
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
    let policy = match what.form {
        RowForm::PcapHeads => cutting.policy.to_string(),
        RowForm::Slices => RAW.to_owned(),
    };
    let classes = what.merged_classes().to_vec();
    let mut manifest = Manifest::new(&options.name, classes, &policy, form.slice_length);
    manifest.cutting = Cutting::from(&cutting);
    manifest.addresses = options.address_form();
    manifest.labels = LabelSource::Idx {
        files: label_files,
        registry: what.registry.map(|registry| registry.name.clone()),
        map: what.map.map(|map| map.name.clone()),
    };
    let parts = Parts {
        form,
        cut: parts,
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
    if file.import.form == RowForm::Slices && reader.row_length() != file.form.slice_length {
        return Err(IdxError::RowLength {
            path: pair.images.display().to_string(),
            found: reader.row_length(),
            expected: file.form.slice_length,
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
