//! What `prepare` does not do, and says so.

use super::{prepare, refused};
use crate::captures::Folder;

#[test]
fn a_missing_capture_is_named() {
    let folder = Folder::new();
    refused(
        &folder,
        &[],
        "error: cannot read `data`: No such file or directory (os error 2)",
    );
}

#[test]
fn a_folder_without_captures_is_named() {
    let folder = Folder::new();
    folder.file("data/notes.txt", b"nothing here");
    refused(&folder, &[], "error: `data` holds no capture");
}

#[test]
fn an_empty_file_is_named() {
    let folder = Folder::new();
    folder.file("data", b"");
    refused(
        &folder,
        &[],
        "error: cannot read `data`: the capture is empty (0 bytes)",
    );
}

#[test]
fn a_file_that_is_no_capture_is_named() {
    let folder = Folder::new();
    folder.file("data", b"PAR1 and more");
    refused(
        &folder,
        &[],
        "error: cannot read `data`: neither pcap nor pcapng: the first bytes are 0x50415231, it looks like Parquet",
    );
}

#[test]
fn a_capture_that_breaks_is_named_with_the_place() {
    let folder = Folder::two_classes();
    let mut bytes = crate::captures::capture(9, 3);
    // The captured length of the first record.
    bytes[32..36].fill(0xff);
    folder.file("data/Email/broken.pcap", &bytes);
    let outcome = prepare(&folder, &[]);
    let failure = outcome.failure(&folder);
    assert!(
        failure.starts_with("error: cannot read `data/Email/broken.pcap`: record 0 at byte 24"),
        "{failure}"
    );
    assert_eq!(folder.entries(""), ["data"]);
}

#[test]
fn a_class_without_sessions_is_named() {
    let folder = Folder::two_classes();
    folder.capture("data/VoIP/e.pcap", 5, 0);
    refused(
        &folder,
        &[],
        "error: class `VoIP` has no samples: its captures hold no session; see what `undertone inspect` says of them",
    );
}

#[test]
fn a_class_of_one_capture_cannot_be_held_out() {
    let folder = Folder::two_classes();
    folder.capture("data/VoIP/e.pcap", 5, 10);
    refused(
        &folder,
        &["--split", "capture"],
        "error: rule `capture` leaves class `VoIP` (its 10 samples are one group) without train or test samples; use another rule, add captures, or go on with `--allow-untestable`",
    );
    let options = ["--split", "capture", "--allow-untestable"];
    let manifest = prepare(&folder, &options).manifest();
    assert_eq!(manifest["split"]["untestable"], serde_json::json!(["VoIP"]));
}

#[test]
fn an_occupied_folder_is_not_touched() {
    let folder = Folder::two_classes();
    folder.file("out/letter.txt", b"keep me");
    refused(
        &folder,
        &[],
        "error: `out` is not empty; name another folder, or replace the dataset with `--force`",
    );
    refused(
        &folder,
        &["--force"],
        "error: `out` holds no dataset, so `--force` does not replace it; name another folder",
    );
    assert_eq!(folder.entries("out"), ["letter.txt"]);
}

#[test]
fn an_unwritable_place_is_named() {
    let folder = Folder::two_classes();
    folder.file("out", b"a file where a folder should be");
    refused(
        &folder,
        &[],
        "error: cannot write `out`: Not a directory (os error 20)",
    );
}

#[test]
fn a_name_without_a_label_is_refused_or_skipped() {
    let folder = Folder::new();
    folder
        .capture("data/chat_1.pcap", 1, 5)
        .capture("data/2.pcap", 2, 5);
    let pattern = ["--label-pattern", "^(?<class>[a-z]+)_"];
    refused(
        &folder,
        &pattern,
        "error: `2.pcap` has no label: the pattern does not match its name; label it, or leave it out with `--unlabelled skip`",
    );
    let options = [&pattern[..], &["--unlabelled", "skip"]].concat();
    let manifest = prepare(&folder, &options).manifest();
    assert_eq!(manifest["captures"].as_array().unwrap().len(), 1);
}

#[test]
fn a_usage_error_ends_with_code_2() {
    let folder = Folder::two_classes();
    for options in [
        &["--policy", "papier"][..],
        &["--label-pattern", "("],
        &["--registry", "iscx"],
        &["--fractions", "50/50"],
        &["--idle", "-1"],
    ] {
        assert_eq!(prepare(&folder, options).code, 2, "{options:?}");
    }
}
