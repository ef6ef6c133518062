//! What the state folder knows of a lab, so that another process can find it and take it down.

use std::{
    collections::BTreeMap,
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::{host::Host, link::Link};

/// The version of `lab.json` that this program writes, and the newest that it reads.
const SCHEMA: u32 = 1;

/// Everything that was made, as `lab.json` has it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct State {
    /// Version of the file.
    pub(crate) schema: u32,
    /// Who made it: eight hexadecimal digits, new for each `up`.
    pub(crate) identity: String,
    /// What everything was drawn from.
    pub(crate) seed: u64,
    /// Whether `up` has come to its end.
    pub(crate) is_complete: bool,
    /// The hosts with their present addresses.
    pub(crate) hosts: Vec<Host>,
    /// The present link of each host, by its name.
    pub(crate) links: BTreeMap<String, Link>,
    /// The namespaces made, by name, with the number of their file: another of that name has another.
    pub(crate) namespaces: BTreeMap<String, u64>,
}

impl State {
    /// The state of a lab that has no namespace yet.
    pub(super) fn new(identity: String, seed: u64, hosts: Vec<Host>) -> Self {
        Self {
            schema: SCHEMA,
            identity,
            seed,
            is_complete: false,
            hosts,
            links: BTreeMap::new(),
            namespaces: BTreeMap::new(),
        }
    }

    /// The state of the lab in a folder, if there is one.
    ///
    /// # Errors
    ///
    /// If the file is damaged or of a newer version.
    pub(crate) fn load(folder: &Path) -> anyhow::Result<Option<Self>> {
        let path = place(folder);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(error).with_context(|| format!("cannot read `{}`", path.display()));
            }
        };
        let state: Self = serde_json::from_slice(&text)
            .with_context(|| format!("`{}` is damaged", path.display()))?;
        if state.schema > SCHEMA {
            bail!(
                "`{}` was written by a newer version (schema {}, this one knows {SCHEMA})",
                path.display(),
                state.schema
            );
        }
        Ok(Some(state))
    }

    /// Writes the state, whole or not at all.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written to.
    pub(crate) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        write_whole(&place(folder), &serde_json::to_vec_pretty(self)?)
    }

    /// Forgets the lab of a folder.
    pub(crate) fn remove(folder: &Path) -> anyhow::Result<()> {
        let path = place(folder);
        fs::remove_file(&path).with_context(|| format!("cannot remove `{}`", path.display()))
    }
}

/// Where a folder's state is written.
pub(crate) fn place(folder: &Path) -> PathBuf {
    folder.join("lab.json")
}

/// Writes a file under a temporary name and moves it to its place.
///
/// # Errors
///
/// If its folder cannot be written to.
pub(crate) fn write_whole(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let unfinished = path.with_extension("unfinished");
    fs::write(&unfinished, bytes)
        .and_then(|()| fs::rename(&unfinished, path))
        .with_context(|| format!("cannot write `{}`", path.display()))
}
