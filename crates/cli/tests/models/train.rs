//! `train` from outside.

use std::fs;

use crate::{run, world};

#[test]
fn a_run_leaves_its_recipe_its_model_its_state_and_its_figures() {
    let world = world();
    let mut names: Vec<String> = fs::read_dir(world.file("run"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        // Other tests score and audit the same run.
        .filter(|name| !["evaluation.json", "report.html"].contains(&name.as_str()))
        .filter(|name| !name.starts_with("audit."))
        .collect();
    names.sort();
    let expected = [
        "dataset.json",
        "epochs.jsonl",
        "last.safetensors",
        "model.safetensors",
        "recipe.toml",
    ];
    assert_eq!(names, expected);
    let epochs = fs::read_to_string(world.file("run/epochs.jsonl")).unwrap();
    assert_eq!(epochs.lines().count(), 6);
}

#[test]
fn each_epoch_is_told_with_its_time_where_there_is_no_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = world().file("dataset");
    let line = format!(
        "train {} --out {{}}/run --network gru --epochs 2",
        dataset.display()
    );
    let outcome = run(folder.path(), &line);
    assert!(
        outcome.success().starts_with("best of 2 epochs: "),
        "{}",
        outcome.out
    );
    let lines: Vec<&str> = outcome.err.lines().collect();
    assert_eq!(lines.len(), 3, "{}", outcome.err);
    assert!(lines[1].starts_with("epoch   1/2: loss "), "{}", lines[1]);
    assert!(lines[2].ends_with(" left"), "{}", lines[2]);
}

#[test]
fn the_recipe_of_a_run_can_be_followed_again_to_the_same_model() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let line = format!(
        "train {} --out {{}}/run --recipe {} --threads 2 --quiet",
        world.file("dataset").display(),
        world.file("run/recipe.toml").display()
    );
    let outcome = run(folder.path(), &line);
    outcome.success();
    assert_eq!(outcome.err, "");
    assert_eq!(
        fs::read(folder.path().join("run/model.safetensors")).unwrap(),
        fs::read(world.file("run/model.safetensors")).unwrap()
    );
}

/// Trains in one go and in two parts, of which `signal` ends the first in the middle: the files must be the
/// same bytes. The exit code and the last line of the part that was ended.
#[cfg(unix)]
fn ended_by(signal: &str) -> (Option<i32>, String) {
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    let folder = tempfile::tempdir().unwrap();
    let dataset = world().file("dataset");
    let line = |name: &str, more: &str| {
        format!(
            "train {} --out {{}}/{name} --network gru --epochs 60 --threads 1 {more}",
            dataset.display()
        )
    };
    run(folder.path(), &line("whole", "--quiet")).success();
    let text = line("parts", "").replace("{}", folder.path().to_str().unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args(text.split_whitespace())
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // The first line of an epoch: training is under way.
    let begun = lines
        .by_ref()
        .find(|line| line.as_ref().unwrap().starts_with("epoch"));
    assert!(begun.is_some());
    let kill = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let last = lines.map(Result::unwrap).last().unwrap_or_default();
    let code = child.wait().unwrap().code();
    run(folder.path(), &line("parts", "--resume --quiet")).success();
    for name in ["model.safetensors", "last.safetensors", "epochs.jsonl"] {
        assert_eq!(
            fs::read(folder.path().join("parts").join(name)).unwrap(),
            fs::read(folder.path().join("whole").join(name)).unwrap(),
            "{name}"
        );
    }
    (code, last)
}

#[test]
#[cfg(unix)]
fn ctrl_c_loses_nothing() {
    let (code, last) = ended_by("-INT");
    assert_eq!(code, Some(1), "{last}");
    assert!(
        last.contains("nothing is lost; continue with `undertone train"),
        "{last}"
    );
}

#[test]
#[cfg(unix)]
fn who_is_killed_goes_on_from_the_last_whole_epoch_to_the_same_bytes() {
    let (code, last) = ended_by("-KILL");
    assert_eq!(code, None, "it cleaned up: {last}");
}

#[test]
fn what_cannot_be_trained_is_told_in_one_line() {
    let world = world();
    let check = |line: &str, expected: &str| {
        let found = run(world.path(), line).failure(world.path());
        assert!(found.starts_with(expected), "{found}");
    };
    check(
        "train {}/nowhere --out {}/new",
        "error: cannot open dataset `{}/nowhere`: cannot read `{}/nowhere/manifest.json`: No such file",
    );
    check(
        "train {}/dataset --out {}/run",
        "error: cannot train `{}/run`: `{}/run` already holds a run; continue it with --resume",
    );
    check(
        "train {}/dataset --out {}/run --resume --seed 9",
        "error: cannot train `{}/run`: the run follows another recipe (its own has `seed = 1`",
    );
    check(
        "train {}/dataset --out {}/new --recipe slow",
        "error: `slow` is neither a file nor a recipe; there are paper, quick",
    );
    check(
        "train {}/dataset --out {}/new --network cnn",
        "error: `cnn` is no network; there are",
    );
    check(
        "train {}/dataset --out {}/new --learning-rate 7",
        "error: `learning_rate = 7` is out of range",
    );
    assert!(!world.file("new").exists(), "nothing is left behind");
}

#[test]
fn a_damaged_run_is_not_resumed() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let check = |name: &str, text: &str, expected: &str| {
        for entry in fs::read_dir(world.file("run")).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        fs::write(folder.path().join(name), text).unwrap();
        let line = format!(
            "train {0}/dataset --out {{}} --resume --recipe {0}/run/recipe.toml",
            world.path().display()
        );
        let found = run(folder.path(), &line).failure(folder.path());
        assert!(found.contains(expected), "{found}");
    };
    check("dataset.json", "{", "`{}/dataset.json`: damaged: ");
    check("recipe.toml", "schema = 1", "cannot follow `recipe.toml`: ");
    check(
        "epochs.jsonl",
        "",
        "6 epochs are done, `epochs.jsonl` has 0",
    );
    let epochs = fs::read_to_string(world.file("run/epochs.jsonl")).unwrap();
    check(
        "epochs.jsonl",
        &epochs.replace("\"epoch\":2", "\"epoch\":9"),
        "the epochs of `epochs.jsonl` are not numbered from 1",
    );
}

#[test]
fn an_unknown_setting_of_a_recipe_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let recipe = fs::read_to_string(world().file("run/recipe.toml")).unwrap();
    fs::write(folder.path().join("mine.toml"), recipe + "momentum = 0.9\n").unwrap();
    let line = format!(
        "train {} --out {{}}/run --recipe {{}}/mine.toml",
        world().file("dataset").display()
    );
    let found = run(folder.path(), &line).failure(folder.path());
    assert!(
        found.contains("cannot follow recipe `{}/mine.toml`: line "),
        "{found}"
    );
    assert!(found.contains("unknown field `momentum`"), "{found}");
}

#[test]
fn a_wrong_command_line_ends_with_two() {
    assert_eq!(run(world().path(), "train {}/dataset").code, 2);
    assert_eq!(
        run(
            world().path(),
            "train {}/dataset --out {}/x --resume --force"
        )
        .code,
        2
    );
}
