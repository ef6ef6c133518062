//! The folder of a data set in the making: what it holds, and with which run it goes on.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::{
    acceptance::{Rejections, View},
    plan::Category,
};
use crate::{catalogue::Class, lab::write_whole};

/// The version of `lab-data.json` that this program writes.
const SCHEMA: u32 = 1;

/// What a data set was made with: only the same seed may go on with it.
#[derive(Debug, Serialize, Deserialize)]
struct Origin {
    schema: u32,
    seed: u64,
    #[serde(rename = "undertone-lab")]
    version: String,
}

/// What one view of a run brought.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ViewCount {
    /// Accepted sessions by the host at their other end.
    pub(crate) accepted: BTreeMap<String, u64>,
    /// Left out, by reason.
    pub(crate) rejected: Rejections,
}

impl ViewCount {
    /// Accepted sessions, whatever their other end.
    pub(crate) fn sum(&self) -> u64 {
        self.accepted.values().sum()
    }
}

/// One run, as a line of `runs.jsonl`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RunLine {
    /// Its name.
    pub(crate) run: String,
    /// Its number.
    pub(crate) number: u64,
    /// What was done.
    pub(crate) class: Class,
    /// Through which tunnel.
    pub(crate) tunnel: Option<String>,
    /// With which application.
    pub(crate) application: String,
    /// At which site.
    pub(crate) site: String,
    /// How long.
    pub(crate) seconds: f64,
    /// What each view brought.
    pub(crate) views: BTreeMap<View, ViewCount>,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) failure: Option<String>,
}

impl RunLine {
    /// What it is a run of.
    pub(crate) fn category(&self) -> Category {
        Category {
            class: self.class,
            tunnel: self.tunnel.clone(),
        }
    }

    /// Accepted sessions of a view.
    pub(crate) fn accepted(&self, view: View) -> u64 {
        self.views.get(&view).map_or(0, ViewCount::sum)
    }

    /// Accepted sessions that are not a tunnel's own.
    pub(crate) fn accepted_inside(&self) -> u64 {
        self.accepted(View::Direct) + self.accepted(View::Inner)
    }
}

/// The folder, open for further runs.
#[derive(Debug)]
pub(crate) struct Ledger {
    folder: PathBuf,
    file: File,
    lines: Vec<RunLine>,
    next_number: u64,
}

impl Ledger {
    /// Opens the folder of a data set, or begins one there; what a killed program left is removed.
    ///
    /// # Errors
    ///
    /// If it was made with another seed, is damaged, or cannot be written to.
    pub(crate) fn open(folder: &Path, seed: u64) -> anyhow::Result<Self> {
        let cannot = || format!("cannot write to `{}`", folder.display());
        fs::create_dir_all(folder).with_context(cannot)?;
        check_origin(folder, seed)?;
        let path = folder.join("runs.jsonl");
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            text => text.with_context(|| format!("cannot read `{}`", path.display()))?,
        };
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(cannot)?;
        // The last line may have been cut off by a crash.
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).with_context(cannot)?;
        let mut lines = Vec::new();
        for (number, line) in (1..).zip(text[..whole].lines()) {
            let line: RunLine = serde_json::from_str(line)
                .with_context(|| format!("`{}`, line {number}", path.display()))?;
            lines.push(line);
        }
        let numbers = lines.iter().map(|line| line.number);
        let last = numbers.chain(clean(folder, seed)?).max();
        Ok(Self {
            folder: folder.to_owned(),
            file,
            next_number: last.map_or(0, |last| last + 1),
            lines,
        })
    }

    /// The runs so far, in the order in which they ended.
    pub(crate) fn lines(&self) -> &[RunLine] {
        &self.lines
    }

    /// The number of the next run, which is taken then.
    pub(crate) fn take_number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number - 1
    }

    /// The number of the next run.
    pub(crate) fn next_number(&self) -> u64 {
        self.next_number
    }

    /// Where the capture of a run goes; its sidecar lies beside it. The folder is there then.
    ///
    /// # Errors
    ///
    /// If its folder cannot be made.
    pub(crate) fn place(
        folder: &Path,
        view: View,
        label: &str,
        run: &str,
    ) -> anyhow::Result<PathBuf> {
        let folder = folder.join(view.name()).join(label);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
        Ok(folder.join(format!("{run}.pcap")))
    }

    /// Writes down a run that has ended; its captures are in their places by now.
    ///
    /// # Errors
    ///
    /// If the line cannot be written.
    pub(crate) fn add(&mut self, line: RunLine) -> anyhow::Result<()> {
        let mut text = serde_json::to_vec(&line)?;
        text.push(b'\n');
        // In one piece: a line is there or not.
        self.file
            .write_all(&text)
            .with_context(|| format!("cannot write to `{}`", self.folder.display()))?;
        self.lines.push(line);
        Ok(())
    }
}

