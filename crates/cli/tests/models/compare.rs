//! `compare` from outside.

use std::{fs, path::Path};

use serde_json::Value;

use crate::{run, world};

/// The figures of a comparison without what the clock says.
fn figures(folder: &Path) -> Value {
    fn forget_times(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.remove("times");
                fields.values_mut().for_each(forget_times);
            }
            Value::Array(values) => values.iter_mut().for_each(forget_times),
            _ => {}
        }
    }
    let text = fs::read_to_string(folder.join("comparison.json")).unwrap();
    let mut value = serde_json::from_str(&text).unwrap();
    forget_times(&mut value);
    value
}

#[test]
fn models_are_put_side_by_side_with_everything_that_tells_which_is_better() {
    let world = world();
    let line = "compare {}/dataset --models gru --seeds 1,2 --epochs 3 --out {}/compared";
    let outcome = run(world.path(), line);
    let out = outcome.success();
    for part in [
        "accuracy",
        "95 %",
        "new slices",
        "parameters",
        "samples/s",
        "Over seeds",
    ] {
        assert!(out.contains(part), "{part}: {out}");
    }
    assert!(outcome.err.contains("1 of "), "{}", outcome.err);
    let found = figures(&world.file("compared"));
    let table = &found["tables"][0];
    assert_eq!(table["name"], "dataset");
    assert_eq!(table["dataset"]["split_rule"], "session");
    let gru = &table["rows"][0];
    assert_eq!(
        (&gru["model"], &gru["kind"]),
        (&"gru".into(), &"network".into())
    );
    assert_eq!(gru["seeds"], serde_json::json!([1, 2]));
    let samples: u64 = gru["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!(gru["scores"]["samples"], samples);
    // The cheap opponents are there without being asked for, majority with half of the samples.
    let rows = table["rows"].as_array().unwrap();
    let majority = rows.iter().find(|row| row["model"] == "majority").unwrap();
    assert_eq!(majority["kind"], "cheap-opponent");
    assert_eq!(majority["scores"]["accuracy"], 0.5);
    let forest = rows
        .iter()
        .find(|row| row["model"] == "forest:slice")
        .unwrap();
    assert_eq!(forest["scores"]["accuracy"], 1.0);
    // The run of a network is one like any other.
    let scores = run(
        world.path(),
        "evaluate {}/compared/dataset/gru-1 --format json",
    );
    let scores: Value = serde_json::from_str(scores.success()).unwrap();
    assert_eq!(scores["scores"], gru["scores"]);
    assert_eq!(scores["intervals"], gru["intervals"]);
    assert_eq!(scores["confusion"], gru["confusion"]);
}

#[test]
fn the_same_command_takes_what_is_done_and_gives_the_same_figures() {
    let world = world();
    let compare = |out: &str, more: &str| {
        let line = format!("compare {{}}/dataset --models gru --epochs 2 --out {{}}/{out} {more}");
        let outcome = run(world.path(), &line);
        outcome.success();
        outcome.err
    };
    compare("again", "--threads 1");
    let trial = world.file("again/dataset/gru-1/trial.json");
    let written = fs::read(&trial).unwrap();
    let first = figures(&world.file("again"));
    let told = compare("again", "--threads 2");
    // Nothing was fitted, so the seconds, too, are those of the first time.
    assert!(!told.contains("gru, seed 1"), "{told}");
    assert_eq!(fs::read(&trial).unwrap(), written);
    compare("elsewhere", "--threads 2");
    assert_eq!(figures(&world.file("elsewhere")), first);
    assert_eq!(figures(&world.file("again")), first);
}

#[test]
fn a_network_is_compared_by_a_recipe_of_its_own_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let trained = fs::read_to_string(world().file("run/recipe.toml")).unwrap();
    let own = trained.replace("epochs = 6", "epochs = 2");
    assert_ne!(own, trained);
    fs::write(folder.path().join("own.toml"), own).unwrap();
    let line = format!(
        "compare {} --models gru@{{}}/own.toml --out {{}}/compared --format json",
        world().file("dataset").display()
    );
    let found = run(folder.path(), &line);
    let found: Value = serde_json::from_str(found.success()).unwrap();
    let name = format!("gru@{}/own.toml", folder.path().display());
    assert_eq!(found["tables"][0]["rows"][0]["model"], name);
    let trial = format!("{}-1", name.replace('/', "-"));
    let epochs = folder
        .path()
        .join("compared/dataset")
        .join(trial)
        .join("epochs.jsonl");
    assert_eq!(fs::read_to_string(epochs).unwrap().lines().count(), 2);
}

