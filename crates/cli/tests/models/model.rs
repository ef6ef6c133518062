//! `model show` and `model export` from outside.

use std::fs;

use crate::{run, undertone, world};

#[test]
fn a_card_tells_classes_policy_data_and_limits() {
    let outcome = run(world().path(), "model show {}/run");
    let out = outcome.success();
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    for part in [
        "gru on toy",
        "Chat, VPN-Chat",
        "byte policy ip",
        "trained on",
        "of the right answers to validation samples become unknown",
        "Limits",
        "none yet",
    ] {
        assert!(words.contains(part), "{part}: {out}");
    }
}

#[test]
fn a_card_is_json_too() {
    let outcome = run(world().path(), "model show {}/run --format json");
    let card: serde_json::Value = serde_json::from_str(outcome.success()).unwrap();
    assert_eq!(
        card["contract"]["classes"],
        serde_json::json!(["Chat", "VPN-Chat"])
    );
    assert_eq!(card["contract"]["policy"], "ip");
    assert_eq!(card["card"]["trained_on"]["dataset"], "toy");
}

#[test]
fn an_exported_model_tells_its_scores_and_answers_the_same() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let run_folder = world.file("run");
    undertone(["evaluate", run_folder.to_str().unwrap(), "--out", place]).success();
    fs::write(folder.path().join("notes.txt"), "Made for a test.\n").unwrap();
    let evaluation = format!("standard split={place}/evaluation.json");
    let (out, notes) = (
        format!("{place}/given.safetensors"),
        format!("{place}/notes.txt"),
    );
    let export = [
        "model",
        "export",
        run_folder.to_str().unwrap(),
        "--out",
        &out,
        "--name",
        "a toy",
        "--evaluation",
        &evaluation,
        "--notes",
        &notes,
        "--licence",
        "MIT",
        "--limit",
        "it is a toy",
    ];
    undertone(export).success();
    let shown = undertone(["model", "show", &out]);
    for part in [
        "a toy",
        "standard split: accuracy 100.00 %",
        "Made for a test.",
        "MIT",
        "- it is a toy",
    ] {
        assert!(shown.success().contains(part), "{part}: {}", shown.out);
    }
    // What an option does not say stays as it is.
    let again = format!("{place}/again.safetensors");
    undertone(["model", "export", &out, "--out", &again, "--name", "a twin"]).success();
    let told = undertone(["model", "show", &again]);
    let as_before = told.success().replace("a twin", "a toy");
    let hash = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("SHA-256"))
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        as_before.replace(&hash(&told.out), &hash(&shown.out)),
        shown.out
    );
    let classify = |model: &str| {
        let capture = world.file("mixed.pcap");
        undertone([
            "classify",
            capture.to_str().unwrap(),
            "-q",
            "--format",
            "json",
            "--model",
            model,
        ])
        .success()
        .lines()
        .map(|line| {
            let mut record: serde_json::Value = serde_json::from_str(line).unwrap();
            // Another card makes it another file.
            record.as_object_mut().unwrap().remove("model");
            record
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(classify(&out), classify(run_folder.to_str().unwrap()));
}

#[test]
fn scores_of_another_recipe_are_not_taken_for_the_models() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().display();
    for line in [
        format!(
            "train {} --out {place}/other --network gru --epochs 1",
            world.file("dataset").display()
        ),
        format!(
            "train {} --out {place}/twin --network gru --epochs 6 --seed 5",
            world.file("dataset").display()
        ),
        format!("evaluate {place}/other"),
        format!("evaluate {place}/twin"),
    ] {
        run(folder.path(), &line).success();
    }
    let export = |other: &str| {
        run(
            folder.path(),
            &format!(
                "model export {} --out {{}}/given.safetensors --evaluation other={{}}/{other}/evaluation.json",
                world.file("run").display()
            ),
        )
    };
    let found = export("other").failure(folder.path());
    assert!(
        found.ends_with("it is about other weights, trained by another recipe"),
        "{found}"
    );
    assert!(!folder.path().join("given.safetensors").exists());
    export("twin").success();
    let shown = run(folder.path(), "model show {}/given.safetensors");
    assert!(
        shown.success().contains("measured on other weights"),
        "{}",
        shown.out
    );
}
