//! A comparison as text.

use learn::{
    comparison::{
        Comparison,
        table::{Estimate, Row, Table},
        trial::Kind,
    },
    learner::reconstruction,
};

use super::worth;
use crate::{
    numbers::{count, counted, known, percent, rate, short, span},
    report::{
        text::{left, plain, right, shown, wrapped},
        worth::split_words,
    },
};

/// All tables, for a terminal or a file.
pub(crate) fn text(comparison: &Comparison) -> String {
    let tables: Vec<String> = comparison.tables.iter().map(table).collect();
    tables.join("\n")
}

fn table(table: &Table) -> String {
    let mut parts = vec![heading(table), scores(table)];
    parts.extend(sessions(table));
    parts.push(costs(table));
    parts.extend(seeds(table));
    parts.extend(published(table));
    parts.extend(left_out(table));
    let mut text = String::new();
    for part in parts {
        text += part.trim_end();
        text += "\n\n";
    }
    for sentence in worth::sentences(table) {
        text += &wrapped(&sentence.replace('*', ""), 96);
    }
    text
}

fn heading(table: &Table) -> String {
    let dataset = &table.dataset;
    format!(
        "{}\ndataset  {} ({}), policy {}, slices of {} bytes\nsplit    {}, {}\n",
        table.name,
        dataset.name,
        short(&dataset.sha256),
        dataset.policy,
        dataset.slice_length,
        counted(table.samples(), "test sample"),
        split_words(dataset),
    )
}

/// What a model is called in a table: cheap opponents and reconstructions are marked.
pub(super) fn name(row: &Row) -> String {
    match row.kind {
        Kind::CheapOpponent => format!("{} (cheap)", row.model),
        Kind::Network if row.is_reconstruction => format!("{} (reconstruction)", row.model),
        Kind::Network | Kind::Classical => row.model.clone(),
    }
}

fn scores(table: &Table) -> String {
    let mut shape = plain(&[
        "model",
        "accuracy",
        "95 %",
        "weighted: precision",
        "recall",
        "F1",
        "macro: precision",
        "recall",
        "F1",
        "95 %",
    ]);
    for row in &table.rows {
        let (scores, intervals) = (&row.scores, &row.intervals);
        let (weighted, averages) = (scores.weighted_averages, scores.macro_averages);
        shape.add_row(vec![
            left(&name(row)),
            right(percent(scores.accuracy)),
            right(span(intervals.accuracy)),
            right(percent(weighted.precision)),
            right(percent(weighted.recall)),
            right(percent(weighted.f1)),
            right(percent(averages.precision)),
            right(percent(averages.recall)),
            right(percent(averages.f1)),
            right(span(intervals.macro_f1)),
        ]);
    }
    shown(&shape)
}

/// Scores of sessions whose windows or packets were scored above.
fn sessions(table: &Table) -> Option<String> {
    let parts = table.rows.iter().find_map(|row| row.votes.as_ref())?.parts;
    let mut shape = plain(&["model", "accuracy", "95 %", "macro-F1", "95 %"]);
    for row in &table.rows {
        if let Some(votes) = &row.votes {
            shape.add_row(vec![
                left(&name(row)),
                right(percent(votes.scores.accuracy)),
                right(span(votes.intervals.accuracy)),
                right(percent(votes.scores.macro_averages.f1)),
                right(span(votes.intervals.macro_f1)),
            ]);
        }
    }
    Some(format!("Sessions, by all their {parts}\n{}", shown(&shape)))
}

fn costs(table: &Table) -> String {
    let against = match &table.best {
        Some(best) => format!("right alone, {best} alone"),
        None => "right alone".to_owned(),
    };
    let mut shape = plain(&[
        "model",
        &against,
        "p",
        "new slices",
        "no background",
        "parameters",
        "training",
        "samples/s",
    ]);
    for row in &table.rows {
        let accuracy = |scores: &Option<learn::evaluation::Scores>| {
            right(scores.map_or_else(|| "-".to_owned(), |scores| percent(scores.accuracy)))
        };
        let (pairs, p) = row.against_best.map_or_else(
            || ("the best".to_owned(), String::new()),
            |test| {
                let pairs = format!("{}, {}", count(test.only_first), count(test.only_second));
                (pairs, probability(test.p))
            },
        );
        shape.add_row(vec![
            left(&name(row)),
            right(pairs),
            right(p),
            accuracy(&row.unshared),
            accuracy(&row.foreground),
            right(count(row.parameters)),
            right(crate::numbers::seconds(row.times.training_seconds)),
            right(rate(row.times.samples_per_second)),
        ]);
    }
    shown(&shape)
}

/// A probability of two digits, or that it is below what anybody asks.
pub(super) fn probability(p: f64) -> String {
    if p < 0.001 {
        "< 0.001".to_owned()
    } else {
        format!("{p:.3}")
    }
}

fn seeds(table: &Table) -> Option<String> {
    let mut shape = plain(&["model", "seeds", "accuracy", "weighted F1", "macro-F1"]);
    let mut is_empty = true;
    for row in &table.rows {
        let Some(spread) = row.spread else { continue };
        is_empty = false;
        let seeds: Vec<String> = row.seeds.iter().map(u64::to_string).collect();
        shape.add_row(vec![
            left(&name(row)),
            right(seeds.join(", ")),
            right(estimate(spread.accuracy)),
            right(estimate(spread.weighted_f1)),
            right(estimate(spread.macro_f1)),
        ]);
    }
    (!is_empty).then(|| format!("Over seeds, mean ± standard deviation\n{}", shown(&shape)))
}

/// `98.12 ± 0.20 %`.
pub(super) fn estimate(estimate: Estimate) -> String {
    format!(
        "{:.2} ± {:.2} %",
        estimate.mean * 100.0,
        estimate.deviation * 100.0
    )
}

fn published(table: &Table) -> Option<String> {
    if table.published.is_empty() {
        return None;
    }
    let mut shape = plain(&[
        "model",
        "accuracy",
        "precision",
        "recall",
        "F1",
        "here: accuracy",
        "F1",
        "published in",
    ]);
    for figure in &table.published {
        let ours = table.rows.iter().find(|row| row.model == figure.model);
        let here = |value: fn(&Row) -> f64| {
            right(ours.map_or_else(|| "-".to_owned(), |row| percent(value(row))))
        };
        shape.add_row(vec![
            left(&beside(&figure.model)),
            right(known(figure.accuracy)),
            right(known(figure.precision)),
            right(known(figure.recall)),
            right(known(figure.f1)),
            here(|row| row.scores.accuracy),
            here(|row| row.scores.weighted_averages.f1),
            left(&figure.source),
        ]);
    }
    Some(format!("Published, weighted averages\n{}", shown(&shape)))
}

/// What a published model is called beside ours, which may be a reconstruction of it.
pub(in crate::report) fn beside(model: &str) -> String {
    match reconstruction(model) {
        Some(_) => format!("{model} (here a reconstruction)"),
        None => model.to_owned(),
    }
}

fn left_out(table: &Table) -> Option<String> {
    if table.left_out.is_empty() {
        return None;
    }
    let lines: Vec<String> = table
        .left_out
        .iter()
        .map(|one| wrapped(&format!("{}: {}", one.model, one.reason), 96))
        .collect();
    Some(format!("Without figures here\n{}", lines.concat()))
}
