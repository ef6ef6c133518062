//! An evaluation as text.

use std::fmt::Write;

use comfy_table::{Cell, CellAlignment, Table, presets};
use learn::evaluation::Evaluation;

use super::{
    early, unknown,
    worth::{self, split_words},
};
use crate::numbers::{count, percent, share, short};

/// The whole evaluation, for a terminal or a file.
pub(crate) fn text(evaluation: &Evaluation) -> String {
    let mut text = String::new();
    let class_names: Vec<&str> = evaluation
        .classes
        .iter()
        .map(|row| row.class.as_str())
        .collect();
    for part in [
        heading(evaluation),
        scores(evaluation),
        classes(evaluation),
        confusion(&class_names, &evaluation.confusion),
        calibration(evaluation),
        early::text(evaluation.early.as_ref()),
        unknown::text(&evaluation.unknown),
    ] {
        if part.is_empty() {
            continue;
        }
        text += part.trim_end();
        text += "\n\n";
    }
    text += "What the score is worth\n";
    for sentence in worth::sentences(evaluation) {
        text += &wrapped(&sentence.replace('*', ""), 96);
    }
    text
}

fn heading(evaluation: &Evaluation) -> String {
    let Evaluation { model, dataset, .. } = evaluation;
    format!(
        "model    {}, epoch {}, seed {} ({}){}\n\
         dataset  {} ({}), policy {}, slices of {} bytes\n\
         split    {} samples, {}\n",
        model.name,
        model.epoch,
        model.recipe.seed,
        short(&model.sha256),
        if model.arithmetic.is_float32() {
            String::new()
        } else {
            format!(", in {}", model.arithmetic)
        },
        dataset.name,
        short(&dataset.sha256),
        dataset.policy,
        dataset.slice_length,
        evaluation.split,
        split_words(dataset),
    )
}

fn scores(evaluation: &Evaluation) -> String {
    let Evaluation {
        scores, intervals, ..
    } = evaluation;
    let mut table = plain(&["", "accuracy", "precision", "recall", "F1", "95 % interval"]);
    let range = |interval: learn::evaluation::intervals::Interval| {
        format!("{} to {}", percent(interval.low), percent(interval.high))
    };
    table.add_row(vec![
        left("all samples"),
        right(percent(scores.accuracy)),
        right(String::new()),
        right(String::new()),
        right(String::new()),
        right(range(intervals.accuracy)),
    ]);
    let averages = scores.macro_averages;
    table.add_row(vec![
        left("macro average"),
        right(String::new()),
        right(percent(averages.precision)),
        right(percent(averages.recall)),
        right(percent(averages.f1)),
        right(range(intervals.macro_f1)),
    ]);
    let averages = scores.weighted_averages;
    table.add_row(vec![
        left("weighted average"),
        right(String::new()),
        right(percent(averages.precision)),
        right(percent(averages.recall)),
        right(percent(averages.f1)),
        right(String::new()),
    ]);
    if let Some(votes) = &evaluation.votes {
        let averages = votes.scores.macro_averages;
        table.add_row(vec![
            left("sessions, by vote"),
            right(percent(votes.scores.accuracy)),
            right(String::new()),
            right(String::new()),
            right(String::new()),
            right(range(votes.intervals.accuracy)),
        ]);
        table.add_row(vec![
            left("their macro average"),
            right(String::new()),
            right(percent(averages.precision)),
            right(percent(averages.recall)),
            right(percent(averages.f1)),
            right(range(votes.intervals.macro_f1)),
        ]);
    }
    shown(&table)
}

fn classes(evaluation: &Evaluation) -> String {
    let mut table = plain(&[
        "#",
        "class",
        "precision",
        "recall",
        "F1",
        "samples",
        "of them background",
    ]);
    for (number, row) in evaluation.classes.iter().enumerate() {
        let scores = row.scores;
        let figure = |value: f64| {
            right(if scores.support == 0 {
                "not testable".to_owned()
            } else {
                percent(value)
            })
        };
        table.add_row(vec![
            right(number.to_string()),
            left(&row.class),
            figure(scores.precision),
            figure(scores.recall),
            figure(scores.f1),
            right(count(scores.support)),
            right(share(
                evaluation.background.by_class[number],
                scores.support,
            )),
        ]);
    }
    shown(&table)
}

/// A confusion matrix; `counts` are `[true class][answered class]`.
pub(super) fn confusion(classes: &[&str], counts: &[Vec<u64>]) -> String {
    let numbers: Vec<String> = (0..classes.len())
        .map(|number| format!("as {number}"))
        .collect();
    let mut header = vec!["#", "samples of"];
    header.extend(numbers.iter().map(String::as_str));
    let mut table = plain(&header);
    for (number, row) in counts.iter().enumerate() {
        let mut cells = vec![right(number.to_string()), left(classes[number])];
        cells.extend(row.iter().map(|&cell| {
            right(if cell == 0 {
                "·".to_owned()
            } else {
                count(cell)
            })
        }));
        table.add_row(cells);
    }
    format!(
        "Confusion: true classes in rows, answers in columns\n{}",
        shown(&table)
    )
}

fn calibration(evaluation: &Evaluation) -> String {
    let mut text = String::new();
    let reliability = &evaluation.reliability;
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "expected calibration error {} ({} before dividing logits by {:.3}), cross-entropy {:.4}",
        percent(reliability.error),
        percent(reliability.error_before),
        evaluation.model.temperature,
        reliability.cross_entropy,
    );
    text
}

/// A table of a terminal: a line under the header and nothing else.
pub(crate) fn plain(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(header.iter().enumerate().map(|(column, title)| {
        // Words to the left, figures to the right, and titles above what they mean.
        let is_word = [
            "",
            "class",
            "samples of",
            "model",
            "data set",
            "map",
            "maps",
            "file",
        ]
        .contains(title)
            && column < 2;
        Cell::new(title).set_alignment(if is_word {
            CellAlignment::Left
        } else {
            CellAlignment::Right
        })
    }));
    table
}

pub(crate) fn left(text: &str) -> Cell {
    Cell::new(text)
}

pub(crate) fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// The table without the blanks that fill its last column.
pub(crate) fn shown(table: &Table) -> String {
    let lines: Vec<String> = table
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    lines.join("\n") + "\n"
}

/// A sentence as an item of a list, broken into lines of at most `width`.
pub(crate) fn wrapped(sentence: &str, width: usize) -> String {
    let mut text = String::from("-");
    let mut column = 1;
    for word in sentence.split_whitespace() {
        if column + 1 + word.chars().count() > width {
            text += "\n ";
            column = 1;
        }
        text.push(' ');
        text += word;
        column += 1 + word.chars().count();
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_are_broken_between_words_and_indented() {
        assert_eq!(
            wrapped("one two three four", 10),
            "- one two\n  three\n  four\n"
        );
    }
}
