//! Label tables: files and their classes, tab-separated.

use std::{collections::HashMap, fs, io, path::Path};

use crate::checksum;

/// A table of files, classes and, where wanted, groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelTable {
    /// Its file name.
    pub(super) name: String,
    /// SHA-256 of the file, in hexadecimal.
    pub(super) sha256: String,
    lines: HashMap<String, TableLine>,
}

/// What a table says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TableLine {
    pub(super) class: String,
    pub(super) group: Option<String>,
}

/// A table that makes no sense.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TableError {
    /// It cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The table.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// A line has too few or too many cells.
    #[error(
        "`{path}` line {line}: {found} cells; write file, tab, class and, if wanted, tab, group"
    )]
    Cells {
        /// The table.
        path: String,
        /// Which line, counted from 1.
        line: usize,
        /// Cells found.
        found: usize,
    },
    /// A file is listed twice with different classes.
    #[error("`{path}` line {line}: `{file}` is listed before, as something else")]
    Twice {
        /// The table.
        path: String,
        /// Which line, counted from 1.
        line: usize,
        /// The file.
        file: String,
    },
}

impl LabelTable {
    /// Reads a table. Empty lines, lines that start with `#` and a header `file<TAB>class` are skipped.
    ///
    /// # Errors
    ///
    /// If it cannot be read, or a line makes no sense.
    pub fn read(path: &Path) -> Result<Self, TableError> {
        let shown = path.display().to_string();
        let bytes = fs::read(path).map_err(|source| TableError::Io {
            path: shown.clone(),
            source,
        })?;
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = HashMap::new();
        for (number, line) in (1..).zip(text.lines()) {
            let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
            let (file, class, group) = match cells.as_slice() {
                [""] | ["file", "class", ..] => continue,
                [first, ..] if first.starts_with('#') => continue,
                &[file, class] => (file, class, None),
                &[file, class, group] => {
                    (file, class, Some(group).filter(|group| !group.is_empty()))
                }
                cells => {
                    return Err(TableError::Cells {
                        path: shown,
                        line: number,
                        found: cells.len(),
                    });
                }
            };
            let entry = TableLine {
                class: class.to_owned(),
                group: group.map(str::to_owned),
            };
            let before = lines.insert(file.to_owned(), entry.clone());
            if before.is_some_and(|before| before != entry) {
                return Err(TableError::Twice {
                    path: shown,
                    line: number,
                    file: file.to_owned(),
                });
            }
        }
        Ok(Self {
            name: path
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            sha256: checksum::sha256(&bytes),
            lines,
        })
    }

    /// What it says of a capture: by its name as recorded, else by the file's own name.
    pub(super) fn line(&self, name: &str) -> Option<&TableLine> {
        let own = name.rsplit('/').next().unwrap_or(name);
        self.lines.get(name).or_else(|| self.lines.get(own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one place that calls the API: class and group of `a.pcap`, or the refusal.
    #[track_caller]
    fn check(text: &str, expected: Result<(&str, Option<&str>), &str>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.tsv");
        fs::write(&path, text).unwrap();
        let found = LabelTable::read(&path);
        let found = match &found {
            Ok(table) => {
                let line = table.line("below/a.pcap").unwrap();
                Ok((line.class.as_str(), line.group.as_deref()))
            }
            Err(error) => Err(error
                .to_string()
                .replace(&path.display().to_string(), "PATH")),
        };
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn a_line_gives_class_and_group() {
        check(
            "file\tclass\tgroup\n\n# note\na.pcap\tChat\tmonday\n",
            Ok(("Chat", Some("monday"))),
        );
    }

    #[test]
    fn the_group_may_be_missing() {
        check("a.pcap\tChat\n", Ok(("Chat", None)));
    }

    #[test]
    fn a_line_without_a_class_is_refused_by_number() {
        check(
            "a.pcap\tChat\nb.pcap Chat\n",
            Err("`PATH` line 2: 1 cells; write file, tab, class and, if wanted, tab, group"),
        );
    }

    #[test]
    fn a_file_of_two_classes_is_refused() {
        check(
            "a.pcap\tChat\na.pcap\tEmail\n",
            Err("`PATH` line 2: `a.pcap` is listed before, as something else"),
        );
    }
}
