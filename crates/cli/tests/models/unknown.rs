//! Classes that a model does not know, from outside: held out, calibrated for, found.

use std::fs;

use serde_json::Value;

use crate::{conversations, pcap, run, world};

/// A run that knows two of three classes, calibrated; the folder it is in.
fn without_email() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (class, name) in (0..).zip(["Chat", "Email", "VoIP"]) {
        fs::create_dir_all(folder.path().join("data").join(name)).unwrap();
        for capture in 0..3 {
            let path = folder.path().join(format!("data/{name}/{capture}.pcap"));
            fs::write(path, pcap(&conversations(class, capture, 14))).unwrap();
        }
    }
    for line in [
        "prepare {}/data --out {}/three --policy ip",
        "train {}/three --out {}/run --network gru --epochs 6 --threads 1 --hold-out-classes Email",
    ] {
        run(folder.path(), line).success();
    }
    folder
}

#[test]
fn a_class_that_was_held_out_is_found_by_its_distance() {
    let folder = without_email();
    let train = "train {}/three --out {}/run --resume --threads 1";
    run(folder.path(), train).success();
    let weights = |path: &str| {
        let shown = run(
            folder.path(),
            &format!("model show {{}}/{path} --format json"),
        );
        let shown: Value = serde_json::from_str(shown.success()).unwrap();
        shown["weights_sha256"].clone()
    };
    let before = weights("run");
    let calibrate = "calibrate {}/run --unknown {}/three --false-unknowns 0.1";
    let said = run(folder.path(), calibrate);
    for rule in ["softmax: AUROC", "energy: AUROC", "distance: AUROC"] {
        assert!(said.success().contains(rule), "{}", said.out);
    }
    assert_eq!(weights("run"), before);

    run(folder.path(), "calibrate {}/run --rule distance").success();
    let scored = run(folder.path(), "evaluate {}/run --format json");
    let evaluation: Value = serde_json::from_str(scored.success()).unwrap();
    assert_eq!(evaluation["model"]["rejection"], "distance");
    assert_eq!(evaluation["classes"].as_array().unwrap().len(), 2);
    let found = &evaluation["unknown"][0];
    assert_eq!(found["classes"][0]["class"], "Email");
    assert_eq!(found["rules"].as_array().unwrap().len(), 3);
    // Its bytes are of other values than those of both others.
    assert!(
        found["rules"][2]["auroc"].as_f64().unwrap() > 0.9,
        "{found}"
    );
    assert!(found["detected"].as_f64().unwrap() > 0.5, "{found}");
    let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    assert!(page.contains("What it does not know"));

    // `classify` says what `evaluate` does; --threshold puts a confidence in the rule's place.
    let classify = "classify {}/data/Email --model {}/run/model.safetensors --format csv --quiet";
    let lines = run(folder.path(), classify);
    let unknown = lines.success().matches("unknown").count();
    assert!(unknown > 21, "{unknown} of 42 are unknown");
    let none = run(folder.path(), &format!("{classify} --threshold 0"));
    assert_eq!(none.success().matches("unknown").count(), 0);
    let explain = "explain {}/data/Email/0.pcap --session 1 --model {}/run/model.safetensors";
    let explained = run(folder.path(), explain);
    let explained = explained.success();
    assert!(explained.contains("beyond a distance of"), "{explained}");
}

#[test]
fn what_cannot_be_held_out_or_calibrated_is_told() {
    let world = world();
    let check = |line: &str, expected: &str| {
        let found = run(world.path(), line).failure(world.path());
        assert!(found.starts_with(expected), "{found}");
    };
    check(
        "train {}/dataset --out {}/nothing --hold-out-classes P2P",
        "error: cannot train on `{}/dataset`: the dataset has no class `P2P` to hold out",
    );
    check(
        "evaluate {}/run --unknown {}/dataset",
        "error: cannot score `{}/run` on `{}/dataset`: dataset `toy` has no test samples of classes \
         that the model does not know",
    );
    check(
        "calibrate {}/run --dataset {}/payload",
        "error: cannot calibrate `{}/run`: the model is for slices of policy `ip`",
    );
    check(
        "calibrate {}/run/model.safetensors --dataset {}/dataset",
        "error: a model file is not replaced; say where with `--out FILE`",
    );
}
