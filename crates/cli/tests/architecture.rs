//! The map of the workspace, held against the workspace itself.
//!
//! `ARCHITECTURE.md` draws the same map for people; who changes one changes the other.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Each crate, and the crates of ours that it may use.
const ARROWS: [(&str, &[&str]); 5] = [
    ("undertone-traffic", &[]),
    ("undertone-network", &[]),
    (
        "undertone-learn",
        &["undertone-network", "undertone-traffic"],
    ),
    ("undertone-cli", &["undertone-learn", "undertone-traffic"]),
    ("undertone-lab", &["undertone-traffic"]),
];

/// The folders of the crates that return values and leave talking to the program.
const LIBRARIES: [&str; 3] = ["traffic", "network", "learn"];

/// The folders that may hold `unsafe`.
const UNSAFE: [&str; 2] = ["crates/network/src/kernels/", "crates/traffic/src/memory/"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

/// Each workspace crate with the workspace crates it depends on: normal, development and build.
fn arrows() -> BTreeMap<String, BTreeSet<String>> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--no-deps",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "cargo metadata: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let name = |entry: &serde_json::Value| entry["name"].as_str().unwrap().to_owned();
    metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|package| {
            let ours = package["dependencies"]
                .as_array()
                .unwrap()
                .iter()
                // Only what lies in this repository has a path.
                .filter(|dependency| dependency["path"].is_string())
                .map(name)
                .collect();
            (name(package), ours)
        })
        .collect()
}

/// The Rust files under a folder, in order of path.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Whether a line, without its comment, has the word as a token of its own.
fn has_token(line: &str, word: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    code.match_indices(word).any(|(at, _)| {
        let is_name = |character: char| character.is_alphanumeric() || character == '_';
        !code[..at].ends_with(is_name) && !code[at + word.len()..].starts_with(is_name)
    })
}

/// Where the sources of a crate have one of the words, as `path:line`.
fn places(krate: &str, words: &[&str]) -> Vec<String> {
    let root = root();
    let mut found = Vec::new();
    for path in sources(&root.join("crates").join(krate).join("src")) {
        let text = fs::read_to_string(&path).unwrap();
        for (number, line) in (1..).zip(text.lines()) {
            if words.iter().any(|word| has_token(line, word)) {
                let path = path.strip_prefix(&root).unwrap().display();
                found.push(format!("{path}:{number}"));
            }
        }
    }
    found
}

/// The modules at the top of a crate, by its files.
fn modules(krate: &str) -> BTreeSet<String> {
    fs::read_dir(root().join("crates").join(krate).join("src"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file() || path.join("mod.rs").exists())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .filter(|name| name != "lib")
        .collect()
}

/// The modules that the map has for a crate: the first cells of the table under its heading.
fn mapped_modules(map: &str, krate: &str) -> BTreeSet<String> {
    let heading = format!("### `{krate}`:");
    map.lines()
        .skip_while(|line| !line.starts_with(&heading))
        .skip(1)
        .take_while(|line| !line.starts_with('#'))
        .filter_map(|line| line.strip_prefix("| `")?.split('|').next())
        .flat_map(|cell| cell.split(['`', ',', ' ']))
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_map_has_every_module_and_no_other() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for krate in ["traffic", "network", "learn", "cli", "lab"] {
        assert_eq!(mapped_modules(&map, krate), modules(krate), "{krate}");
    }
}

#[test]
fn the_arrows_between_crates_are_those_of_the_map() {
    let expected = ARROWS.map(|(krate, uses)| {
        let uses = uses.iter().copied().map(str::to_owned).collect();
        (krate.to_owned(), uses)
    });
    assert_eq!(arrows(), BTreeMap::from(expected));
}

#[test]
fn only_the_kernels_and_the_memory_of_captures_hold_unsafe_code() {
    let all: Vec<String> = ["traffic", "network", "learn", "cli", "lab"]
        .iter()
        .flat_map(|krate| places(krate, &["unsafe"]))
        .collect();
    let (known, elsewhere): (Vec<_>, Vec<_>) = all
        .iter()
        .partition(|place| UNSAFE.iter().any(|known| place.starts_with(known)));
    assert!(
        !known.is_empty(),
        "the search no longer finds what is there"
    );
    assert_eq!(elsewhere, Vec::<&String>::new());
}

#[test]
fn there_is_one_path_from_a_capture_to_its_sessions() {
    let found: BTreeSet<String> = ["traffic", "network", "learn", "cli", "lab"]
        .iter()
        .flat_map(|krate| places(krate, &["SessionTable"]))
        .map(|place| place.rsplit_once(':').unwrap().0.to_owned())
        .collect();
    let path = ["cut.rs", "session_table.rs"].map(|file| format!("crates/traffic/src/{file}"));
    assert_eq!(found, BTreeSet::from(path));
}

#[test]
fn libraries_do_not_print() {
    let words = ["print!", "println!", "eprint!", "eprintln!", "dbg!"];
    let found: Vec<String> = LIBRARIES
        .iter()
        .flat_map(|krate| places(krate, &words))
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn libraries_read_neither_the_clock_nor_chance_nor_their_standard_streams() {
    let words = [
        "Instant",
        "SystemTime",
        "rand::rng",
        "rand::random",
        "stdout",
        "stderr",
    ];
    let found: Vec<String> = LIBRARIES
        .iter()
        .flat_map(|krate| places(krate, &words))
        .collect();
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn a_word_is_a_token_outside_of_names_and_comments() {
    assert!(has_token("    unsafe { load(pointer) }", "unsafe"));
    assert!(has_token("println!(\"{line}\")", "println!"));
    assert!(!has_token("#![expect(unsafe_code)]", "unsafe"));
    assert!(!has_token("safe(); // not unsafe", "unsafe"));
    assert!(!has_token("eprintln!(\"{line}\")", "println!"));
}
