//! `live` from outside: captures read as if they came by wire, and a wire.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#![cfg_attr(
    feature = "live",
    expect(clippy::print_stdout, reason = "a test that skips says so")
)]

mod killed;
#[path = "../program/mod.rs"]
mod program;
mod reading;
#[cfg(feature = "live")]
mod wire;

use program::{sample, undertone};
use serde_json::Value;

/// What the program writes on standard output, to which it must come.
#[track_caller]
fn output_of(arguments: &[&str]) -> String {
    let output = undertone(arguments).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    String::from_utf8(output.stdout).unwrap()
}

fn records(lines: &str) -> Vec<Value> {
    let records = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    records.collect()
}

/// Those given at that moment in a session's life.
fn at<'a>(records: &'a [Value], moment: &str) -> Vec<&'a Value> {
    let given = records.iter().filter(|record| record["moment"] == moment);
    given.collect()
}
