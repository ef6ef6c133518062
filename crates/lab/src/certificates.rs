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

use crate::{catalogue::Certificate, lab::write_whole};

/// How many certificates there are.
pub(crate) const POOL: usize = 240;

/// A pool older than this is made anew: some of its certificates are valid for 90 days.
const AGE: Duration = Duration::from_hours(30 * 24);

/// The version of the pool's list; one of another version is made anew.
const SCHEMA: u32 = 1;

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

/// Makes the pool of a lab's folder, unless it has one that is young and of this seed.
///
/// `proceed` fails when somebody wants to stop.
///
/// # Errors
///
/// If `openssl` fails or the folder cannot be written to.
pub(crate) fn complete(
    state: &Path,
    seed: u64,
    say: &dyn Fn(&str),
    proceed: &(dyn Fn() -> anyhow::Result<()> + Sync),
) -> anyhow::Result<()> {
    let folder = folder(state);
    if is_good(&folder, seed, POOL) {
        return Ok(());
    }
    say(&format!("making {POOL} certificates, once"));
    make_pool(&folder, seed, POOL, proceed)
}

/// One certificate of a lab's pool; any number will do, the pool is gone through again and again.
///
/// # Errors
///
/// If there is no pool.
pub(crate) fn certificate(state: &Path, number: u64) -> anyhow::Result<Certificate> {
    let folder = folder(state);
    let entries = read(&folder)?.entries;
    anyhow::ensure!(!entries.is_empty(), "the pool of certificates is empty");
    let number = (number % entries.len() as u64) as usize;
    let place = |end: &str| folder.join(format!("{number:03}.{end}.pem"));
    Ok(Certificate {
        chain: place("chain"),
        key: place("key"),
        both: place("both"),
        name: entries[number].name.clone(),
        authority: making::authority(&folder, entries[number].authority),
    })
}

/// One file with the certificates of all authorities of a lab, PEM.
pub(crate) fn authorities(state: &Path) -> PathBuf {
    making::authorities(&folder(state))
}

fn folder(state: &Path) -> PathBuf {
    state.join("certificates")
}

/// Whether a folder's pool can be used again.
fn is_good(folder: &Path, seed: u64, size: usize) -> bool {
    let made = fs::metadata(list_place(folder)).and_then(|list| list.modified());
    let is_young = made.is_ok_and(|made| {
        SystemTime::now()
            .duration_since(made)
            .is_ok_and(|age| age < AGE)
    });
    is_young && read(folder).is_ok_and(|list| list.seed == seed && list.entries.len() == size)
}

/// Empties the folder and makes a pool in it.
fn make_pool(
    folder: &Path,
    seed: u64,
    size: usize,
    proceed: &(dyn Fn() -> anyhow::Result<()> + Sync),
) -> anyhow::Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder)
            .with_context(|| format!("cannot empty `{}`", folder.display()))?;
    }
    let list = List {
        schema: SCHEMA,
        seed,
        entries: making::make(folder, seed, size, proceed)?,
    };
    // Last of all: a pool without its list is one that was not finished.
    write_whole(&list_place(folder), &serde_json::to_vec_pretty(&list)?)
}

fn read(folder: &Path) -> anyhow::Result<List> {
    let place = list_place(folder);
    let text = fs::read(&place).with_context(|| format!("cannot read `{}`", place.display()))?;
    let list: List = serde_json::from_slice(&text)
        .with_context(|| format!("`{}` is damaged; remove its folder", place.display()))?;
    anyhow::ensure!(
        list.schema == SCHEMA,
        "`{}` is of another version; remove its folder",
        place.display()
    );
    Ok(list)
}

fn list_place(folder: &Path) -> PathBuf {
    folder.join("pool.json")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::shell::output;

    /// A folder of a lab with a pool of that seed and size.
    fn pool(seed: u64, size: usize) -> tempfile::TempDir {
        let state = tempfile::tempdir().unwrap();
        make_pool(&folder(state.path()), seed, size, &|| Ok(())).unwrap();
        state
    }

    #[test]
    fn every_certificate_leads_to_its_authority_and_fits_its_key() {
        let state = pool(3, 6);
        for number in 0..6 {
            let certificate = certificate(state.path(), number).unwrap();
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
    fn a_pool_serves_again_only_for_its_seed_and_names_come_from_it() {
        let one = pool(3, 2);
        let place = folder(one.path());
        assert!(is_good(&place, 3, 2));
        assert!(!is_good(&place, 4, 2));
        assert!(!is_good(&place, 3, 3));
        let names = |state: &tempfile::TempDir| read(&folder(state.path())).unwrap().entries;
        assert_eq!(names(&one), names(&pool(3, 2)));
        assert_ne!(names(&one), names(&pool(4, 2)));
    }

    #[test]
    fn a_pool_without_its_list_is_none() {
        let state = pool(3, 1);
        fs::remove_file(list_place(&folder(state.path()))).unwrap();
        assert!(!is_good(&folder(state.path()), 3, 1));
        assert!(certificate(state.path(), 0).is_err());
    }
}
