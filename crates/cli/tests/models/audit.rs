//! `audit` and `explain` from outside.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{run, world};

/// The whole text in one line: sentences are broken into lines.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn a_dataset_is_audited_and_its_files_agree_with_what_is_printed() {
    let world = world();
    let line = "audit {}/dataset --out {}/audit --format ";
    let text = run(world.path(), &format!("{line}text"));
    let found = words(text.success());
    for part in [
        "can be had from `payload` alone",
        "session (yours)",
        "No test sample is background.",
    ] {
        assert!(found.contains(part), "{found}");
    }
    let json = run(world.path(), &format!("{line}json --threads 1"));
    assert_eq!(
        json.success(),
        fs::read_to_string(world.file("audit/audit.json")).unwrap()
    );
    let html = run(world.path(), &format!("{line}html --threads 2"));
    let page = fs::read_to_string(world.file("audit/audit.html")).unwrap();
    assert_eq!(html.success(), page);
    assert!(page.contains("<svg") && !page.contains("<script"), "{page}");
    let audit: Value = serde_json::from_str(json.success()).unwrap();
    let fields = audit["fields"].as_array().unwrap();
    let payload = fields.iter().find(|field| field["field"] == "payload");
    // The payload is all that tells these classes apart, beside their addresses.
    assert_eq!(payload.unwrap()["scores"][0]["accuracy"], 1.0);
}

#[test]
fn a_run_is_audited_with_its_model_in_its_own_folder() {
    let world = world();
    let outcome = run(world.path(), "audit {}/run --format json");
    let audit: Value = serde_json::from_str(outcome.success()).unwrap();
    assert!(world.file("run/audit.html").exists());
    let model = &audit["model"];
    let fields = model["fields"].as_array().unwrap();
    let name = |field: &Value| field["field"].as_str().unwrap().to_owned();
    assert!(fields.iter().any(|field| name(field) == "payload"));
    // What the policy zeroed, nothing can be taken from.
    assert!(!fields.iter().any(|field| name(field) == "addresses"));
    assert_eq!(model["bytes"].as_array().unwrap().len(), 784);
}

#[test]
fn what_is_no_dataset_of_the_model_is_refused() {
    let world = world();
    let other = run(world.path(), "audit {}/run --dataset {}/payload");
    assert!(
        other
            .failure(world.path())
            .contains("the model is for slices of policy `ip`"),
        "{}",
        other.err
    );
    let file = run(world.path(), "audit {}/run/model.safetensors");
    assert!(file.failure(world.path()).contains("add `--dataset DIR`"));
    let nothing = run(world.path(), "audit {}/nowhere");
    assert!(
        nothing.failure(world.path()).contains("nowhere"),
        "{}",
        nothing.err
    );
}

#[test]
fn a_verdict_is_explained_field_by_field() {
    let world = world();
    let line = "explain {}/mixed.pcap --model {}/run --session 2";
    let text = run(world.path(), line);
    for part in [
        "session  2 of",
        "verdict  ",
        "points lost",
        "packet 1, forward",
        "- VPN classes mean the traffic inside of a VPN",
    ] {
        assert!(text.success().contains(part), "{}", text.out);
    }
    let json = run(world.path(), &format!("{line} --format json"));
    let told: Value = serde_json::from_str(json.success()).unwrap();
    assert_eq!(told["session"], 2);
    // Piece by piece, the slice is whole.
    let pieces = told["slice"].as_array().unwrap().iter();
    let slice: String = pieces
        .map(|piece| piece["bytes"].as_str().unwrap())
        .collect();
    assert_eq!(slice.len(), 2 * 784);
    // What `classify` says of the same session.
    let lines = run(
        world.path(),
        "classify {}/mixed.pcap --model {}/run/model.safetensors --format json",
    );
    let second: Value = serde_json::from_str(lines.success().lines().nth(1).unwrap()).unwrap();
    let [said, explained] = [&second["confidence"], &told["confidence"]].map(Value::as_f64);
    if let (Some(said), Some(explained)) = (said, explained) {
        // `classify` says it to four places.
        assert!((said - explained).abs() < 1e-4, "{said} {explained}");
    }
    assert_eq!(second["start"], told["start"]);
}

#[test]
fn a_session_that_is_not_there_is_told_with_how_many_there_are() {
    let world = world();
    let outcome = run(
        world.path(),
        "explain {}/mixed.pcap --model {}/run --session 99",
    );
    assert_eq!(
        outcome.failure(world.path()),
        "error: `{}/mixed.pcap` has 9 sessions, there is no session 99"
    );
}

/// A network that reads packets too, fitted to the world's dataset.
fn run_on_packets(folder: &Path) {
    let line = format!(
        "train {} --out {}/sequence --network resnet-gru-sequence --epochs 1 --threads 1",
        world().file("dataset").display(),
        folder.display()
    );
    run(folder, &line).success();
}

#[test]
fn a_model_that_reads_packets_is_told_what_it_does_without_them() {
    let folder = tempfile::tempdir().unwrap();
    run_on_packets(folder.path());
    let dataset = world().file("dataset");
    let line = format!("audit {{}}/sequence --dataset {}", dataset.display());
    let text = run(folder.path(), &line);
    let behaviours = ["packet-lengths", "packet-directions", "packet-gaps"];
    for part in behaviours {
        assert!(text.success().contains(part), "{}", text.out);
    }
    assert!(words(&text.out).contains("`packet-gaps` zeroed is all as if at once"));
    let page = fs::read_to_string(folder.path().join("sequence/audit.html")).unwrap();
    assert!(page.contains("packet-gaps zeroed is all as if at once"));
    // The model that comes with the program reads packets as well.
    let explained = run(
        world().path(),
        "explain {}/mixed.pcap --session 2 --format json",
    );
    let told: Value = serde_json::from_str(explained.success()).unwrap();
    let fields = told["fields"].as_array().unwrap();
    for part in behaviours {
        let effect = fields.iter().find(|effect| effect["field"] == part);
        assert!(effect.unwrap()["packets"].as_u64().unwrap() >= 5, "{told}");
    }
    // A network of slices alone has nothing of the kind.
    let explained = run(
        world().path(),
        "explain {}/mixed.pcap --model {}/run --session 2",
    );
    assert!(!explained.success().contains("packet-gaps"));
}
