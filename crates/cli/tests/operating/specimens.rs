//! Unknown sessions, kept as captures for labelling.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;

use crate::{output_of, records, sample};

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// The program on the sample, which keeps what is unknown; its records of those sessions, and how
/// the rest of its talk ends.
fn keep(command: &[&str], folder: &Path, options: &[&str]) -> (Vec<Value>, String) {
    let sample = sample();
    let folder = folder.to_str().unwrap();
    let save = [&sample, "--format", "json", "--save-unknown", folder];
    let output = output_of(&[command, &save, options].concat());
    let mut all = records(&output.stdout);
    all.retain(|record| record["verdict"] == "unknown" && record["moment"] == "end");
    (all, String::from_utf8(output.stderr).unwrap())
}

/// What tells a session from others, and what is said of it.
fn said(record: &Value) -> (String, String) {
    let name = ["start", "protocol", "client_port", "server_port"].map(|field| &record[field]);
    let said = ["verdict", "nearest", "confidence"].map(|field| &record[field]);
    (format!("{name:?}"), format!("{said:?}"))
}

#[test]
fn each_unknown_session_is_a_capture_that_gets_the_same_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let (unknown, err) = keep(&["classify"], folder.path(), &[]);
    assert!(unknown.len() > 5, "{}", unknown.len());
    let files = files(folder.path());
    assert_eq!(files.len(), unknown.len());
    let kept = format!("{} unknown sessions kept in ", files.len());
    assert!(err.contains(&kept), "{err}");
    let path = folder.path().to_str().unwrap();
    let again = output_of(&["classify", path, "--format", "json", "--quiet"]);
    let again: BTreeMap<_, _> = records(&again.stdout).iter().map(said).collect();
    assert_eq!(again, unknown.iter().map(said).collect());
}

#[test]
fn live_keeps_what_classify_keeps() {
    let [offline, online] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    keep(&["classify"], offline.path(), &[]);
    keep(&["live", "--read"], online.path(), &["--quiet"]);
    let (offline, online) = (files(offline.path()), files(online.path()));
    assert!(!offline.is_empty());
    assert_eq!(offline.len(), online.len());
    for (one, other) in offline.iter().zip(&online) {
        assert_eq!(one.file_name(), other.file_name());
        assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap());
    }
}

#[test]
fn a_folder_holds_no_more_than_the_limit_whoever_filled_it() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("other.pcap"), "of somebody else").unwrap();
    let limit = ["--save-unknown-limit", "3"];
    let (unknown, err) = keep(&["classify"], folder.path(), &limit);
    assert_eq!(files(folder.path()).len(), 3);
    let told = format!(
        "kept in `{}`; {} more not",
        folder.path().display(),
        unknown.len() - 2
    );
    assert!(err.contains(&told), "{err}");
    assert!(files(folder.path()).iter().all(|path| {
        // None is half written.
        path.extension().unwrap() == "pcap"
    }));
}