fn check_origin(folder: &Path, seed: u64) -> anyhow::Result<()> {
    let path = folder.join("lab-data.json");
    if !path.exists() {
        if fs::read_dir(folder)?.next().is_some() {
            bail!(
                "`{}` holds other things than data of this program; name a folder that is new or empty",
                folder.display()
            );
        }
        let origin = Origin {
            schema: SCHEMA,
            seed,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        return write_whole(&path, &serde_json::to_vec_pretty(&origin)?);
    }
    let text = fs::read(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
    let origin: Origin = serde_json::from_slice(&text)
        .with_context(|| format!("`{}` is damaged", path.display()))?;
    if origin.schema > SCHEMA {
        bail!("`{}` was written by a newer version", path.display());
    }
    if origin.seed != seed {
        bail!(
            "`{}` was made with seed {}; go on with that, or name another folder",
            folder.display(),
            origin.seed
        );
    }
    Ok(())
}

/// Removes what is not whole; returns the numbers of the runs that have captures.
fn clean(folder: &Path, seed: u64) -> anyhow::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    let prefix = format!("s{seed}-");
    for view in [View::Direct, View::Inner, View::Outer] {
        let Ok(labels) = fs::read_dir(folder.join(view.name())) else {
            continue;
        };
        for label in labels {
            for entry in fs::read_dir(label?.path())? {
                let path = entry?.path();
                let is = |end: &str| path.extension().is_some_and(|found| found == end);
                let is_alone = is("pcap") && !path.with_extension("json").exists();
                if is("unfinished") || is_alone {
                    fs::remove_file(&path)
                        .with_context(|| format!("cannot remove `{}`", path.display()))?;
                    continue;
                }
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                numbers.extend(
                    stem.strip_prefix(&prefix)
                        .and_then(|number| number.parse::<u64>().ok()),
                );
            }
        }
    }
    Ok(numbers)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn line(number: u64, class: Class, tunnel: Option<&str>) -> RunLine {
        let count = |host: &str, sessions| ViewCount {
            accepted: BTreeMap::from([(host.to_owned(), sessions)]),
            rejected: Rejections::from([("tiny".to_owned(), 2)]),
        };
        let views = match tunnel {
            None => BTreeMap::from([(View::Direct, count("a", 5))]),
            Some(_) => {
                BTreeMap::from([(View::Inner, count("a", 4)), (View::Outer, count("g1", 1))])
            }
        };
        RunLine {
            run: format!("s1-{number:06}"),
            number,
            class,
            tunnel: tunnel.map(str::to_owned),
            application: "swaks".to_owned(),
            site: "a".to_owned(),
            seconds: 20.0,
            views,
            failure: None,
        }
    }

    #[test]
    fn a_folder_goes_on_where_it_ended() {
        let folder = tempfile::tempdir().unwrap();
        let mut ledger = Ledger::open(folder.path(), 1).unwrap();
        assert_eq!(ledger.take_number(), 0);
        assert_eq!(ledger.take_number(), 1);
        ledger.add(line(1, Class::Email, None)).unwrap();
        let ledger = Ledger::open(folder.path(), 1).unwrap();
        assert_eq!(ledger.next_number(), 2);
        assert_eq!(ledger.lines(), [line(1, Class::Email, None)]);
    }

    #[test]
    fn another_seed_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        Ledger::open(folder.path(), 1).unwrap();
        let error = Ledger::open(folder.path(), 2).unwrap_err().to_string();
        assert!(error.contains("was made with seed 1"), "{error}");
    }

    #[test]
    fn a_folder_of_other_things_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("thesis.txt"), "chapter 1").unwrap();
        assert!(Ledger::open(folder.path(), 1).is_err());
    }

    #[test]
    fn what_a_killed_program_left_is_removed_and_its_number_not_used_again() {
        let folder = tempfile::tempdir().unwrap();
        Ledger::open(folder.path(), 1).unwrap();
        let place = |run: &str| Ledger::place(folder.path(), View::Direct, "Email", run).unwrap();
        let (whole, alone) = (place("s1-000007"), place("s1-000009"));
        fs::write(&whole, "").unwrap();
        fs::write(whole.with_extension("json"), "{}").unwrap();
        fs::write(&alone, "").unwrap();
        fs::write(alone.with_extension("unfinished"), "").unwrap();
        fs::write(folder.path().join("runs.jsonl"), "{\"run\":\"s1-0").unwrap();
        let mut ledger = Ledger::open(folder.path(), 1).unwrap();
        assert_eq!(ledger.next_number(), 8);
        assert!(whole.exists() && !alone.exists());
        // The torn line does not spoil the next.
        ledger.add(line(8, Class::Email, None)).unwrap();
        let ledger = Ledger::open(folder.path(), 1).unwrap();
        assert_eq!(ledger.lines(), [line(8, Class::Email, None)]);
    }
}