#[test]
fn a_dataset_is_split_anew_and_each_split_has_a_table() {
    let world = world();
    let line = "compare {}/dataset --models gru --epochs 1 --splits session,capture --out \
                {}/splits --format json --quiet";
    let outcome = run(world.path(), line);
    let found: Value = serde_json::from_str(outcome.success()).unwrap();
    let names: Vec<&Value> = (0..2).map(|at| &found["tables"][at]["name"]).collect();
    assert_eq!(names, ["dataset", "dataset-capture"]);
    assert_eq!(found["tables"][1]["dataset"]["split_rule"], "capture");
    assert_eq!(outcome.err, "");
}

#[test]
fn the_page_of_a_comparison_needs_nothing_from_elsewhere() {
    let world = world();
    let line = "compare {}/dataset --models gru --epochs 1 --out {}/compared-page --format html";
    let outcome = run(world.path(), line);
    let page = outcome.success();
    for forbidden in ["<script", "<link", "src=", "url(", "@import"] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    // The name of SVG's namespace is the one address, and nothing fetches it.
    let addresses = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!addresses.contains("http"), "an address is in the page");
    let kept = fs::read_to_string(world.file("compared-page/comparison.html")).unwrap();
    assert_eq!(page, kept);
}

#[test]
fn packets_that_were_drawn_by_lot_are_called_leaky_wherever_a_result_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let data = world().file("data");
    let prepare = |rule: &str| {
        let line = format!(
            "prepare {} --out {{}}/{rule} --policy ip --unit packet --split {rule}",
            data.display()
        );
        run(folder.path(), &line).success().to_owned()
    };
    let leak = "packets of one session are on both sides: leaky";
    assert!(prepare("session").contains(leak));
    assert!(!prepare("connection").contains("leaky"));
    let capitalised = leak.replacen('p', "P", 1);
    for rule in ["session", "connection"] {
        let compare = format!("compare {{}}/{rule} --models majority --out {{}}/compared-{rule}");
        run(folder.path(), &compare).success();
        let page = folder
            .path()
            .join(format!("compared-{rule}/comparison.html"));
        let page = fs::read_to_string(page).unwrap();
        let train = format!("train {{}}/{rule} --out {{}}/run-{rule} --network gru --epochs 1");
        run(folder.path(), &train).success();
        let evaluate = run(folder.path(), &format!("evaluate {{}}/run-{rule}"));
        let audit = run(folder.path(), &format!("audit {{}}/{rule}"));
        for shown in [&page, evaluate.success(), audit.success()] {
            let words = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(words.contains(&capitalised), rule == "session", "{shown}");
        }
    }
}

#[test]
fn a_reconstruction_is_called_one_wherever_its_result_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let data = world().file("data");
    let prepare = format!(
        "prepare {} --out {{}}/dataset --policy ip --packet-slices 3 --max-per-class 12",
        data.display()
    );
    run(folder.path(), &prepare).success();
    let compare = "compare {}/dataset --models cnn-lstm,gru --epochs 1 --out {}/compared";
    let text = run(folder.path(), compare);
    let page = fs::read_to_string(folder.path().join("compared/comparison.html")).unwrap();
    let sentence = "cnn-lstm is a reconstruction: its paper leaves layers open";
    for shown in [text.success(), &page] {
        assert!(shown.contains("cnn-lstm (reconstruction)"), "{shown}");
        assert!(shown.contains(sentence), "{shown}");
        assert!(!shown.contains("gru (reconstruction)"), "{shown}");
    }
    let rows = &figures(&folder.path().join("compared"))["tables"][0]["rows"];
    assert_eq!(rows[0]["is_reconstruction"], true);
    assert!(rows[1].get("is_reconstruction").is_none());
    let of_run = "evaluate {}/compared/dataset/cnn-lstm-1 --format";
    for form in ["text", "html"] {
        let shown = run(folder.path(), &format!("{of_run} {form}"));
        assert!(shown.success().contains(sentence), "{}", shown.out);
    }
    let json = run(folder.path(), &format!("{of_run} json"));
    let json: Value = serde_json::from_str(json.success()).unwrap();
    assert_eq!(json["model"]["is_reconstruction"], true);
}

