//! Captures read as if they came by wire.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Read, Write},
    process::{Command, Stdio},
    thread,
};

use serde_json::Value;

use crate::{at, output_of, records, sample, undertone};

fn live(options: &[&str]) -> Vec<Value> {
    let capture = sample("sample.pcap");
    let line = ["live", "--format", "json", "--quiet", "--read"];
    let arguments = [&line, &[capture.to_str().unwrap()][..], options].concat();
    records(&output_of(&arguments))
}

#[test]
fn the_last_verdicts_are_those_of_classify() {
    for name in ["sample.pcap", "sample-vpn.pcap"] {
        let capture = sample(name);
        let path = capture.to_str().unwrap();
        let same = ["--format", "json", "--quiet"];
        let offline = output_of(&[&["classify", path], &same[..]].concat());
        let online = output_of(&[&["live", "--read", path, "--tell", "end"], &same[..]].concat());
        assert_eq!(online, offline, "{name}");
        assert!(offline.lines().count() > 40);
    }
}

#[test]
fn early_verdicts_change_nothing_about_the_last() {
    let silent = live(&["--tell", "end"]);
    let talking = live(&["--tell", "all"]);
    let last: Vec<Value> = at(&talking, "end").into_iter().cloned().collect();
    assert_eq!(last, silent);
}

#[test]
fn the_model_is_asked_after_the_packets_that_were_named() {
    let all = live(&["--tell", "all", "--after", "5,9"]);
    let early: Vec<&Value> = all.iter().filter(|one| one["moment"] != "end").collect();
    let long = at(&all, "end");
    let long = |packets: u64| {
        let reach = |one: &&&Value| one["packets"].as_u64().unwrap() >= packets;
        let is_judged = |one: &&&Value| one["verdict"] != "empty";
        long.iter().filter(reach).filter(is_judged).count()
    };
    let asked = |packets: u64| early.iter().filter(|one| one["packets"] == packets).count();
    // Of those without payload so far nothing is told.
    assert!(
        asked(5) > 20 && asked(5) <= long(5),
        "{} {}",
        asked(5),
        long(5)
    );
    assert_eq!(asked(9), long(9));
    assert_eq!(asked(5) + asked(9), early.len());
    assert!(early.iter().all(|one| one["end_reason"] == "open"));
}

#[test]
fn a_verdict_on_an_open_session_is_told_first_and_when_it_changes() {
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let mut changes = 0;
    for one in live(&["--tell", "change"]) {
        let name = format!(
            "{} {} {}",
            one["start"], one["client_port"], one["server_port"]
        );
        let said = format!("{} {}", one["verdict"], one["class"]);
        match one["moment"].as_str().unwrap() {
            "first" => assert_eq!(last.insert(name, said), None),
            "change" => {
                changes += 1;
                assert_ne!(last.insert(name, said.clone()).unwrap(), said);
            }
            "end" => {}
            other => panic!("{other}"),
        }
    }
    assert!(last.len() > 30 && changes > 0, "{} {changes}", last.len());
}

#[test]
fn a_session_of_few_packets_is_told_for_its_age() {
    let old = live(&["--tell", "all", "--after", "1000000", "--within", "1"]);
    let firsts = at(&old, "first");
    assert!(firsts.len() > 20, "{}", firsts.len());
    assert!(at(&old, "again").is_empty());
}

#[test]
fn an_interrupt_ends_all_sessions_and_tells_what_they_were() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let mut child = undertone(&["live", "--format", "json", "--read"])
        .arg(&fifo)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let capture = fs::read(sample("sample.pcap")).unwrap();
    let mut writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    writer.write_all(&capture).unwrap();
    let mut lines = String::new();
    out.read_line(&mut lines).unwrap();
    let id = child.id().to_string();
    let sent = Command::new("kill").args(["-TERM", &id]).status().unwrap();
    assert!(sent.success());
    // The next frames let it notice, whenever the signal reaches it; then nobody reads them.
    let frames = thread::spawn(move || while writer.write_all(&capture[24..]).is_ok() {});
    out.read_to_string(&mut lines).unwrap();
    frames.join().unwrap();
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{err}");
    let lines = records(&lines);
    assert!(at(&lines, "end").len() >= 42, "{}", lines.len());
    let ends = |reason: &str| lines.iter().any(|one| one["end_reason"] == reason);
    assert!(ends("capture") && ends("closed"));
    assert!(err.contains(" frames read"), "{err}");
}

#[test]
fn an_interface_that_is_not_there_is_named() {
    let output = undertone(&["live", "nowhere0"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(err.lines().count(), 1, "{err}");
    assert!(
        err.starts_with("error: cannot capture from `nowhere0`: "),
        "{err}"
    );
    let remedy = if cfg!(feature = "live") {
        // As root, and as anybody else.
        err.contains("interfaces here: ") || err.contains("run it as root")
    } else {
        err.contains("undertone live --read -")
    };
    assert!(remedy, "{err}");
}
