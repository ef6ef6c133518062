//! Public data sets as text.

use std::fmt::Write;

use learn::registry::{PublishedSamples, Registry, RegistryFile, Status};

use crate::{
    numbers::{counted, known},
    report::{left, plain, right, shown, wrapped},
};

/// Broken lines are at most this long.
const WIDTH: usize = 96;

/// A line a data set.
pub(super) fn list(registries: &[Registry]) -> String {
    let mut table = plain(&["data set", "maps", "files", ""]);
    for registry in registries {
        let maps: Vec<&str> = registry.maps.iter().map(|map| map.name.as_str()).collect();
        table.add_row(vec![
            left(&registry.name),
            left(&maps.join(", ")),
            right(registry.files.len().to_string()),
            left(&registry.about),
        ]);
    }
    shown(&table)
}

/// All that is known of one, but for its files one by one.
pub(super) fn about(registry: &Registry) -> String {
    let mut text = format!("{}\n", registry.name);
    for alias in &registry.aliases {
        add(&mut text, format_args!("also called {alias}\n"));
    }
    add(
        &mut text,
        format_args!("{}\n{}\n", registry.about, registry.source),
    );
    items(&mut text, "How to get it", &registry.obtain);
    text += "\nLabel maps\n";
    let mut table = plain(&["map", "classes", "tells apart"]);
    for map in &registry.maps {
        let count = map.classes.len().to_string();
        table.add_row(vec![left(&map.name), right(count), left(&map.about)]);
    }
    text += &shown(&table);
    text += &captures(registry);
    items(&mut text, "Known faults", &registry.faults);
    items(&mut text, "Not verified", &registry.unverified);
    text += &checksums(registry);
    text + &published(registry)
}

/// Each file with its class under each map.
pub(super) fn files(registry: &Registry) -> String {
    let mut text = String::from("\nFiles\n");
    let mut table = plain(&["file", "class", "status", "group", "SHA-256"]);
    for file in &registry.files {
        let word = |word: &Option<String>| left(word.as_deref().unwrap_or("-"));
        table.add_row(vec![
            left(&file.file),
            word(&file.class),
            left(status(file)),
            word(&file.group),
            left(file.sha256.as_deref().unwrap_or("unknown")),
        ]);
    }
    text += &shown(&table);
    for pattern in &registry.patterns {
        add(
            &mut text,
            format_args!("names like {} are {}\n", pattern.pattern, pattern.class),
        );
    }
    text
}

fn status(file: &RegistryFile) -> &'static str {
    match file.status {
        Status::Agreed => "agreed",
        Status::Disputed => "disputed",
        Status::Excluded => "excluded",
    }
}

/// How many files there are, by class, and which are disputed.
fn captures(registry: &Registry) -> String {
    let count = |status| {
        let has = |file: &&RegistryFile| file.status == status;
        registry.files.iter().filter(has).count()
    };
    let mut text = format!(
        "\nFiles\n{} by name: {} agreed, {} disputed, {} excluded",
        counted(registry.files.len() as u64, "file"),
        count(Status::Agreed),
        count(Status::Disputed),
        count(Status::Excluded),
    );
    if !registry.patterns.is_empty() {
        text += "; the class of all others is in their names";
    }
    text.push('\n');
    let of = |class: &String| {
        let is_of = |file: &&RegistryFile| file.class.as_ref() == Some(class);
        registry.files.iter().filter(is_of).count()
    };
    let classes: Vec<String> = registry
        .finest()
        .classes
        .iter()
        .map(|class| format!("{class} {}", of(class)))
        .collect();
    text += &wrapped(&classes.join(", "), WIDTH);
    for file in registry
        .files
        .iter()
        .filter(|file| file.status == Status::Disputed)
    {
        let classes =
            [&file.class, &file.other_class].map(|class| class.as_deref().unwrap_or("none"));
        let line = format!(
            "{} is disputed, {} or {}: {}",
            file.file, classes[0], classes[1], file.reason
        );
        text += &wrapped(&line, WIDTH);
    }
    text
}

fn checksums(registry: &Registry) -> String {
    if registry.checksums.is_empty() {
        return "\nChecksums\n- none known\n".to_owned();
    }
    let mut text = String::from("\nChecksums (SHA-256)\n");
    for known in &registry.checksums {
        add(
            &mut text,
            format_args!("- {}, {}\n  {}\n", known.file, known.what, known.sha256),
        );
    }
    text
}

fn published(registry: &Registry) -> String {
    if registry.published.is_empty() {
        return String::new();
    }
    let mut text = String::from("\nPublished scores, weighted averages\n");
    let mut table = plain(&[
        "model",
        "map",
        "of",
        "accuracy",
        "precision",
        "recall",
        "F1",
        "in",
    ]);
    for score in &registry.published {
        table.add_row(vec![
            left(&score.model),
            right(score.map.clone()),
            left(match score.samples {
                PublishedSamples::Sessions => "sessions",
                PublishedSamples::Packets => "packets",
                PublishedSamples::Flows => "flows",
            }),
            right(known(score.accuracy)),
            right(known(score.precision)),
            right(known(score.recall)),
            right(known(score.f1)),
            left(&score.source),
        ]);
    }
    text += &shown(&table);
    text
}

fn items(text: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    add(text, format_args!("\n{title}\n"));
    for item in items {
        text.push_str(&wrapped(item, WIDTH));
    }
}

/// Writing to a string cannot fail.
fn add(text: &mut String, words: std::fmt::Arguments<'_>) {
    let _ = text.write_fmt(words);
}
