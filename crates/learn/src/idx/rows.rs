//! Rows of an image file, and how some of them become a part of the dataset.

use std::{io::Cursor, ops::ControlFlow, path::Path, sync::Arc};

use traffic::{
    capture::CaptureReader, cut::cut, session::Session, session_table::CutOptions, tally::Tally,
};

use super::{IdxError, IdxImport, IdxPair, RowForm, pcap_head::pcap_part};
use crate::{
    anonymiser::Anonymiser,
    dataset::{
        Split,
        columns::Form,
        manifest::{CaptureRecord, RowTally},
        provenance::Provenance,
        row::{Content, Row},
    },
    preparation::{Observer, Part, PartWriter, PrepareError},
};

/// One row on its way.
pub(super) struct IdxRow {
    pub(super) number: u64,
    pub(super) label: u8,
    pub(super) bytes: Vec<u8>,
}

/// What does not change from row to row of a file.
pub(super) struct ImageFile<'a> {
    /// Its number among the manifest's captures.
    pub(super) at: u32,
    /// Its name.
    pub(super) name: &'a str,
    /// The split that it is.
    pub(super) split: Split,
    /// The import it belongs to.
    pub(super) import: &'a IdxImport,
    /// The dataset's label for each of the file's; none leaves the row out.
    pub(super) merged_labels: &'a [Option<u32>],
    /// How its rows are cut.
    pub(super) cutting: &'a CutOptions,
    /// Hides the addresses of their sessions.
    pub(super) anonymiser: Option<&'a Anonymiser>,
    /// The form of the dataset's rows.
    pub(super) form: &'a Form,
    /// Where parts are written.
    pub(super) folder: &'a Path,
}

/// The record of a file of which nothing was read yet.
pub(super) fn record(file: &ImageFile<'_>) -> CaptureRecord {
    CaptureRecord {
        file: file.name.to_owned(),
        sha256: String::new(),
        size: 0,
        class: None,
        group: None,
        given_split: (file.import.pairs.len() > 1).then_some(file.split),
        note: None,
        sessions: 0,
        samples: 0,
        rows: None,
        lab: None,
        traffic: Tally::default(),
    }
}

/// Cuts some rows into a part.
pub(super) fn cut_chunk(
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
        rows.rows += 1;
        let Some(label) = file.merged_labels[usize::from(row.label)] else {
            rows.left_out += 1;
            continue;
        };
        let group: Arc<str> = file.group(row)?.into();
        let mut push = |content, is_empty| {
            let row = Row {
                label,
                capture: file.at,
                row: Some(row.number as u32),
                group: Arc::clone(&group),
                given: (file.import.pairs.len() > 1).then_some(file.split),
                provenance: Provenance::default(),
                content,
            };
            writer.push(&row, is_empty)
        };
        if file.import.form == RowForm::Slices {
            let is_empty = row.bytes.iter().all(|&byte| byte == 0);
            push(Content::Slice(row.bytes.clone()), is_empty)?;
            continue;
        }
        let pcap = pcap_part(&row.bytes).ok_or_else(|| IdxError::NotPcap {
            path: pair.images.display().to_string(),
            row: row.number,
        })?;
        let is_cut_off = pcap.len() == row.bytes.len();
        let RowContent {
            sessions,
            tally,
            is_broken,
        } = RowContent::of(pcap, file.cutting);
        rows.cut_off += u64::from(is_cut_off);
        rows.broken += u64::from(is_broken);
        rows.without_session += u64::from(sessions.is_empty());
        rows.with_several_sessions += u64::from(sessions.len() > 1);
        traffic += tally;
        for mut session in sessions {
            if let Some(anonymiser) = file.anonymiser {
                anonymiser.hide(&mut session);
            }
            let is_empty = session.payload_bytes == 0 && !is_cut_off;
            push(Content::Session(Box::new(session)), is_empty)?;
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

/// What one row holds.
struct RowContent {
    sessions: Vec<Session>,
    tally: Tally,
    /// Whether it stops making sense as a capture; the sessions are those before that place.
    is_broken: bool,
}

impl RowContent {
    fn of(pcap: &[u8], options: &CutOptions) -> Self {
        let mut sessions = Vec::new();
        let mut sink = |session| {
            sessions.push(session);
            ControlFlow::Continue(())
        };
        let (tally, is_broken) = match CaptureReader::new(Box::new(Cursor::new(pcap.to_vec()))) {
            Ok(mut reader) => match cut(&mut reader, options, 0, &mut sink) {
                Ok(tally) => (tally, false),
                Err(broken) => (*broken.tally, true),
            },
            Err(_) => (Tally::default(), true),
        };
        Self {
            sessions,
            tally,
            is_broken,
        }
    }
}
