//! `inspect`: what captures hold.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use crate::{
    captures::{Folder, capture},
    undertone,
};

#[test]
fn a_capture_is_described_in_words() {
    let folder = Folder::new();
    folder.capture("a.pcap", 1, 2);
    let outcome = undertone(["inspect".into(), folder.path("a.pcap")]);
    let text = outcome
        .success()
        .replace(&folder.path("").display().to_string(), "");
    insta::assert_snapshot!(text, @r"
    a.pcap: pcap
      time        2016-03-01T00:00:00.000000Z to 2016-03-01T00:00:01.007000Z, 1.007 s
      link types  ethernet (1) 16 (100.00 %)
      frames      16 frames, 1,365 bytes
      packets     16
      skipped     0
      sessions    2
      services    tcp/443     2 sessions, 16 packets, 1,141 bytes
    ");
}

#[test]
fn programs_get_one_object_a_line() {
    let folder = Folder::new();
    folder.capture("a.pcap", 1, 2).capture("b.pcap", 2, 3);
    let outcome = undertone([
        "inspect".into(),
        folder.path(""),
        "--format".into(),
        "json".into(),
    ]);
    let sessions: Vec<serde_json::Value> = outcome
        .success()
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["sessions"].clone())
        .collect();
    assert_eq!(sessions, [2, 3]);
}

#[test]
fn standard_input_is_a_capture_too() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args(["inspect", "-", "--format", "json"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(&capture(1, 2))
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let found: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(found["capture"], "standard input");
    assert_eq!(found["sessions"], 2);
}

#[test]
fn a_missing_capture_is_named() {
    let folder = Folder::new();
    let outcome = undertone(["inspect".into(), folder.path("a.pcap")]);
    assert_eq!(
        outcome.failure(&folder),
        "error: cannot read `a.pcap`: No such file or directory (os error 2)"
    );
}

#[test]
fn a_bad_capture_does_not_hide_the_good_ones() {
    let folder = Folder::new();
    folder.file("a.pcap", b"").capture("b.pcap", 1, 2);
    let paths = ["a.pcap", "b.pcap"].map(|name| folder.path(name));
    let outcome = undertone(std::iter::once("inspect".into()).chain(paths));
    assert_eq!(outcome.code, 1);
    assert!(outcome.out.contains("2 sessions"), "{}", outcome.out);
    assert!(
        outcome.err.contains("the capture is empty"),
        "{}",
        outcome.err
    );
    assert!(
        outcome
            .err
            .ends_with("error: 1 of 2 captures cannot be read to the end\n")
    );
}

#[test]
fn a_folder_without_captures_hides_no_other_capture() {
    let folder = Folder::new();
    folder.capture("a.pcap", 1, 2).file("none/letter.txt", b"x");
    let paths = ["a.pcap", "none"].map(|name| folder.path(name));
    let outcome = undertone(std::iter::once("inspect".into()).chain(paths));
    assert_eq!(outcome.failure(&folder), "error: `none` holds no capture");
    assert_eq!(outcome.out, "");
}

#[test]
fn a_capture_that_breaks_is_described_up_to_there() {
    let folder = Folder::new();
    let mut bytes = capture(1, 2);
    let length = bytes.len();
    bytes.truncate(length - 4);
    folder.file("a.pcap", &bytes);
    let outcome = undertone(["inspect".into(), folder.path("a.pcap")]);
    assert!(
        outcome
            .success()
            .contains("the capture ends inside a frame")
    );
}
