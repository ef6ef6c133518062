//! A comparison as one HTML page: no scripts, nothing fetched from elsewhere.

use learn::comparison::{
    Comparison,
    table::{Row, Table},
    trial::Kind,
};
use minijinja::{Value, context};

use super::{
    figure,
    text::{beside, estimate, name, probability},
    worth,
};
use crate::{
    numbers::{count, known, percent, rate, seconds, short, span},
    report::{figures, page::page, worth::split_words},
};

/// The page.
///
/// # Errors
///
/// Only if the template, which is part of the program, is wrong.
pub(crate) fn html(comparison: &Comparison) -> Result<String, minijinja::Error> {
    let tables: Value = comparison.tables.iter().map(table).collect();
    let values = context! {
        tables => tables,
        version => env!("CARGO_PKG_VERSION"),
    };
    page(include_str!("template.html"), values)
}

fn table(table: &Table) -> Value {
    let dataset = &table.dataset;
    context! {
        name => &table.name,
        dataset => &dataset.name,
        checksum => short(&dataset.sha256),
        policy => &dataset.policy,
        slice_length => dataset.slice_length,
        split => split_words(dataset),
        samples => count(table.samples()),
        best => &table.best,
        accuracies => figure::accuracies(table),
        rows => table.rows.iter().map(|row| model(table, row)).collect::<Value>(),
        parts => table
            .rows
            .iter()
            .find_map(|row| row.votes.as_ref())
            .map(|votes| votes.parts.to_string()),
        has_seeds => table.rows.iter().any(|row| row.spread.is_some()),
        published => published(table),
        left_out => table
            .left_out
            .iter()
            .map(|one| context! { model => &one.model, reason => &one.reason })
            .collect::<Value>(),
        sentences => worth::sentences(table)
            .into_iter()
            .map(|sentence| sentence.replace(['*', '`'], "").replace(" %", "\u{a0}%"))
            .collect::<Vec<_>>(),
    }
}

fn model(table: &Table, row: &Row) -> Value {
    let scores = &row.scores;
    let (weighted, averages) = (scores.weighted_averages, scores.macro_averages);
    let accuracy = |scores: &Option<learn::evaluation::Scores>| {
        scores.map_or_else(|| "–".to_owned(), |scores| percent(scores.accuracy))
    };
    let classes: Vec<&str> = table.classes.iter().map(String::as_str).collect();
    let seeds: Vec<String> = row.seeds.iter().map(u64::to_string).collect();
    context! {
        name => name(row),
        is_cheap => row.kind == Kind::CheapOpponent,
        is_best => table.best.as_ref() == Some(&row.model),
        accuracy => percent(scores.accuracy),
        accuracy_span => span(row.intervals.accuracy),
        weighted => [weighted.precision, weighted.recall, weighted.f1].map(percent),
        averages => [averages.precision, averages.recall, averages.f1].map(percent),
        macro_f1_span => span(row.intervals.macro_f1),
        sessions => row.votes.as_ref().map(|votes| {
            [
                percent(votes.scores.accuracy),
                span(votes.intervals.accuracy),
                percent(votes.scores.macro_averages.f1),
                span(votes.intervals.macro_f1),
            ]
        }),
        only_this => row.against_best.map(|test| count(test.only_first)),
        only_best => row.against_best.map(|test| count(test.only_second)),
        p => row.against_best.map(|test| probability(test.p)),
        unshared => accuracy(&row.unshared),
        foreground => accuracy(&row.foreground),
        parameters => count(row.parameters),
        training => seconds(row.times.training_seconds),
        rate => rate(row.times.samples_per_second),
        seeds => seeds.join(", "),
        spread => row.spread.map(|spread| {
            [spread.accuracy, spread.weighted_f1, spread.macro_f1].map(estimate)
        }),
        confusion => figures::confusion(&classes, &row.confusion),
    }
}

fn published(table: &Table) -> Value {
    let figures = table.published.iter().map(|figure| {
        let ours = table.rows.iter().find(|row| row.model == figure.model);
        context! {
            model => beside(&figure.model),
            source => &figure.source,
            remark => &figure.remark,
            figures => [figure.accuracy, figure.precision, figure.recall, figure.f1].map(known),
            accuracy => ours.map(|row| percent(row.scores.accuracy)),
            f1 => ours.map(|row| percent(row.scores.weighted_averages.f1)),
        }
    });
    figures.collect()
}
