//! A program that is killed: what is left in its sinks, and what the next one does there.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

use crate::{sample, undertone};

const FORMATS: [&str; 5] = ["json", "eve", "zeek", "zeek-json", "parquet"];

/// Follows what it gets by pipe, into sinks of every form in that folder.
fn following(folder: &Path) -> Command {
    let mut command = undertone(&["live", "--read", "-", "--format", "json", "--rotate", "5"]);
    for format in FORMATS {
        let sink = format!("{format}:{}", folder.display());
        command.args(["--sink", &sink]);
    }
    command
}

/// The names of all files there.
fn names(folder: &Path) -> impl Iterator<Item = PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path())
}

/// The same with what they hold; nobody may be writing.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    names(folder)
        .map(|path| (path.clone(), fs::read(path).unwrap()))
        .collect()
}

fn ends_with(path: &Path, ending: &str) -> bool {
    path.to_str().unwrap().ends_with(ending)
}

/// The records in a file, which must be all there and followed by what a file of its form ends with.
#[track_caller]
fn records(path: &Path, bytes: &[u8]) -> usize {
    if ends_with(path, ".parquet") {
        let file = fs::File::open(path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let batches = reader.build().unwrap();
        return batches.map(|batch| batch.unwrap().num_rows()).sum();
    }
    let text = std::str::from_utf8(bytes).unwrap();
    assert!(text.ends_with('\n'), "{}", path.display());
    if ends_with(path, ".zeek.log") {
        let last = text.lines().last().unwrap();
        assert!(last.starts_with("#close"), "{last}");
        return text.lines().filter(|line| !line.starts_with('#')).count();
    }
    let objects = text.lines().map(serde_json::from_str::<Value>);
    objects.map(Result::unwrap).count()
}

#[test]
fn what_a_killed_program_leaves_is_whole_or_called_partial_and_the_next_one_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let capture = fs::read(sample("sample.pcap")).unwrap();
    let mut killed = following(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // It stays open: nobody says that this was all.
    let mut pipe = killed.stdin.take().unwrap();
    pipe.write_all(&capture).unwrap();
    let has = |ending: &str, count: usize| {
        let found = names(folder).filter(|name| ends_with(name, ending));
        found.count() >= count
    };
    while !(has(".parquet", 2) && has(".partial", FORMATS.len())) {
        assert!(killed.try_wait().unwrap().is_none());
        thread::sleep(Duration::from_millis(5));
    }
    // On Unix, SIGKILL: no code of its own runs any more.
    killed.kill().unwrap();
    killed.wait().unwrap();
    let left = files(folder);
    let (partial, whole): (Vec<_>, Vec<_>) = left
        .iter()
        .partition(|(path, _)| ends_with(path, ".partial"));
    // One may have had its name already, and the next not been begun.
    assert!(partial.len() >= FORMATS.len() - 1, "{}", partial.len());
    assert!(whole.len() > FORMATS.len(), "{}", whole.len());
    for (path, bytes) in whole {
        assert!(records(path, bytes) > 0, "{}", path.display());
    }

    let capture = fs::File::open(sample("sample.pcap")).unwrap();
    let output = following(folder).stdin(capture).output().unwrap();
    assert!(output.status.success());
    let told = String::from_utf8(output.stdout).unwrap();
    let mut now = files(folder);
    for (path, bytes) in &left {
        assert_eq!(now.remove(path).as_ref(), Some(bytes), "{}", path.display());
    }
    let mut sums = BTreeMap::new();
    for (path, bytes) in &now {
        let form = path.file_name().unwrap().to_str().unwrap().split_once('.');
        *sums.entry(form.unwrap().1).or_default() += records(path, bytes);
    }
    let all = told.lines().count();
    let extensions = ["eve.json", "jsonl", "parquet", "zeek.json", "zeek.log"];
    assert_eq!(sums, BTreeMap::from(extensions.map(|form| (form, all))));
    // What was written before, also into the file that has no end, is what is written now.
    for (path, bytes) in &left {
        let is_lines = ends_with(path, ".jsonl") || ends_with(path, ".jsonl.partial");
        let lines = std::str::from_utf8(bytes)
            .unwrap_or_default()
            .split_inclusive('\n');
        for line in lines.filter(|line| is_lines && line.ends_with('\n')) {
            assert!(told.contains(line), "{line}");
        }
    }
}
