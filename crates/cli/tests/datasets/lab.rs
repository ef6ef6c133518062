//! Captures of the laboratory: sidecars as labels, and splits by what they say.

use std::{ffi::OsString, fs, path::Path};

use arrow::array::{Array, AsArray};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};

use crate::{
    Outcome,
    captures::Folder,
    lab_captures::{LabRun, runs},
    undertone,
};

/// A folder with those runs in `lab`.
fn lab() -> Folder {
    let folder = Folder::new();
    for run in runs() {
        run.write(&folder.path(""));
    }
    folder
}

fn prepare(folder: &Folder, options: &[&str]) -> Outcome {
    let mut arguments: Vec<OsString> = vec!["prepare".into(), folder.path("lab").into()];
    arguments.extend(["--labels", "sidecar", "--out"].map(OsString::from));
    arguments.push(folder.path("out").into());
    arguments.extend(options.iter().map(OsString::from));
    undertone(arguments)
}

fn manifest(folder: &Folder, options: &[&str]) -> Value {
    let mut all = vec!["--format", "json"];
    all.extend(options);
    prepare(folder, &all).manifest()
}

/// What the lab's first run is refused with, once a piece of its sidecar is replaced.
#[track_caller]
fn check_mistake(from: &str, to: &str, expected: &str) {
    let folder = lab();
    let path = folder.path("lab/direct/Email/s1-000.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(&path, text.replace(from, to)).unwrap();
    assert_eq!(prepare(&folder, &[]).failure(&folder), expected);
}

#[test]
fn sidecars_are_labels_and_runs_are_kept_whole() {
    let manifest = manifest(&lab(), &[]);
    assert_eq!(manifest["classes"], json!(["Chat", "Email", "VPN-Email"]));
    assert_eq!(manifest["labels"], json!({"source": "sidecar"}));
    assert_eq!(manifest["split"]["rule"], "run");
    assert_eq!(manifest["tally"]["samples"], 72);
    assert_eq!(manifest["set_aside"], json!([]));
    // Six runs a class, of which one each is the least for validation and test.
    for class in manifest["split"]["classes"].as_array().unwrap() {
        assert_eq!(class["train"], 16, "{class}");
    }
    let lab = &manifest["captures"][0]["lab"];
    assert_eq!(lab["run"], "s1-006");
    assert_eq!(lab["view"], "direct");
    assert_eq!(lab["application"], "slixmpp");
    assert_eq!(lab["tunnel"], Value::Null);
}

#[test]
fn the_kind_of_tunnel_may_be_the_class() {
    let manifest = manifest(&lab(), &["--sidecar-class", "tunnel"]);
    let expected = json!(["none", "openvpn-udp", "wireguard"]);
    assert_eq!(manifest["classes"], expected);
    let source = json!({"source": "sidecar", "class": "tunnel"});
    assert_eq!(manifest["labels"], source);
    let captures = manifest["captures"].as_array().unwrap();
    let of_wireguard = captures.iter().filter(|one| one["class"] == "wireguard");
    assert_eq!(of_wireguard.count(), 3);
}

#[test]
fn rows_know_what_the_sidecar_says() {
    let folder = lab();
    manifest(&folder, &[]);
    let file = fs::File::open(folder.path("out/samples.parquet")).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let batch = reader.build().unwrap().next().unwrap().unwrap();
    let row = |at: usize| {
        ["run", "site", "application", "tunnel", "plaintext"].map(|name| {
            let column = batch.column_by_name(name).unwrap();
            let text = arrow::compute::cast(column, &arrow::datatypes::DataType::Utf8).unwrap();
            let text = text.as_string::<i32>();
            (!text.is_null(at)).then(|| text.value(at).to_owned())
        })
    };
    let some = |name: &str| Some(name.to_owned());
    let first = ["s1-006", "a", "slixmpp"].map(some);
    assert_eq!(row(0)[..3], first);
    assert_eq!(row(0)[3..], [None, some("none")]);
    let last = ["s1-017", "c", "mbsync", "wireguard", "preamble"].map(some);
    assert_eq!(row(71), last);
}

#[test]
fn a_site_is_held_out_by_name_and_said_so() {
    let folder = lab();
    let outcome = prepare(
        &folder,
        &["--split", "site", "--hold-out", "Email/c,Chat/a"],
    );
    let text = outcome.success();
    for line in [
        "held out for the test: Chat/a, Email/c",
        "of too few sites for validation, which is whole runs of those in train: Chat, Email, VPN-Email",
    ] {
        assert!(text.contains(line), "{text}");
    }
}

#[test]
fn every_rule_of_the_laboratory_splits_anew() {
    let folder = lab();
    manifest(&folder, &[]);
    for (rule, expected) in [
        ("site", json!(["Chat/a", "Email/a"])),
        ("application", json!(["Chat/irc", "Email/curl"])),
        ("tunnel", json!(["wireguard"])),
    ] {
        let held_out = expected.as_array().unwrap().iter();
        let names: Vec<&str> = held_out.map(|name| name.as_str().unwrap()).collect();
        let arguments: [OsString; 9] = [
            "split".into(),
            folder.path("out").into(),
            "--rule".into(),
            rule.into(),
            "--hold-out".into(),
            names.join(",").into(),
            "--format=json".into(),
            "--out".into(),
            folder.path(rule).into(),
        ];
        let found = undertone(arguments).manifest();
        assert_eq!(found["split"]["groups"]["test"], expected);
        assert_eq!(found["tally"]["samples"], 72);
        for class in found["split"]["classes"].as_array().unwrap() {
            for side in ["train", "validation", "test"] {
                assert_ne!(class[side], 0, "{rule} {class}");
            }
        }
    }
}

#[test]
fn the_same_options_give_the_same_bytes() {
    let folder = lab();
    let read = |_| {
        manifest(&folder, &["--split", "site", "--force"]);
        ["manifest.json", "samples.parquet"]
            .map(|name| fs::read(folder.path("out").join(name)).unwrap())
    };
    assert!(read(1) == read(2));
}

#[test]
fn sessions_with_an_unknown_site_are_left_out_and_counted() {
    let folder = lab();
    let stray = &runs()[0];
    folder.file(
        &format!("{}.pcap", stray.name()),
        &stray.capture([9, 9, 9, 9]),
    );
    let manifest = manifest(&folder, &[]);
    assert_eq!(manifest["tally"]["unknown_site"], 4);
    assert_eq!(manifest["tally"]["sessions"], 72);
    assert_eq!(manifest["tally"]["samples"], 68);
}

#[test]
fn a_capture_without_a_sidecar_is_refused() {
    let folder = lab();
    fs::remove_file(folder.path("lab/direct/Chat/s1-006.json")).unwrap();
    assert_eq!(
        prepare(&folder, &[]).failure(&folder),
        "error: `direct/Chat/s1-006.pcap` has no label: there is no `direct/Chat/s1-006.json` beside it; label it, or leave it out with `--unlabelled skip`"
    );
    let manifest = manifest(&folder, &["--unlabelled", "skip"]);
    assert_eq!(manifest["tally"]["samples"], 68);
}

#[test]
fn a_sidecar_with_a_mistake_is_refused() {
    check_mistake(
        "\"schema\":1",
        "\"schema\":3",
        "error: `direct/Email/s1-000.pcap` has no usable label: `lab/direct/Email/s1-000.json`: schema 3 is not known, this version reads 1",
    );
    check_mistake(
        "\"class\":\"Email\"",
        "\"class\":\"VPN-Email\"",
        "error: `direct/Email/s1-000.pcap` has no usable label: `lab/direct/Email/s1-000.json`: class `VPN-Email` does not fit view `direct`",
    );
    check_mistake(
        "{\"",
        "{",
        "error: `direct/Email/s1-000.pcap` has no usable label: `lab/direct/Email/s1-000.json` is no sidecar of the laboratory: key must be a string at line 1 column 2",
    );
}

#[test]
fn tunnels_seen_from_outside_mix_with_nothing_else() {
    let folder = lab();
    let outer = LabRun {
        number: 99,
        class: "VPN-Email",
        view: "outer",
        application: "swaks",
        tunnel: Some("wireguard"),
        site: 0,
    };
    outer.write(&folder.path(""));
    assert_eq!(
        prepare(&folder, &[]).failure(&folder),
        "error: `outer/VPN-Email/s1-099.pcap` shows tunnels from outside and `direct/Chat/s1-006.pcap` does not; make a dataset of each: view `outer` alone, or `direct` and `inner`"
    );
}

#[test]
fn an_evaluation_says_what_was_held_out() {
    let folder = lab();
    manifest(&folder, &["--split", "site", "--hold-out", "b"]);
    let path = |name: &str| folder.path(name).into_os_string();
    let words = ["--network", "gru", "--epochs", "1", "--out"].map(OsString::from);
    let mut arguments = vec!["train".into(), path("out")];
    arguments.extend(words);
    arguments.push(path("run"));
    undertone(arguments).success();
    let outcome = undertone(["evaluate".into(), path("run")]);
    let said: Vec<&str> = outcome.success().split_whitespace().collect();
    let said = said.join(" ");
    for part in [
        "test samples, rule site, seed 0, held out Chat/b, Email/b",
        "Whole sites were held out (Chat/b, Email/b), and no lab run is on both sides",
        // Every other run begins in plaintext.
        "12 of 24 samples (50.00 %) begin in plaintext",
        // Two runs at site b of each of three classes.
        "draws of 6 lab runs",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let evaluation = fs::read_to_string(folder.path("run/evaluation.json")).unwrap();
    let evaluation: Value = serde_json::from_str(&evaluation).unwrap();
    assert_eq!(
        evaluation["dataset"]["held_out"],
        json!(["Chat/b", "Email/b"])
    );
}

#[test]
fn other_datasets_know_nothing_of_runs() {
    let folder = Folder::two_classes();
    let arguments: [OsString; 6] = [
        "prepare".into(),
        folder.path("data").into(),
        "--split".into(),
        "run".into(),
        "--out".into(),
        folder.path("out").into(),
    ];
    assert_eq!(
        undertone(arguments).failure(&folder),
        "error: rule `run` needs a run for each sample, 40 of 40 have none; prepare captures of the laboratory with `--labels sidecar`"
    );
}

/// Sessions that the sidecars below a folder say were accepted.
fn accepted(folder: &Path) -> u64 {
    let mut sum = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sum += accepted(&path);
        } else if path.extension().is_some_and(|ending| ending == "json") {
            let sidecar: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            sum += sidecar["accepted"].as_u64().unwrap();
        }
    }
    sum
}

#[test]
fn real_captures_hold_the_sessions_that_their_sidecars_accepted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/laboratory");
    let folder = Folder::new();
    let [direct, inner] = ["direct", "inner"].map(|view| root.join(view));
    let manifest = undertone([
        "prepare".into(),
        direct.clone().into(),
        inner.clone().into(),
        "--labels".into(),
        "sidecar".into(),
        "--fractions".into(),
        "50/0/50".into(),
        "--format".into(),
        "json".into(),
        "--out".into(),
        folder.path("out").into(),
    ] as [OsString; 11])
    .manifest();
    assert_eq!(manifest["classes"].as_array().unwrap().len(), 12);
    let sessions = accepted(&direct) + accepted(&inner);
    assert!(sessions > 100, "{sessions}");
    assert_eq!(manifest["tally"]["samples"], sessions);
}
