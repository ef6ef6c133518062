//! `split`: the same samples, split anew.

use std::{ffi::OsString, fs};

use crate::{Outcome, captures::Folder, undertone};

/// A folder with a dataset in `out`.
fn prepared() -> Folder {
    let folder = Folder::two_classes();
    undertone([
        OsString::from("prepare"),
        folder.path("data").into(),
        "--out".into(),
        folder.path("out").into(),
    ])
    .success();
    folder
}

/// Splits it anew into `other`.
fn split(folder: &Folder, options: &[&str]) -> Outcome {
    let mut arguments: Vec<OsString> = vec!["split".into(), folder.path("out").into()];
    arguments.extend(["--out".into(), folder.path("other").into()]);
    arguments.extend(["--format", "json"].map(OsString::from));
    arguments.extend(options.iter().map(OsString::from));
    undertone(arguments)
}

#[test]
fn captures_are_not_needed_to_split_anew() {
    let folder = prepared();
    fs::remove_dir_all(folder.path("data")).unwrap();
    let manifest = split(&folder, &["--rule", "capture", "--seed", "1"]).manifest();
    assert_eq!(manifest["split"]["rule"], "capture");
    assert_eq!(
        manifest["split"]["groups"]["test"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(manifest["tally"]["samples"], 40);
}

#[test]
fn the_same_rule_and_seed_give_the_same_bytes() {
    let folder = prepared();
    split(&folder, &["--rule", "session", "--seed", "0"]).success();
    for name in ["manifest.json", "samples.parquet"] {
        let read = |place| fs::read(folder.path(place).join(name)).unwrap();
        assert!(read("out") == read("other"), "{name}");
    }
}

#[test]
fn sessions_of_one_connection_are_on_one_side_in_prepare_and_in_split() {
    let folder = Folder::two_classes();
    // The same conversations in captures of another name.
    folder
        .capture("data/Chat/e.pcap", 1, 10)
        .capture("data/Email/f.pcap", 3, 10);
    let prepare = |rule: &str, place: &str| {
        let mut arguments: Vec<OsString> = vec!["prepare".into(), folder.path("data").into()];
        arguments.extend(["--duplicates", "keep", "--split", rule, "--out"].map(OsString::from));
        arguments.push(folder.path(place).into());
        undertone(arguments).success();
    };
    prepare("session", "out");
    let manifest = split(&folder, &["--rule", "connection"]).manifest();
    assert_eq!(manifest["split"]["rule"], "connection");
    let dataset = learn::dataset::Dataset::open(&folder.path("other")).unwrap();
    let mut sides = std::collections::BTreeMap::new();
    let mut seen = 0;
    for side in learn::dataset::Split::ALL {
        for origin in &dataset.split(side).origins {
            seen += 1;
            let mut ends = [origin.five_tuple.source, origin.five_tuple.destination];
            ends.sort();
            assert_eq!(*sides.entry(ends).or_insert(side), side, "{ends:?}");
        }
    }
    assert_eq!((sides.len(), seen), (40, 60));
    prepare("connection", "at-once");
    let read = |place| fs::read(folder.path(place).join("samples.parquet")).unwrap();
    assert!(read("other") == read("at-once"));
}

#[test]
fn a_split_that_was_not_given_is_refused() {
    let folder = prepared();
    let outcome = split(&folder, &["--rule", "given"]);
    assert_eq!(
        outcome.failure(&folder),
        "error: rule `given` needs a split for each sample, 40 of 40 have none; use rule `session` or `capture`"
    );
    assert_eq!(folder.entries(""), ["data", "out"]);
}

#[test]
fn a_missing_dataset_is_named() {
    let folder = Folder::new();
    let outcome = split(&folder, &["--rule", "session"]);
    assert_eq!(
        outcome.failure(&folder),
        "error: cannot read `out/manifest.json`: No such file or directory (os error 2)"
    );
}

#[test]
fn damaged_samples_are_refused() {
    let folder = prepared();
    let path = folder.path("out/samples.parquet");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let outcome = split(&folder, &["--rule", "session"]);
    assert_eq!(
        outcome.failure(&folder),
        "error: `out/samples.parquet`: its SHA-256 is not the manifest's; the file was changed or damaged, make the dataset again"
    );
}

#[test]
fn a_manifest_of_a_later_version_is_refused() {
    let folder = prepared();
    let path = folder.path("out/manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"schema\": 2", "\"schema\": 9")).unwrap();
    let outcome = split(&folder, &["--rule", "session"]);
    assert_eq!(
        outcome.failure(&folder),
        "error: `out/manifest.json`: schema 9 is not known, this version reads up to 2; use a newer undertone"
    );
}

#[test]
fn a_manifest_that_is_none_is_refused() {
    let folder = prepared();
    folder.file("out/manifest.json", b"{}");
    let outcome = split(&folder, &["--rule", "session"]);
    let failure = outcome.failure(&folder);
    assert!(
        failure.starts_with("error: `out/manifest.json` is not a manifest: missing field"),
        "{failure}"
    );
}

#[test]
fn a_dataset_of_the_first_schema_is_still_read() {
    let folder = prepared();
    let path = folder.path("out/manifest.json");
    let text = fs::read_to_string(&path).unwrap();
    let older = text
        .replace("\"schema\": 2", "\"schema\": 1")
        .replace("    \"unknown_site\": 0,\n", "");
    assert_eq!(older.lines().count() + 1, text.lines().count());
    fs::write(&path, older).unwrap();
    let manifest = split(&folder, &["--rule", "session"]).manifest();
    // What is written anew is of this version.
    assert_eq!(manifest["schema"], 2);
    assert_eq!(manifest["tally"]["samples"], 40);
}
