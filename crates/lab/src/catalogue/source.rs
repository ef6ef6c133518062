//! Where the catalogue comes from: a folder, or the copy inside the program.

use std::{fs, path::Path};

use anyhow::Context;
use include_dir::{Dir, include_dir};
use serde::de::DeserializeOwned;

use super::mistake::Mistake;

/// The catalogue that this program was built with.
static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/catalogue");

/// A file of the catalogue.
#[derive(Debug, Clone)]
pub(super) struct SourceFile {
    /// Below the catalogue, with `/`.
    pub(super) path: String,
    pub(super) text: String,
}

impl SourceFile {
    /// A mistake in one field of it.
    pub(super) fn mistake(&self, field: &str, what: impl Into<String>) -> Mistake {
        Mistake {
            place: format!("{}, `{field}`", self.path),
            what: what.into(),
        }
    }

    /// Its content as TOML of this form.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Result<T, Mistake> {
        toml::from_str(&self.text).map_err(|error| {
            let place = match error.span() {
                Some(span) => {
                    let before = &self.text[..span.start.min(self.text.len())];
                    format!("{}, line {}", self.path, before.matches('\n').count() + 1)
                }
                None => self.path.clone(),
            };
            Mistake {
                place,
                what: error.message().replace('\n', ", "),
            }
        })
    }
}

/// The text files of the copy inside the program.
pub(super) fn embedded() -> Vec<SourceFile> {
    let mut found = Vec::new();
    let mut folders = vec![&EMBEDDED];
    while let Some(folder) = folders.pop() {
        folders.extend(folder.dirs());
        found.extend(folder.files().filter_map(|file| {
            Some(SourceFile {
                path: file.path().to_str()?.to_owned(),
                text: file.contents_utf8()?.to_owned(),
            })
            .filter(|file| is_ours(&file.path))
        }));
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// The text files of a catalogue in a folder.
pub(super) fn read_folder(folder: &Path) -> anyhow::Result<Vec<SourceFile>> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next)
            .with_context(|| format!("cannot read the catalogue `{}`", next.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(folder)?.to_string_lossy().into_owned();
            if is_ours(&name) {
                let text = fs::read_to_string(&path)
                    .with_context(|| format!("cannot read `{}`", path.display()))?;
                found.push(SourceFile { path: name, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(found)
}

/// Whether it is a service, a scenario or a tunnel.
fn is_ours(path: &str) -> bool {
    let folders = ["services/", "scenarios/", "tunnels/"];
    folders.iter().any(|folder| path.starts_with(folder))
        && Path::new(path).extension().is_some_and(|end| end == "toml")
}

/// Puts the programs of a catalogue (`apps`) into a folder, where services and steps find them.
///
/// # Errors
///
/// If the folder cannot be written.
pub(crate) fn unpack(catalogue: Option<&Path>, into: &Path) -> anyhow::Result<()> {
    let cannot = || {
        format!(
            "cannot write the programs of the catalogue to `{}`",
            into.display()
        )
    };
    fs::create_dir_all(into).with_context(cannot)?;
    let Some(folder) = catalogue else {
        for file in EMBEDDED.get_dir("apps").into_iter().flat_map(Dir::files) {
            if let Some(name) = file.path().file_name() {
                write_program(&into.join(name), file.contents()).with_context(cannot)?;
            }
        }
        return Ok(());
    };
    let apps = folder.join("apps");
    if apps.is_dir() {
        for entry in fs::read_dir(&apps).with_context(cannot)? {
            let path = entry?.path();
            if let (true, Some(name)) = (path.is_file(), path.file_name()) {
                write_program(&into.join(name), &fs::read(&path)?).with_context(cannot)?;
            }
        }
    }
    Ok(())
}

/// Written beside its place and moved there: programs of an earlier start may still read it.
fn write_program(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    fs::write(&beside, bytes)?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o755))?;
    fs::rename(&beside, path)
}
