//! A model's card in plain text.

use std::fmt::Write;

use learn::{
    dataset::manifest::{Cutting, EndRecord, TunnelsRecord, UnitRecord},
    model::{
        Model,
        card::{CardScore, Estimate, Measured, OtherSamples},
    },
    quantisation::Int8Score,
};

use crate::{
    numbers::{count, counted, noun, percent, short},
    report::wrapped,
};

/// Columns of a wrapped line.
const WIDTH: usize = 96;

/// Columns in front of a fact.
const INDENT: usize = 12;

/// The card, in the order in which questions come up.
pub(super) fn text(model: &Model) -> String {
    let (contract, card) = (model.contract(), model.card());
    let mut text = format!("{}\n\n", card.name);
    let mut fact = |name: &str, value: String| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name:<12}{value}");
    };
    fact(
        "network",
        format!(
            "{}, {} parameters",
            contract.shape.architecture,
            count(model.parameters() as u64)
        ),
    );
    fact("classes", contract.classes.join(", "));
    fact(
        "slices",
        format!(
            "{}, byte policy {}",
            counted(contract.shape.slice_length as u64, "byte"),
            contract.policy
        ),
    );
    fact("sessions", sessions(&contract.cutting));
    fact(
        "unknown",
        format!(
            "{} (temperature {:.3})",
            crate::unknowns::condition(model.rejection_rule()),
            contract.calibration.temperature
        ),
    );
    for line in continued(&crate::unknowns::origin(contract)) {
        fact("", line);
    }
    let trained = &card.trained_on;
    fact(
        "trained on",
        format!(
            "{} ({}), {}, split rule {}, seed {}; background sessions {}",
            trained.dataset,
            short(&trained.dataset_sha256),
            counted(trained.train_samples, "sample"),
            trained.split_rule,
            trained.split_seed,
            if trained.background == "drop" {
                "dropped"
            } else {
                "kept"
            },
        ),
    );
    fact(
        "training",
        format!(
            "epoch {} of at most {}, batches of {}, learning rate {}, dropout {}, seed {}",
            card.epoch,
            card.recipe.epochs,
            card.recipe.batch_size,
            card.recipe.learning_rate,
            card.recipe.dropout,
            card.recipe.seed,
        ),
    );
    if let Some(int8) = &card.int8 {
        for (number, line) in continued(&int8_sentence(int8)).into_iter().enumerate() {
            fact(if number == 0 { "int8" } else { "" }, line);
        }
    }
    if let Some(first) = card.reference.first() {
        fact(
            "drift",
            format!(
                "measured by {}{}",
                counted(first.total(), "validation sample"),
                of_others(card.reference_of.as_ref()),
            ),
        );
    }
    if !card.licence.is_empty() {
        fact("licence", card.licence.clone());
    }
    fact("SHA-256", model.hash().to_owned());
    text += "\nScores, with 95 % intervals\n";
    if card.scores.is_empty() {
        text += "- none yet: see `undertone evaluate` and `undertone model export`\n";
    }
    for score in &card.scores {
        text += &wrapped(&score_sentence(score), WIDTH);
    }
    text += "\nLimits\n";
    for limit in &card.limits {
        text += &wrapped(limit, WIDTH);
    }
    text + &notes(&card.notes)
}

/// Paragraphs under a head; nothing of none.
fn notes(notes: &str) -> String {
    let paragraphs = notes.split("\n\n").filter(|one| !one.trim().is_empty());
    let text: String = paragraphs.map(|one| wrapped(one, WIDTH)).collect();
    if text.is_empty() {
        text
    } else {
        format!("\nNotes\n{text}")
    }
}

/// Lines of a fact that is longer than one.
fn continued(words: &str) -> Vec<String> {
    let wrapped = wrapped(words, WIDTH - INDENT);
    let lines = wrapped.lines().map(|line| line[2..].to_owned());
    lines.collect()
}

fn sessions(cutting: &Cutting) -> String {
    let unit = match cutting.unit {
        UnitRecord::Session => "whole sessions".to_owned(),
        UnitRecord::Packet => "single packets".to_owned(),
        UnitRecord::Window {
            nanoseconds,
            skipped_packets,
        } => format!(
            "windows of {} s, behind the first {}, of sessions",
            nanoseconds.get() as f64 / 1e9,
            counted(u64::from(skipped_packets), "packet"),
        ),
    };
    let end = match cutting.session_end {
        EndRecord::Capture => "that end with their capture".to_owned(),
        EndRecord::Timeout {
            idle_nanoseconds,
            active_nanoseconds,
        } => format!(
            "that end after {} s of silence, after {} s, or when TCP says so",
            idle_nanoseconds / 1_000_000_000,
            active_nanoseconds / 1_000_000_000
        ),
    };
    let tunnels = match cutting.tunnels {
        TunnelsRecord::Outer => "outer packets of tunnels",
        TunnelsRecord::Inner => "inner packets of tunnels",
    };
    format!("{unit} {end}; {tunnels}")
}

/// Whose samples these are, if not the model's own.
fn of_others(samples: Option<&OtherSamples>) -> String {
    samples.map_or_else(String::new, |samples| {
        format!(
            " of other data, {} ({})",
            samples.dataset,
            short(&samples.dataset_sha256)
        )
    })
}

/// What int8 does to the model's answers.
pub(super) fn int8_sentence(int8: &Int8Score) -> String {
    format!(
        "accuracy {} on {}{}, {} in float32; {} answered otherwise (ranges hold {} of the values)",
        percent(int8.accuracy_int8),
        counted(int8.samples, "validation sample"),
        of_others(int8.of.as_ref()),
        percent(int8.accuracy_float32),
        count(int8.changed),
        percent(int8.share),
    )
}

fn score_sentence(score: &CardScore) -> String {
    let estimate = |it: &Estimate| {
        format!(
            "{} ({} to {})",
            percent(it.value),
            percent(it.low),
            percent(it.high)
        )
    };
    let mut sentence = format!(
        "{}: accuracy {}, macro-F1 {}, on {} {} {} of {} ({}), split rule {}",
        score.name,
        estimate(&score.accuracy),
        estimate(&score.macro_f1),
        count(score.samples),
        score.split,
        noun(score.samples, "sample"),
        score.dataset,
        short(&score.dataset_sha256),
        score.split_rule,
    );
    if !score.held_out.is_empty() {
        let _ = write!(sentence, " ({} held out)", score.held_out.join(", "));
    }
    // What no duplicate and no background session changes need not be said.
    let parts = [
        (
            score.accuracy_unshared,
            "on slices that training does not hold",
        ),
        (score.accuracy_foreground, "without background"),
        (
            score.accuracy_without_preamble,
            "without sessions that begin in plaintext",
        ),
    ];
    for (accuracy, part) in parts {
        if let Some(accuracy) = accuracy.map(percent)
            && accuracy != percent(score.accuracy.value)
        {
            // Writing to a string cannot fail.
            let _ = write!(sentence, "; {accuracy} {part}");
        }
    }
    if !score.untestable.is_empty() {
        let _ = write!(sentence, "; not testable: {}", score.untestable.join(", "));
    }
    if score.measured == Measured::SameRecipe {
        sentence +=
            "; measured on other weights, trained the same way on the other side of that split";
    }
    sentence
}
