//! `evaluate` from outside.

use std::fs;

use crate::{run, world};

#[test]
fn a_run_is_scored_and_its_files_agree_with_what_is_printed() {
    let world = world();
    // A copy: other tests look at the run's folder.
    let line = "evaluate {}/run --out {}/scores --format ";
    let text = run(world.path(), &format!("{line}text"));
    let out = text.success();
    for part in [
        "accuracy",
        "macro average",
        "VPN-Chat",
        "Confusion",
        "What the score is worth",
    ] {
        assert!(out.contains(part), "{out}");
    }
    // Sentences are broken into lines.
    let words = out.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        words.contains("the model does not detect VPN tunnels on a wire"),
        "{out}"
    );
    let json = run(world.path(), &format!("{line}json --threads 1"));
    assert_eq!(
        json.success(),
        fs::read_to_string(world.file("scores/evaluation.json")).unwrap()
    );
    let html = run(world.path(), &format!("{line}html --threads 2"));
    assert_eq!(
        html.success(),
        fs::read_to_string(world.file("scores/report.html")).unwrap()
    );
    assert_eq!(
        json.success(),
        fs::read_to_string(world.file("scores/evaluation.json")).unwrap()
    );
}

#[test]
fn what_knows_next_to_nothing_stands_beside_the_model() {
    let world = world();
    let line = "evaluate {}/run --out {}/beside --format ";
    let evaluation = run(world.path(), &format!("{line}json"));
    let evaluation: serde_json::Value = serde_json::from_str(evaluation.success()).unwrap();
    let opponents = evaluation["opponents"].as_array().unwrap();
    let accuracy = |model: &str| {
        let is_wanted = |opponent: &&serde_json::Value| opponent["model"] == model;
        opponents.iter().find(is_wanted).unwrap()["accuracy"]
            .as_f64()
            .unwrap()
    };
    assert_eq!(opponents.len(), 9);
    // The payload tells these classes apart, the most frequent one does not.
    assert!(accuracy("forest:slice") > 0.99);
    assert!(accuracy("majority") < 0.7);
    let text = run(world.path(), &format!("{line}text"));
    assert!(text.success().contains("Cheap opponents"), "{}", text.out);
}

#[test]
fn the_evaluation_names_what_it_is_about() {
    let world = world();
    let outcome = run(
        world.path(),
        "evaluate {}/run --split validation --format json",
    );
    let evaluation: serde_json::Value = serde_json::from_str(outcome.success()).unwrap();
    assert_eq!(evaluation["schema"], 1);
    assert_eq!(evaluation["split"], "validation");
    assert_eq!(evaluation["dataset"]["name"], "toy");
    assert_eq!(evaluation["dataset"]["policy"], "ip");
    assert_eq!(evaluation["dataset"]["split_rule"], "session");
    let manifest: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(world.file("dataset/manifest.json")).unwrap())
            .unwrap();
    assert_eq!(evaluation["dataset"]["sha256"], manifest["samples_sha256"]);
    // Every session of the toy captures is easy.
    assert_eq!(evaluation["scores"]["accuracy"], 1.0);
    assert!(!world.file("run/evaluation-validation.json").exists());
}

#[test]
fn the_page_needs_nothing_from_elsewhere() {
    let world = world();
    let page = run(world.path(), "evaluate {}/run --out {}/page --format html");
    let page = page.success();
    for forbidden in ["<script", "<link", "src=", "url(", "@import"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // The name of SVG's namespace is the one address, and nothing fetches it.
    let addresses = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!addresses.contains("http"), "an address is in the page");
    assert_eq!(page.matches("<svg").count(), 5);
}

#[test]
fn slices_of_another_policy_are_refused() {
    let world = world();
    let found = run(world.path(), "evaluate {}/run --dataset {}/payload").failure(world.path());
    assert_eq!(
        found,
        "error: cannot score `{}/run` on `{}/payload`: the model is for slices of policy `ip` and \
         784 bytes, these have policy `payload` and 784 bytes"
    );
}

