//! What whoever runs the program as a service relies on.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod deployment;
mod drift;
mod metrics;
mod specimens;

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use serde_json::Value;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn sample() -> String {
    let path = root().join("samples/sample.pcap");
    path.to_str().unwrap().to_owned()
}

/// The program with these arguments.
fn undertone(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
    command.args(arguments);
    command
}

/// What it leaves, which must be success.
#[track_caller]
fn output_of(arguments: &[&str]) -> Output {
    let output = undertone(arguments).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    output
}

/// Lines of JSON.
fn records(lines: &[u8]) -> Vec<Value> {
    let lines = std::str::from_utf8(lines).unwrap().lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}