#[test]
fn what_cannot_be_compared_is_told_in_one_line() {
    let world = world();
    let check = |line: &str, expected: &str| {
        let found = run(world.path(), line).failure(world.path());
        assert!(found.starts_with(expected), "{found}");
    };
    run(
        world.path(),
        "compare {}/dataset --models gru --epochs 1 --out {}/other --quiet",
    )
    .success();
    check(
        "compare {}/dataset --models gru --epochs 2 --out {}/other --quiet",
        "error: cannot use `{}/other/dataset/gru-1`; name another --out, or remove that folder: it \
         holds a result of another recipe: `epochs = 1` instead of `epochs = 2`",
    );
    check(
        "compare {}/nowhere --out {}/x",
        "error: cannot open dataset `{}/nowhere`",
    );
    check(
        "compare {}/dataset --models grue --out {}/x",
        "error: `grue` is no model; there are the networks resnet-gru, ",
    );
    check(
        "compare {}/dataset --models gru@laboratory --out {}/x",
        "error: `gru@laboratory`: that recipe is of network `resnet-gru-sequence`; ",
    );
    check(
        "compare {}/dataset --models gru@nowhere --out {}/x",
        "error: `nowhere` is neither a file nor a recipe; there are paper, ",
    );
    check(
        "compare {}/dataset --seeds 1,1 --out {}/x",
        "error: seed 1 is named twice",
    );
    check(
        "compare {}/dataset --splits site --out {}/x",
        "error: cannot split `{}/dataset`: rule `site` needs a site for each sample",
    );
    check(
        "compare {}/dataset {}/dataset --out {}/x",
        "error: two of the datasets have the same name or the same split",
    );
    assert!(!world.file("x").exists());
}

#[cfg(unix)]
#[test]
fn an_interrupted_comparison_goes_on_to_the_same_figures() {
    use std::{
        process::{Command, Stdio},
        thread,
        time::Duration,
    };

    let world = world();
    let line = |out: &str| {
        format!(
            "compare {{}}/dataset --models gru --epochs 150 --out {{}}/{out} --threads 1 --quiet"
        )
    };
    let folder = world.path().to_str().unwrap();
    let child = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args(
            line("stopped")
                .split_whitespace()
                .map(|word| word.replace("{}", folder)),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let epochs = world.file("stopped/dataset/gru-1/epochs.jsonl");
    let has_begun = (0..60_000).any(|_| {
        thread::sleep(Duration::from_millis(1));
        epochs.exists()
    });
    assert!(has_begun, "no epoch has ended");
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert_eq!(
        told,
        "error: stopped, nothing is lost; the same command goes on\n"
    );
    let done = fs::read_to_string(&epochs).unwrap().lines().count();
    assert!(done < 150, "it was done before it was stopped");

    run(world.path(), &line("stopped")).success();
    run(world.path(), &line("unstopped")).success();
    assert_eq!(
        figures(&world.file("stopped")),
        figures(&world.file("unstopped"))
    );
}

#[test]
fn the_packets_of_a_session_vote_on_it() {
    let world = world();
    let prepare = "prepare {}/data --unit packet --empty keep --out {}/packets";
    run(world.path(), prepare).success();
    let line = "compare {}/packets --models forest:packets --out {}/voted --quiet";
    let outcome = run(world.path(), line);
    let out = outcome.success().to_owned();
    assert!(out.contains("vote on it"), "{out}");
    let found = figures(&world.file("voted"));
    let row = &found["tables"][0]["rows"][0];
    let samples = row["scores"]["samples"].as_u64().unwrap();
    let sessions = row["votes"]["scores"]["samples"].as_u64().unwrap();
    assert!(
        0 < sessions && sessions < samples,
        "{sessions} of {samples}"
    );
    // Sessions have no votes of their own.
    let line = "compare {}/dataset --models forest:slice --out {}/not-voted --quiet";
    assert!(!run(world.path(), line).success().contains("vote on it"));
}