#[test]
fn what_is_no_run_or_no_model_is_told_in_one_line() {
    let world = world();
    let check = |line: &str, expected: &str| {
        let found = run(world.path(), line).failure(world.path());
        assert!(found.starts_with(expected), "{found}");
    };
    check(
        "evaluate {}/nowhere",
        "error: cannot use model `{}/nowhere`: No such file",
    );
    check(
        "evaluate {}/data",
        "error: cannot use model `{}/data/model.safetensors`: No such file",
    );
    check(
        "evaluate {}/run/model.safetensors",
        "error: a model file alone names no dataset; add `--dataset DIR`",
    );
    check(
        "evaluate {}/run/last.safetensors --dataset {}/dataset",
        "error: cannot use model `{}/run/last.safetensors`: a training state, not a model;",
    );
    check(
        "evaluate {}/mixed.pcap --dataset {}/dataset",
        "error: cannot use model `{}/mixed.pcap`: damaged model: not readable as safetensors",
    );
}

#[test]
fn a_network_that_reads_packets_is_asked_about_the_beginnings_of_sessions() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let train =
        format!("train {{}}/dataset --out {place}/run --network sequence --epochs 3 --threads 1");
    run(world.path(), &train).success();
    let evaluate = format!("evaluate {place}/run --format");
    let json = run(world.path(), &format!("{evaluate} json"));
    let evaluation: serde_json::Value = serde_json::from_str(json.success()).unwrap();
    let early = &evaluation["early"];
    assert_eq!(early["form"], "curves");
    assert_eq!(early["is_trained_on_prefixes"], false);
    let (first, last) = (&early["packets"][0], &early["packets"][4]);
    assert_eq!(
        (&first["after"], &first["mean_packets"]),
        (&4.into(), &4.0.into())
    );
    assert_eq!(first["complete"], 0.0);
    // With all that it looks at, it answers as it does otherwise.
    assert_eq!(last["complete"], 1.0);
    assert_eq!(last["accuracy"], evaluation["scores"]["accuracy"]);
    assert_eq!(
        last["coverage"],
        evaluation["rejection"]["at_threshold"]["coverage"]
    );
    assert_eq!(early["milliseconds"].as_array().unwrap().len(), 5);
    let text = run(world.path(), &format!("{evaluate} text"));
    assert!(text.success().contains("Early verdicts"), "{}", text.out);
    let page = run(world.path(), &format!("{evaluate} html"));
    assert_eq!(page.success().matches("<svg").count(), 7);
}

#[test]
fn a_network_that_reads_whole_slices_is_not_asked_early() {
    let world = world();
    let text = run(world.path(), "evaluate {}/run --out {}/not-early");
    let said = "No early verdicts: network `gru` reads no packets one by one";
    assert!(text.success().contains(said), "{}", text.out);
}

#[test]
fn pictures_of_the_pages_stand_alone() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let shared = world.path().display();
    let lines = [
        format!("evaluate {shared}/run --out {{}}/scores --pictures {{}}/evaluated"),
        format!("audit {shared}/run --out {{}}/audit --pictures {{}}/audited"),
        format!(
            "compare {shared}/dataset --models majority --out {{}}/compared --pictures \
             {{}}/comparison-pictures"
        ),
    ];
    for line in lines {
        run(folder.path(), &line).success();
    }
    let names = |place: &str| {
        let found = fs::read_dir(folder.path().join(place)).unwrap();
        let mut names: Vec<String> = found
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("evaluated")[0], "01-confusion-matrix.svg");
    assert!(names("audited").contains(&"02-which-bytes-the-model-uses.svg".to_owned()));
    assert_eq!(names("comparison-pictures")[0], "01-accuracies.svg");
    for place in ["evaluated", "audited", "comparison-pictures"] {
        for name in names(place) {
            let picture = fs::read_to_string(folder.path().join(place).join(&name)).unwrap();
            assert!(
                picture.starts_with("<svg ") && picture.ends_with("</svg>\n"),
                "{name}"
            );
            // Nothing is left that only a page could fill in.
            assert!(!picture.contains("var("), "{name}");
            assert!(
                picture.contains("fill='#ffffff'") && picture.contains("width='"),
                "{name}"
            );
        }
    }
}
