//! Capture files: found in folders, recognised by content.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use traffic::capture::{CaptureError, CaptureReader};

/// A capture that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureFile {
    /// Where it is.
    pub path: PathBuf,
    /// What to call it: the path below the folder that was given, or the file's name.
    pub name: String,
    /// The folder that stands for its class: the first one below the folder that was given, or
    /// the one it lies in.
    pub folder: String,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// Captures, in the order given, those of a folder by name.
    pub captures: Vec<CaptureFile>,
    /// Files inside folders that are no captures.
    pub others: Vec<PathBuf>,
}

/// A path that cannot be searched or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FindError {
    /// A file or folder cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// Which.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// A file that was named is no capture.
    #[error("cannot read `{path}`")]
    NoCapture {
        /// Which.
        path: String,
        /// What it is instead.
        source: CaptureError,
    },
    /// A folder without captures.
    #[error("`{path}` holds no capture")]
    Empty {
        /// The folder.
        path: String,
    },
}

/// Finds captures; folders are searched through.
///
/// # Errors
///
/// If a path cannot be read, a file that was named is no capture, or a folder holds none.
pub fn find(paths: &[PathBuf]) -> Result<Found, FindError> {
    let mut found = Found::default();
    for path in paths {
        let metadata = fs::metadata(path).map_err(failed(path))?;
        if metadata.is_dir() {
            let before = found.captures.len();
            search(path, path, &mut found)?;
            if found.captures.len() == before {
                return Err(FindError::Empty {
                    path: path.display().to_string(),
                });
            }
        } else {
            CaptureReader::open(path).map_err(|source| FindError::NoCapture {
                path: path.display().to_string(),
                source,
            })?;
            found.captures.push(CaptureFile {
                path: path.clone(),
                name: file_name(path),
                folder: folder_name(path),
            });
        }
    }
    Ok(found)
}

/// Searches one folder, its entries sorted by name.
fn search(root: &Path, folder: &Path, found: &mut Found) -> Result<(), FindError> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(folder)
        .and_then(Iterator::collect)
        .map_err(failed(folder))?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        let kind = entry.file_type().map_err(failed(&path))?;
        // A link to a folder may lead in a circle; a link to a file cannot.
        if kind.is_dir() {
            search(root, &path, found)?;
        } else if fs::metadata(&path).is_ok_and(|metadata| metadata.is_file()) {
            match CaptureReader::open(&path) {
                Ok(_) => found.captures.push(below(root, path)),
                Err(CaptureError::Io(source)) => {
                    return Err(FindError::Io {
                        path: path.display().to_string(),
                        source,
                    });
                }
                Err(_) => found.others.push(path),
            }
        }
    }
    Ok(())
}

/// A capture below a folder that was given.
fn below(root: &Path, path: PathBuf) -> CaptureFile {
    let parts: Vec<String> = path
        .strip_prefix(root)
        .unwrap_or(&path)
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let folder = match parts.as_slice() {
        [folder, _, ..] => folder.clone(),
        _ => folder_name(&path),
    };
    CaptureFile {
        name: parts.join("/"),
        folder,
        path,
    }
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .unwrap_or(path.as_os_str())
        .to_string_lossy()
        .into_owned()
}

/// The name of the folder a file lies in, whatever way the path spells it.
fn folder_name(path: &Path) -> String {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let whole = fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned());
    file_name(&whole)
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> FindError + '_ {
    move |source| FindError::Io {
        path: path.display().to_string(),
        source,
    }
}
