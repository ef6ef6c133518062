//! Parts: the rows of one source on disk, and the facts of them in memory.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::{
    dataset::{
        DatasetError, columns::Form, manifest::CaptureRecord, row::Row, samples::SamplesWriter,
    },
    filters::Facts,
    names::Names,
};

/// The rows of one source.
#[derive(Debug)]
pub(crate) struct Part {
    /// Where the rows are.
    pub(crate) path: PathBuf,
    /// What filters and splits need of each.
    pub(crate) facts: Vec<Facts>,
    /// The capture it was cut from.
    pub(crate) record: CaptureRecord,
}

/// Writes a part.
pub(crate) struct PartWriter {
    path: PathBuf,
    samples: SamplesWriter,
    facts: Vec<Facts>,
    names: Names,
}

impl PartWriter {
    /// A writer to a new file.
    pub(crate) fn create(path: &Path, form: Form) -> Result<Self, DatasetError> {
        Ok(Self {
            path: path.to_owned(),
            samples: SamplesWriter::create(path, form)?,
            facts: Vec::new(),
            names: Names::default(),
        })
    }

    /// Adds a row; who cut it knows whether it is empty or only cut short.
    pub(crate) fn push(&mut self, row: &Row, is_empty: bool) -> Result<(), DatasetError> {
        self.samples.push(row)?;
        self.facts.push(Facts {
            label: row.label,
            capture: row.capture,
            group: self.names.shared(&row.group),
            conversation: row.content.conversation().map(Into::into),
            start: row.content.start(),
            provenance: row.provenance.clone(),
            given: row.given,
            digest: Sha256::digest(row.content.slice()).into(),
            is_empty,
            is_background: row.content.is_background(),
        });
        Ok(())
    }

    /// Ends the file; the record is of the capture whose rows these are.
    pub(crate) fn close(self, mut record: CaptureRecord) -> Result<Part, DatasetError> {
        self.samples.close()?;
        let unknown_site = record.lab.as_ref().map_or(0, |lab| lab.unknown_site);
        record.sessions = self.facts.len() as u64 + unknown_site;
        Ok(Part {
            path: self.path,
            facts: self.facts,
            record,
        })
    }
}
