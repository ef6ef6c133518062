//! `reproduce` from outside.

use std::fs;

use serde_json::Value;

use crate::{conversations, pcap, run, world};

/// A capture of each class, by its name in the data set.
const CAPTURES: [&str; 12] = [
    "AIMchat1.pcapng",
    "email1a.pcap",
    "scp1.pcapng",
    "Torrent01.pcapng",
    "netflix1.pcap",
    "skype_audio1a.pcap",
    "vpn_aim_chat1a.pcap",
    "vpn_email2a.pcap",
    "vpn_ftps_A.pcap",
    "vpn_bittorrent.pcap",
    "vpn_netflix_A.pcap",
    "vpn_skype_audio1.pcap",
];

#[test]
fn captures_become_the_papers_tables_with_ours_beside_and_what_is_done_stays_done() {
    let world = world();
    let captures = world.file("iscx");
    fs::create_dir_all(&captures).unwrap();
    for (number, name) in CAPTURES.into_iter().enumerate() {
        let number = number as u8;
        fs::write(
            captures.join(name),
            pcap(&conversations(number % 2, number, 14)),
        )
        .unwrap();
    }
    let line = "reproduce iscx-vpn-2016 --data {}/iscx --out {}/reproduced --models gru --epochs 2";
    let outcome = run(world.path(), line);
    let out = outcome.success();
    for part in [
        "Table 4",
        "Figure 4",
        "Figure 3",
        "76.15 %",
        "here: accuracy",
        "published is",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(
        outcome.err.contains("dataset: from the captures"),
        "{}",
        outcome.err
    );

    let text = fs::read_to_string(world.file("reproduced/reproduction.json")).unwrap();
    let found: Value = serde_json::from_str(&text).unwrap();
    let gru = &found["parts"][0]["lines"][1];
    assert_eq!(gru["published"]["model"], "gru");
    assert_eq!(gru["ours"]["scores"], found["table"]["rows"][0]["scores"]);
    assert_eq!(found["parts"][0]["lines"][0]["ours"], Value::Null);

    // All sessions that a capture holds are of one session per five-tuple, under policy paper.
    let manifest = world.file("reproduced/iscx-vpn-nonvpn-2016/manifest.json");
    let manifest: Value = serde_json::from_str(&fs::read_to_string(manifest).unwrap()).unwrap();
    assert_eq!(manifest["policy"], "paper");
    assert_eq!(manifest["cutting"]["session_end"]["rule"], "capture");
    assert_eq!(manifest["classes"].as_array().unwrap().len(), 12);

    let page = run(world.path(), &format!("{line} --format html"));
    assert!(
        page.err.contains("is there and taken as it is"),
        "{}",
        page.err
    );
    assert!(!page.err.contains("gru, seed 1"), "{}", page.err);
    let page = page.success();
    for forbidden in ["<script", "<link", "src=", "url(", "@import"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let again = fs::read_to_string(world.file("reproduced/reproduction.json")).unwrap();
    assert_eq!(again, text);
}

#[test]
fn what_cannot_be_reproduced_is_told_in_one_line() {
    let world = world();
    let check = |line: &str, expected: &str| {
        let found = run(world.path(), line).failure(world.path());
        assert!(found.starts_with(expected), "{found}");
    };
    check(
        "reproduce iscx-vpn-2016 --data {}/nowhere --out {}/none",
        "error: cannot read `{}/nowhere`: No such file",
    );
    check(
        "reproduce iscx-vpn-2016 --data {}/data --out {}/none --quiet",
        "error: `{}/data` holds neither IDX files nor captures of `iscx-vpn-nonvpn-2016`",
    );
    check(
        "reproduce vnat --data {}/data --out {}/none",
        "error: no scores on `vnat` are known that could be reproduced",
    );
    assert!(!world.file("none").exists());
}
