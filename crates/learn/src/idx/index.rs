//! The index beside IDX files: for each row, the group that a split must not tear apart.

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;

use crate::dataset::Split;

/// The longest index that is read, in bytes: some ten million rows.
const LONGEST: u64 = 1 << 30;

/// An index that makes no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// It cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The index.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// It lacks a column.
    #[error(
        "`{path}` has no column `{column}`; an index has split, row and capture_group, and may have class"
    )]
    Column {
        /// The index.
        path: String,
        /// The column.
        column: &'static str,
    },
    /// A line makes no sense.
    #[error("`{path}` line {line}: {reason}")]
    Line {
        /// The index.
        path: String,
        /// Which line, counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
    },
}

/// What an index says of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexLine {
    /// What must not be torn apart with it.
    pub group: String,
    /// Its class, if the index has that column.
    pub class: Option<String>,
}

/// For each row of each split, its group.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RowIndex {
    lines: HashMap<(Split, u64), IndexLine>,
}

impl RowIndex {
    /// Reads a table of comma-separated values with a header; gzip is recognised by content.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or a column or line makes no sense.
    pub fn read(path: &Path) -> Result<Self, IndexError> {
        let shown = path.display().to_string();
        let text = read_text(path).map_err(|source| IndexError::Io {
            path: shown.clone(),
            source,
        })?;
        Self::parse(&text, &shown)
    }

    fn parse(text: &str, path: &str) -> Result<Self, IndexError> {
        let mut lines = text.lines();
        let header: Vec<&str> = lines.next().unwrap_or_default().split(',').collect();
        let column = |name: &'static str| header.iter().position(|&cell| cell.trim() == name);
        let needed = |name| {
            column(name).ok_or_else(|| IndexError::Column {
                path: path.to_owned(),
                column: name,
            })
        };
        let (split, row, group) = (needed("split")?, needed("row")?, needed("capture_group")?);
        let class = column("class");
        let mut index = Self::default();
        for (number, line) in (2..).zip(lines) {
            if line.trim().is_empty() {
                continue;
            }
            let refuse = |reason: String| IndexError::Line {
                path: path.to_owned(),
                line: number,
                reason,
            };
            if line.contains('"') {
                return Err(refuse("quoted cells are not understood".to_owned()));
            }
            let cells: Vec<&str> = line.split(',').map(str::trim).collect();
            if cells.len() != header.len() {
                return Err(refuse(format!(
                    "{} cells, the header has {}",
                    cells.len(),
                    header.len()
                )));
            }
            let side: Split = cells[split]
                .parse()
                .map_err(|error: crate::dataset::UnknownSplit| refuse(error.to_string()))?;
            let at: u64 = cells[row]
                .parse()
                .map_err(|_| refuse(format!("`{}` is no row number", cells[row])))?;
            let entry = IndexLine {
                group: cells[group].to_owned(),
                class: class.map(|class| cells[class].to_owned()),
            };
            if index.lines.insert((side, at), entry).is_some() {
                return Err(refuse(format!("row {at} of `{side}` is listed before")));
            }
        }
        Ok(index)
    }

    /// What it says of a row.
    pub fn line(&self, split: Split, row: u64) -> Option<&IndexLine> {
        self.lines.get(&(split, row))
    }
}

fn read_text(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        MultiGzDecoder::new(bytes.as_slice())
            .take(LONGEST)
            .read_to_end(&mut unpacked)?;
        bytes = unpacked;
    }
    String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one place that calls the API: group of test row 3, or the refusal.
    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        let found = RowIndex::parse(text, "x").map_err(|error| error.to_string());
        let found = found.map(|index| index.line(Split::Test, 3).unwrap().group.clone());
        assert_eq!(found, expected.map(str::to_owned).map_err(str::to_owned));
    }

    #[test]
    fn columns_are_found_by_name() {
        check("capture_group,row,split\n18,3,test\n", Ok("18"));
    }

    #[test]
    fn a_missing_column_is_named() {
        check(
            "row,split\n",
            Err(
                "`x` has no column `capture_group`; an index has split, row and capture_group, and may have class",
            ),
        );
    }

    #[test]
    fn a_bad_line_is_numbered() {
        check(
            "split,row,capture_group\ntest,3\n",
            Err("`x` line 2: 2 cells, the header has 3"),
        );
        check(
            "split,row,capture_group\ntest,x,1\n",
            Err("`x` line 2: `x` is no row number"),
        );
    }
}
