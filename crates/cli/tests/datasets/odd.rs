//! Odd, damaged and rare captures: each ends with a result or a clear error.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{captures::Folder, public_data};

/// Far above what the largest of them needs.
const PATIENCE: Duration = Duration::from_mins(1);

/// The most memory that may be in use for one of them, in kilobytes: the lengths that some claim
/// are eight times that.
const MOST_MEMORY: u64 = 512 * 1024;

#[test]
fn every_odd_capture_is_inspected_prepared_and_classified_or_refused_in_one_line() {
    let Some(odd) = public_data("captures/odd") else {
        return;
    };
    let folder = Folder::new();
    let (mut inspected, mut prepared, mut classified, mut seen) = (0, 0, 0, 0);
    for capture in files(&odd) {
        seen += 1;
        inspected += u32::from(ends_well(&["inspect".into(), capture.clone().into()]));
        classified += u32::from(ends_well(&[
            "classify".into(),
            "--quiet".into(),
            capture.clone().into(),
        ]));
        let out = folder.path(&format!("out-{seen}"));
        let arguments = [
            "prepare".into(),
            capture.into(),
            "--out".into(),
            out.clone().into(),
            "--allow-untestable".into(),
        ];
        let is_prepared = ends_well(&arguments);
        assert_eq!(out.exists(), is_prepared);
        prepared += u32::from(is_prepared);
    }
    eprintln!(
        "{seen} odd captures: {inspected} inspected, {prepared} prepared, {classified} classified"
    );
    assert!(inspected > 0 && prepared > 0 && classified > 0);
    // Nothing but the datasets is left behind.
    assert_eq!(folder.entries("").len(), prepared as usize);
}

/// Whether the program succeeds; if not, it must say why in one line, and never hang, crash or take
/// memory without end.
#[track_caller]
fn ends_well(arguments: &[OsString]) -> bool {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while child.try_wait().unwrap().is_none() {
        assert!(begun.elapsed() < PATIENCE, "{arguments:?} hangs");
        let memory = memory(child.id()).unwrap_or(0);
        assert!(memory < MOST_MEMORY, "{arguments:?} takes {memory} kB");
        std::thread::sleep(Duration::from_millis(2));
    }
    let output = child.wait_with_output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    match output.status.code() {
        Some(0) => true,
        Some(1) => {
            assert_eq!(error.lines().count(), 1, "{arguments:?}: {error}");
            assert!(error.starts_with("error: "), "{arguments:?}: {error}");
            false
        }
        code => panic!("{arguments:?} ended with {code:?}: {error}"),
    }
}

/// The most memory that a program has had so far, in kilobytes, where the system tells.
fn memory(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

#[cfg(target_os = "linux")]
#[test]
fn the_memory_of_a_program_is_known_while_it_runs() {
    assert!(memory(std::process::id()).is_some_and(|memory| memory > 100));
}

/// Every file below a folder, by name.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
