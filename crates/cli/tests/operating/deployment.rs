//! The files in `deploy`: they name what there is, and their own tools take them.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use regex::Regex;
use serde_json::Value;

use crate::root;

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Names of metrics in a text, without the endings of a histogram's parts.
fn metrics_in(text: &str) -> BTreeSet<String> {
    let name = Regex::new("undertone_[a-z_]+").unwrap();
    name.find_iter(text)
        .map(|found| {
            let endings = ["_bucket", "_count", "_sum"];
            let found = found.as_str();
            let base = endings.iter().find_map(|end| found.strip_suffix(end));
            base.unwrap_or(found).to_owned()
        })
        .collect()
}

/// The metrics that there are.
fn metrics() -> BTreeSet<String> {
    metrics_in(&read("crates/cli/src/commands/live/exposing.rs"))
}

#[test]
fn the_dashboard_is_json_and_asks_for_metrics_that_there_are() {
    let text = read("deploy/grafana.json");
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let mut queries = String::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        for target in panel["targets"].as_array().into_iter().flatten() {
            queries += target["expr"].as_str().unwrap();
            queries.push('\n');
        }
    }
    let asked = metrics_in(&queries);
    assert!(asked.len() > 15, "{asked:?}");
    let missing: Vec<_> = asked.difference(&metrics()).cloned().collect();
    assert_eq!(missing, Vec::<String>::new());
    // Nobody else's names, such as old ones in a title or a variable.
    let missing: Vec<_> = metrics_in(&text).difference(&metrics()).cloned().collect();
    assert_eq!(missing, Vec::<String>::new());
}

#[test]
fn the_page_on_operating_tells_of_every_metric() {
    let told = metrics_in(&read("docs/operating.md"));
    let missing: Vec<_> = metrics().difference(&told).cloned().collect();
    assert_eq!(missing, Vec::<String>::new());
    let made_up: Vec<_> = told.difference(&metrics()).cloned().collect();
    assert_eq!(made_up, Vec::<String>::new());
}

/// The unit as `systemd` would find it, for the interface `lo` and this program.
fn unit(folder: &Path) -> String {
    let text = read("deploy/undertone@.service");
    assert!(text.contains("ExecStart=/usr/bin/undertone live"), "{text}");
    let text = text.replace("/usr/bin/undertone", env!("CARGO_BIN_EXE_undertone"));
    let path = folder.join("undertone@lo.service");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// What `systemd-analyze` says; none where it is absent.
fn analyze(arguments: &[&str]) -> Option<(bool, String)> {
    let Ok(output) = Command::new("systemd-analyze").args(arguments).output() else {
        println!("skipped: no `systemd-analyze`");
        return None;
    };
    let said = [output.stdout, output.stderr].concat();
    Some((output.status.success(), String::from_utf8(said).unwrap()))
}

#[test]
fn systemd_takes_the_unit_and_finds_it_little_exposed() {
    let folder = tempfile::tempdir().unwrap();
    let unit = unit(folder.path());
    let Some((is_taken, said)) = analyze(&["verify", "--man=no", &unit]) else {
        return;
    };
    // Other units of the machine are none of ours.
    let of_unit: Vec<_> = said
        .lines()
        .filter(|line| line.contains("undertone@"))
        .collect();
    assert!(is_taken && of_unit.is_empty(), "{said}");
    // In tenths: below 2.0 is what systemd calls OK.
    let judged = analyze(&["security", "--offline=true", "--threshold=20", &unit]);
    let (is_below, said) = judged.unwrap();
    assert!(is_below, "{said}");
}
