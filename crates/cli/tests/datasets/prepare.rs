//! `prepare`: from captures to a dataset.

use std::fs;

use crate::{captures::{Folder, capture}, undertone};

/// Runs `prepare` on the folder's `data` with these options, into its `out`.
fn prepare(folder: &Folder, options: &[&str]) -> crate::Outcome {
    let mut arguments = vec![
        "prepare".into(),
        folder.path("data").into_os_string(),
        "--out".into(),
        folder.path("out").into_os_string(),
    ];
    arguments.extend(options.iter().map(std::ffi::OsString::from));
    undertone(arguments)
}

/// The manifest that `prepare` printed.
fn manifest(outcome: &crate::Outcome) -> serde_json::Value {
    serde_json::from_str(outcome.success()).unwrap()
}

#[test]
fn a_folder_for_each_class_becomes_a_dataset() {
    let folder = Folder::two_classes();
    let manifest = manifest(&prepare(&folder, &["--format", "json"]));
    assert_eq!(manifest["classes"], serde_json::json!(["Chat", "Email"]));
    assert_eq!(manifest["tally"]["samples"], 40);
    assert_eq!(manifest["policy"], "paper");
    assert_eq!(manifest["captures"][1]["file"], "Chat/b.pcap");
    assert_eq!(folder.entries("out"), ["manifest.json", "samples.parquet"]);
    assert_eq!(folder.entries(""), ["data", "out"]);
}
