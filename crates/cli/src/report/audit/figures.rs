//! Pictures of an audit: the slice as cells, fields as bars.

use learn::audit::{Audit, FieldPlace, ModelAudit};

use super::{
    super::drawing::{draw, escaped, open, text},
    text::by_score,
};
use crate::numbers::{counted, percent};

/// Cells of a line: 784 bytes are a square.
const LINE: usize = 28;
/// Side of a cell, in SVG units.
const CELL: f64 = 20.0;
/// Bars beyond the best so many are left to the table.
const MOST_BARS: usize = 24;

/// What each byte of the slice tells alone, above what is told by nothing.
pub(super) fn bytes_alone(audit: &Audit) -> String {
    let nothing = audit.majority.first().map_or(0.0, |score| score.accuracy);
    let values = audit.bytes.accuracy.iter().map(|&score| score - nothing);
    cells(
        "What each byte tells alone",
        &values.collect::<Vec<_>>(),
        &|at| {
            format!(
                "byte {at}, mostly {}: {} right by its value alone",
                audit.bytes.fields[at],
                percent(audit.bytes.accuracy[at])
            )
        },
    )
}

/// How much less sure a model is of the right class without each byte and its neighbours.
pub(super) fn bytes_used(audit: &Audit, model: &ModelAudit) -> String {
    cells("Which bytes the model uses", &model.bytes, &|at| {
        format!(
            "byte {at}, mostly {}: the right class is {} less probable without it and its \
             neighbours",
            audit.bytes.fields[at],
            percent(model.bytes[at])
        )
    })
}

/// A slice as lines of cells, coloured by a value: the largest is full, 0 and below are empty.
fn cells(title: &str, values: &[f64], words: &dyn Fn(usize) -> String) -> String {
    let lines = values.len().div_ceil(LINE);
    let label = 34.0;
    let mut svg = open(
        "cells",
        label + LINE as f64 * CELL,
        lines as f64 * CELL,
        title,
    );
    let largest = values.iter().copied().fold(1e-9, f64::max);
    for (at, &value) in values.iter().enumerate() {
        let (line, column) = (at / LINE, at % LINE);
        let (x, y) = (label + column as f64 * CELL, line as f64 * CELL);
        if column == 0 {
            text(
                &mut svg,
                (label - 6.0, y + CELL * 0.7),
                "end",
                "tick",
                &at.to_string(),
            );
        }
        draw(
            &mut svg,
            format_args!(
                "<g><title>{}</title>\
                 <rect class='empty' x='{x:.1}' y='{y:.1}' width='{side}' height='{side}'/>\
                 <rect class='right' style='fill-opacity:{:.3}' x='{x:.1}' y='{y:.1}' \
                 width='{side}' height='{side}'/></g>",
                escaped(&words(at)),
                // The square root lets small values be seen.
                (value.max(0.0) / largest).sqrt(),
                side = CELL - 1.0,
            ),
        );
    }
    svg + "</svg>"
}

/// Accuracy of each field alone, with lines at nothing and at everything.
pub(super) fn fields_alone(audit: &Audit, whole: f64) -> String {
    let nothing = audit.majority.first().map_or(0.0, |score| score.accuracy);
    let bars: Vec<Bar> = by_score(audit)
        .into_iter()
        .filter(|field| field.place != FieldPlace::Zeroed)
        .take(MOST_BARS)
        .map(|field| {
            let accuracy = field.scores.first().map_or(0.0, |score| score.accuracy);
            Bar {
                name: field.field.clone(),
                style: match field.place {
                    FieldPlace::Beside => "beside",
                    FieldPlace::Slice | FieldPlace::Zeroed => "bar",
                },
                from: 0.0,
                to: accuracy,
                words: format!(
                    "{}: {} right alone, {} have it",
                    field.field,
                    percent(accuracy),
                    counted(field.samples, "test sample")
                ),
            }
        })
        .collect();
    draw_bars("What each field tells alone", &bars, &[nothing, whole])
}

/// What a model still scores without each field.
pub(super) fn fields_used(model: &ModelAudit) -> String {
    let whole = model.unoccluded.accuracy;
    let bars: Vec<Bar> = model
        .fields
        .iter()
        .take(MOST_BARS)
        .map(|field| {
            let left = field
                .exchanged
                .score
                .accuracy
                .min(field.zeroed.score.accuracy);
            Bar {
                name: field.field.clone(),
                style: "wrong",
                from: left.min(whole),
                to: left.max(whole),
                words: format!(
                    "{}: {} right with it zeroed, {} with other samples' values, {} with its own",
                    field.field,
                    percent(field.zeroed.score.accuracy),
                    percent(field.exchanged.score.accuracy),
                    percent(whole)
                ),
            }
        })
        .collect();
    draw_bars("What the model loses without each field", &bars, &[whole])
}

/// A bar between two shares.
struct Bar {
    name: String,
    style: &'static str,
    from: f64,
    to: f64,
    words: String,
}

fn draw_bars(title: &str, bars: &[Bar], marks: &[f64]) -> String {
    const HEIGHT: f64 = 20.0;
    const WIDTH: f64 = 560.0;
    let longest = bars.iter().map(|bar| bar.name.chars().count()).max();
    let label = longest.unwrap_or(0) as f64 * 6.6 + 14.0;
    let across = |share: f64| label + share * (WIDTH - label - 50.0);
    let mut svg = open("bars", WIDTH, bars.len() as f64 * HEIGHT + 6.0, title);
    for &mark in marks {
        let x = across(mark);
        draw(
            &mut svg,
            format_args!(
                "<line class='ideal' x1='{x:.1}' y1='0' x2='{x:.1}' y2='{:.1}'/>",
                bars.len() as f64 * HEIGHT
            ),
        );
    }
    for (line, bar) in bars.iter().enumerate() {
        let y = line as f64 * HEIGHT;
        text(&mut svg, (label - 8.0, y + 14.0), "end", "name", &bar.name);
        let (from, to) = (across(bar.from), across(bar.to));
        draw(
            &mut svg,
            format_args!(
                "<g><title>{}</title><rect class='{}' x='{from:.1}' y='{:.1}' width='{:.1}' height='{:.1}'/></g>",
                escaped(&bar.words),
                bar.style,
                y + 3.0,
                (to - from).max(1.0),
                HEIGHT - 6.0,
            ),
        );
        let number = format!(
            "{:.1}",
            if bar.from > 0.0 { bar.from } else { bar.to } * 100.0
        );
        text(&mut svg, (to + 5.0, y + 14.0), "start", "tick", &number);
    }
    svg + "</svg>"
}
