//! The pool of certificates that servers draw from: many names, algorithms, authorities and sizes.
//!
//! Names, kinds and authorities come from the seed; keys do not, `openssl` draws them itself.

mod making;

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{catalogue::Certificate, draws::Draws, lab::write_whole};

/// How many certificates there are.
pub(crate) const POOL: usize = 240;

/// A pool older than this is made anew: some of its certificates are valid for 90 days.
const AGE: Duration = Duration::from_hours(30 * 24);

/// The version of the pool's list; one of another version is made anew.
const SCHEMA: u32 = 1;

/// Certificates in a folder.
#[derive(Debug)]
pub(crate) struct Pool {
    folder: PathBuf,
    list: List,
}

/// What is in the folder, as `pool.json` has it.
#[derive(Debug, Serialize, Deserialize)]
struct List {
    schema: u32,
    seed: u64,
    entries: Vec<Entry>,
}

/// One certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    /// The name it is made out to.
    name: String,
    /// The algorithm of its key.
    algorithm: String,
    /// The number of the authority that signed it.
    authority: usize,
}

impl Pool {
    /// The pool of a folder, made if it is not there, too old, or of another seed.
    ///
    /// `proceed` fails when somebody wants to stop.
    ///
    /// # Errors
    ///
    /// If `openssl` fails or the folder cannot be written to.
    pub(crate) fn prepare(
        folder: &Path,
        seed: u64,
        size: usize,
        proceed: &(dyn Fn() -> anyhow::Result<()> + Sync),
    ) -> anyhow::Result<Self> {
        if let Ok(pool) = Self::open(folder) {
            let is_young = SystemTime::now()
                .duration_since(fs::metadata(list_place(folder))?.modified()?)
                .is_ok_and(|age| age < AGE);
            if is_young && pool.list.seed == seed && pool.list.entries.len() == size {
                return Ok(pool);
            }
        }
        if folder.exists() {
            fs::remove_dir_all(folder)
                .with_context(|| format!("cannot empty `{}`", folder.display()))?;
        }
        let entries = making::make(folder, seed, size, proceed)?;
        let list = List {
            schema: SCHEMA,
            seed,
            entries,
        };
        // Last of all: a pool without its list is one that was not finished.
        write_whole(&list_place(folder), &serde_json::to_vec_pretty(&list)?)?;
        let folder = folder.to_owned();
        Ok(Self { folder, list })
    }

    /// The pool that a folder has.
    ///
    /// # Errors
    ///
    /// If it has none that is whole and of this version.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let place = list_place(folder);
        let text =
            fs::read(&place).with_context(|| format!("cannot read `{}`", place.display()))?;
        let list: List = serde_json::from_slice(&text)
            .with_context(|| format!("`{}` is damaged", place.display()))?;
        anyhow::ensure!(
            list.schema == SCHEMA,
            "`{}` is of another version",
            place.display()
        );
        let folder = folder.to_owned();
        Ok(Self { folder, list })
    }

    /// One certificate, drawn.
    pub(crate) fn draw(&self, draws: &Draws) -> Certificate {
        let number = draws.place(self.list.entries.len());
        let entry = &self.list.entries[number];
        let place = |end: &str| self.folder.join(format!("{number:03}.{end}"));
        Certificate {
            chain: place("chain.pem"),
            key: place("key.pem"),
            both: place("both.pem"),
            name: entry.name.clone(),
            authority: making::authority(&self.folder, entry.authority),
        }
    }

    /// One file with the certificates of all authorities, PEM.
    pub(crate) fn authorities(&self) -> PathBuf {
        making::authorities(&self.folder)
    }
}

fn list_place(folder: &Path) -> PathBuf {
    folder.join("pool.json")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::shell::output;

    #[test]
    fn every_certificate_leads_to_its_authority_and_fits_its_key() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("pool");
        let pool = Pool::prepare(&folder, 3, 4, &|| Ok(())).unwrap();
        for number in 0..4 {
            let certificate = pool.draw(&Draws::new(number, "test", 0));
            let (chain, key) = (&certificate.chain, &certificate.key);
            output(
                Command::new("openssl")
                    .args(["verify", "-verify_hostname", &certificate.name, "-CAfile"])
                    .arg(&certificate.authority)
                    .arg("-untrusted")
                    .args([chain, chain]),
            )
            .unwrap();
            let public = |arguments: &[&str], file: &Path| {
                output(Command::new("openssl").args(arguments).arg("-in").arg(file)).unwrap()
            };
            assert_eq!(
                public(&["x509", "-noout", "-pubkey"], chain),
                public(&["pkey", "-pubout"], key)
            );
        }
    }

    #[test]
    fn a_pool_is_made_once_and_names_come_from_the_seed() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("pool");
        let first = Pool::prepare(&place, 3, 2, &|| Ok(())).unwrap();
        let key = fs::read(place.join("000.key.pem")).unwrap();
        let again = Pool::prepare(&place, 3, 2, &|| Ok(())).unwrap();
        assert_eq!(key, fs::read(place.join("000.key.pem")).unwrap());
        assert_eq!(first.list.entries, again.list.entries);
        let other = Pool::prepare(&folder.path().join("other"), 3, 2, &|| Ok(())).unwrap();
        assert_eq!(first.list.entries, other.list.entries);
        let reseeded = Pool::prepare(&place, 4, 2, &|| Ok(())).unwrap();
        assert_ne!(first.list.entries, reseeded.list.entries);
    }
}
