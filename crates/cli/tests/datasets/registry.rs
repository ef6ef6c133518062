//! `dataset`: what is known of public data sets.

use crate::undertone;

#[test]
fn every_data_set_is_listed_and_can_be_shown() {
    let listed = undertone(["dataset", "list", "--format", "json"]);
    let names: Vec<String> = serde_json::from_str(listed.success()).unwrap();
    assert_eq!(
        names,
        [
            "iscx-vpn-nonvpn-2016",
            "iscx-tor-2016",
            "ustc-tfc-2016",
            "vnat"
        ]
    );
    for name in names {
        let shown = undertone(["dataset", "show", &name]);
        let out = shown.success();
        for part in [
            "How to get it",
            "Label maps",
            "Known faults",
            "Not verified",
            "Checksums",
        ] {
            assert!(out.contains(part), "{part}: {out}");
        }
    }
}

#[test]
fn a_data_set_is_shown_with_its_files_on_request() {
    let without = undertone(["dataset", "show", "iscx-vpn-2016"]);
    assert!(!without.success().contains("AIMchat1.pcapng"));
    // What is disputed is told always.
    assert!(
        without
            .success()
            .contains("gmailchat1.pcapng is disputed, Email or Chat")
    );
    let with = undertone(["dataset", "show", "iscx-vpn-2016", "--files"]);
    let line = with
        .success()
        .lines()
        .find(|line| line.contains("AIMchat1.pcapng"))
        .unwrap();
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(
        words,
        ["AIMchat1.pcapng", "Chat", "agreed", "G05", "unknown"]
    );
}

#[test]
fn other_programs_get_everything_as_json() {
    let shown = undertone(["dataset", "show", "ustc-tfc-2016", "--format", "json"]);
    let value: serde_json::Value = serde_json::from_str(shown.success()).unwrap();
    assert_eq!(value["maps"][1]["name"], "10-benign");
    assert_eq!(value["files"].as_array().unwrap().len(), 24);
}

#[test]
fn an_unknown_data_set_is_wrong_usage_and_the_known_ones_are_named() {
    let outcome = undertone(["dataset", "show", "mnist"]);
    assert_eq!(outcome.code, 2);
    assert!(outcome.err.contains("vnat"), "{}", outcome.err);
}
