//! A reproduction as text and as one HTML page.

use std::fmt::Write;

use learn::{
    comparison::{
        Comparison,
        reproduction::{Line, Ours, Part, Reproduction, Verdict},
        table::Row,
    },
    run::EpochRecord,
};
use minijinja::{Value, context};

use super::{
    comparison, figures,
    page::page,
    text::{confusion, left, plain, right, shown, wrapped},
};
use crate::numbers::{known, percent, span};

/// What nobody could check, said wherever the figure stands.
const FIGURE_3: &str = "The paper's own Figure 3 is not quoted here: no copy of it was at hand. In its \
                        place stand the confusions, and on the page also the curves, of our training.";

/// The published tables and figures beside ours, for a terminal or a file; `main` is the network
/// whose confusions are shown.
pub(crate) fn text(reproduction: &Reproduction, main: &str) -> String {
    let mut text = format!("{}, published and here\n\n", reproduction.dataset);
    for part in &reproduction.parts {
        text += &of_part(part);
        text.push('\n');
    }
    if let Some(row) = row(reproduction, main) {
        let classes = classes(reproduction);
        let _ = writeln!(
            text,
            "Figure 3: {main} here\n{}",
            confusion(&classes, &row.confusion)
        );
        text += &wrapped(FIGURE_3, 96);
    }
    text.push('\n');
    // All that was measured, with the cheap opponents that the paper lacks.
    text + &comparison::text(&Comparison::new(vec![reproduction.table.clone()]))
}

fn of_part(part: &Part) -> String {
    let mut table = plain(&[
        "model",
        "accuracy",
        "precision",
        "recall",
        "F1",
        "here: accuracy",
        "precision",
        "recall",
        "F1",
        "95 %",
        "published is",
    ]);
    for line in &part.lines {
        let mut cells = vec![left(&comparison::beside(&line.published.model))];
        cells.extend(theirs(line).map(right));
        let ours = line.ours.as_ref().map(ours);
        cells.extend(ours.unwrap_or([const { String::new() }; 6]).map(right));
        table.add_row(cells);
    }
    let mut text = format!("{}, weighted averages\n{}", part.source, shown(&table));
    text += &wrapped(&part.remark, 96);
    text
}

fn theirs(line: &Line) -> [String; 4] {
    let published = &line.published;
    [
        published.accuracy,
        published.precision,
        published.recall,
        published.f1,
    ]
    .map(known)
}

fn ours(ours: &Ours) -> [String; 6] {
    let averages = ours.scores.weighted_averages;
    [
        percent(ours.scores.accuracy),
        percent(averages.precision),
        percent(averages.recall),
        percent(averages.f1),
        span(ours.interval),
        match ours.verdict {
            Some(Verdict::Below) => "below ours",
            Some(Verdict::Within) => "within ours",
            Some(Verdict::Above) => "above ours",
            None => "not an accuracy",
        }
        .to_owned(),
    ]
}

fn row<'a>(reproduction: &'a Reproduction, model: &str) -> Option<&'a Row> {
    reproduction
        .table
        .rows
        .iter()
        .find(|row| row.model == model)
}

fn classes(reproduction: &Reproduction) -> Vec<&str> {
    reproduction
        .table
        .classes
        .iter()
        .map(String::as_str)
        .collect()
}

/// The page; `epochs` are those of `main`, and may be none.
///
/// # Errors
///
/// Only if the template, which is part of the program, is wrong.
pub(crate) fn html(
    reproduction: &Reproduction,
    main: &str,
    epochs: &[EpochRecord],
) -> Result<String, minijinja::Error> {
    let parts = reproduction.parts.iter().map(|part| {
        let lines = part.lines.iter().map(|line| {
            context! {
                model => comparison::beside(&line.published.model),
                theirs => theirs(line),
                ours => line.ours.as_ref().map(ours),
            }
        });
        context! {
            source => &part.source,
            remark => &part.remark,
            lines => lines.collect::<Value>(),
        }
    });
    let table = &reproduction.table;
    let values = context! {
        dataset => &reproduction.dataset,
        samples => crate::numbers::count(table.samples()),
        policy => &table.dataset.policy,
        split => super::worth::split_words(&table.dataset),
        parts => parts.collect::<Value>(),
        dots => comparison::accuracies(table),
        main => main,
        note => FIGURE_3,
        confusion => row(reproduction, main)
            .map(|row| figures::confusion(&classes(reproduction), &row.confusion)),
        has_curves => !epochs.is_empty(),
        losses => figures::losses(epochs),
        accuracies => figures::accuracies(epochs),
        left_out => table
            .left_out
            .iter()
            .map(|one| context! { model => &one.model, reason => &one.reason })
            .collect::<Value>(),
        sentences => comparison::sentences(table)
            .into_iter()
            .map(|sentence| sentence.replace(['*', '`'], "").replace(" %", "\u{a0}%"))
            .collect::<Vec<_>>(),
        version => env!("CARGO_PKG_VERSION"),
    };
    page(include_str!("reproduction/template.html"), values)
}
