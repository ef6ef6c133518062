//! A dataset's folder: made beside its place and moved there whole, or not at all.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::{DatasetError, Manifest, manifest::SCHEMA};

/// File name of the manifest.
pub const MANIFEST: &str = "manifest.json";
/// File name of the samples.
pub const SAMPLES: &str = "samples.parquet";

/// Reads a folder's manifest.
///
/// # Errors
///
/// If it is missing, no manifest, or of a newer schema.
pub fn read_manifest(folder: &Path) -> Result<Manifest, DatasetError> {
    let path = folder.join(MANIFEST);
    let text = fs::read(&path).map_err(DatasetError::io(&path))?;
    let refuse = |source| DatasetError::Manifest {
        path: path.display().to_string(),
        source,
    };
    // The number first: a newer form need not fit the types of this version.
    let value: serde_json::Value = serde_json::from_slice(&text).map_err(refuse)?;
    let found = value["schema"].as_u64().unwrap_or(0);
    if found > u64::from(SCHEMA) {
        return Err(DatasetError::Schema {
            path: path.display().to_string(),
            found,
        });
    }
    serde_json::from_value(value).map_err(refuse)
}

/// What becomes of a folder that is already there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// It stays, and nothing is written.
    Refuse,
    /// A dataset is replaced; any other folder stays.
    Replace,
}

/// A place that a dataset cannot be written to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceError {
    /// Something is there.
    #[error("`{path}` is not empty; name another folder, or replace the dataset with `--force`")]
    Occupied {
        /// The folder.
        path: String,
    },
    /// Something is there that is no dataset.
    #[error("`{path}` holds no dataset, so `--force` does not replace it; name another folder")]
    Foreign {
        /// The folder.
        path: String,
    },
    /// It cannot be made or moved.
    #[error("cannot write `{path}`")]
    Io {
        /// The folder.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
}

/// A folder in the making; it vanishes unless it is moved to its place.
#[derive(Debug)]
pub struct Staging {
    // Fields are dropped in this order: the folder goes before those made to hold it.
    folder: TempDir,
    _made: MadeFolders,
    place: PathBuf,
    existing: Existing,
}

/// Folders made above the place, deepest first; those still empty vanish at the end.
#[derive(Debug, Default)]
struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    /// Makes a folder and those above it that are missing.
    fn make(folder: &Path) -> io::Result<Self> {
        let is_missing = |above: &&Path| !above.as_os_str().is_empty() && !above.exists();
        let missing: Vec<&Path> = folder.ancestors().take_while(is_missing).collect();
        let mut made = Self::default();
        for above in missing.into_iter().rev() {
            fs::create_dir(above)?;
            made.0.insert(0, above.to_owned());
        }
        Ok(made)
    }
}

impl Drop for MadeFolders {
    fn drop(&mut self) {
        for folder in &self.0 {
            // Refused for a folder that holds the dataset by now: that is the success.
            let _ = fs::remove_dir(folder);
        }
    }
}

impl Staging {
    /// Checks the place and makes an empty folder beside it, on the same file system.
    ///
    /// # Errors
    ///
    /// If the place is taken or cannot be written to.
    pub fn begin(place: &Path, existing: Existing) -> Result<Self, PlaceError> {
        check_place(place, existing)?;
        let failed = |source| PlaceError::Io {
            path: place.display().to_string(),
            source,
        };
        let parent = match place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let made = MadeFolders::make(parent).map_err(failed)?;
        let folder = tempfile::Builder::new()
            .prefix(".undertone-")
            .tempdir_in(parent)
            .map_err(failed)?;
        Ok(Self {
            folder,
            _made: made,
            place: place.to_owned(),
            existing,
        })
    }

    /// The folder to write into.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Moves the folder to its place.
    ///
    /// # Errors
    ///
    /// If the place was taken meanwhile or cannot be written to; the old dataset is then still there.
    pub fn commit(self) -> Result<(), PlaceError> {
        check_place(&self.place, self.existing)?;
        let failed = |source| PlaceError::Io {
            path: self.place.display().to_string(),
            source,
        };
        set_usual_permissions(self.folder.path()).map_err(failed)?;
        let old = if self.place.exists() {
            let parent = self.folder.path().parent().unwrap_or(Path::new("."));
            let old = tempfile::Builder::new()
                .prefix(".undertone-old-")
                .tempdir_in(parent)
                .map_err(failed)?;
            let kept = old.path().join("dataset");
            fs::rename(&self.place, &kept).map_err(failed)?;
            Some((old, kept))
        } else {
            None
        };
        if let Err(source) = fs::rename(self.folder.path(), &self.place) {
            if let Some((_, kept)) = &old {
                // If this fails too there is nothing left to try; the first error says more.
                let _ = fs::rename(kept, &self.place);
            }
            return Err(failed(source));
        }
        // It is in its place under another name now: nothing is left for the guard to remove.
        let _ = self.folder.keep();
        Ok(())
    }
}

fn check_place(place: &Path, existing: Existing) -> Result<(), PlaceError> {
    let path = || place.display().to_string();
    let mut entries = match fs::read_dir(place) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => {
            return Err(PlaceError::Io {
                path: path(),
                source,
            });
        }
    };
    if entries.next().is_none() {
        return Ok(());
    }
    match existing {
        Existing::Refuse => Err(PlaceError::Occupied { path: path() }),
        Existing::Replace if place.join(MANIFEST).is_file() && place.join(SAMPLES).is_file() => {
            Ok(())
        }
        Existing::Replace => Err(PlaceError::Foreign { path: path() }),
    }
}

/// Temporary folders are private; a dataset is as readable as any folder the user makes.
#[cfg(unix)]
fn set_usual_permissions(folder: &Path) -> io::Result<()> {
    // A new folder has the user's usual permissions: they are copied from one.
    let sample = folder.join("permissions");
    fs::create_dir(&sample)?;
    let permissions = fs::metadata(&sample)?.permissions();
    fs::remove_dir(&sample)?;
    fs::set_permissions(folder, permissions)
}

#[cfg(not(unix))]
fn set_usual_permissions(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_given_up_leaves_no_folder_behind() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("a/b/out");
        let staging = Staging::begin(&place, Existing::Refuse).unwrap();
        assert!(staging.path().starts_with(root.path().join("a/b")));
        drop(staging);
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_finished_dataset_stays_in_the_folders_made_for_it() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("a/b/out");
        let staging = Staging::begin(&place, Existing::Refuse).unwrap();
        fs::write(staging.path().join(MANIFEST), "{}").unwrap();
        staging.commit().unwrap();
        let entries = fs::read_dir(root.path().join("a/b")).unwrap();
        let names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["out"]);
        assert!(place.join(MANIFEST).exists());
    }

    #[test]
    fn a_dataset_that_is_replaced_stays_until_the_new_one_is_whole() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("out");
        fs::create_dir(&place).unwrap();
        for name in [MANIFEST, SAMPLES] {
            fs::write(place.join(name), "old").unwrap();
        }
        drop(Staging::begin(&place, Existing::Replace).unwrap());
        assert_eq!(fs::read(place.join(MANIFEST)).unwrap(), b"old");
        let staging = Staging::begin(&place, Existing::Replace).unwrap();
        fs::write(staging.path().join(MANIFEST), "new").unwrap();
        staging.commit().unwrap();
        assert_eq!(fs::read(place.join(MANIFEST)).unwrap(), b"new");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
