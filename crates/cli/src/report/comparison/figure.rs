//! The picture of a table: a dot for each model, with the bar of its interval, on one scale.

use learn::comparison::{
    table::{Row, Table},
    trial::Kind,
};

use super::text::name;
use crate::{
    numbers::{percent, span},
    report::drawing::{draw, escaped, open, text},
};

/// Height of a model's line, in SVG units.
const LINE: f64 = 26.0;
/// Width of the scale, in SVG units.
const SCALE: f64 = 560.0;
/// Space right of the scale for the figure, in SVG units.
const FIGURE: f64 = 76.0;

/// Accuracies with their intervals, and as hollow dots what was published.
pub(in crate::report) fn accuracies(table: &Table) -> String {
    let published = |row: &Row| {
        let figure = table.published.iter().find(|one| one.model == row.model);
        figure.and_then(|figure| figure.accuracy)
    };
    let lowest = table
        .rows
        .iter()
        .flat_map(|row| [Some(row.intervals.accuracy.low), published(row)])
        .flatten()
        .fold(1.0, f64::min);
    // From the ten per cent below, so that models near 100 % do not all look alike.
    let from = (lowest * 10.0).floor() / 10.0;
    let longest = table.rows.iter().map(|row| name(row).chars().count()).max();
    let label = longest.unwrap_or(0) as f64 * 7.2 + 16.0;
    let height = table.rows.len() as f64 * LINE + 30.0;
    let at = |value: f64| label + (value - from) / (1.0 - from).max(1e-9) * SCALE;
    let mut svg = open("dots", label + SCALE + FIGURE, height, "Accuracies");
    let bottom = table.rows.len() as f64 * LINE;
    for step in 0..=5 {
        let value = from + (1.0 - from) * f64::from(step) / 5.0;
        let x = at(value);
        draw(
            &mut svg,
            format_args!("<line class='grid' x1='{x:.1}' y1='0' x2='{x:.1}' y2='{bottom:.1}'/>"),
        );
        let tick = format!("{:.0} %", value * 100.0);
        text(&mut svg, (x, bottom + 18.0), "middle", "tick", &tick);
    }
    for (line, row) in table.rows.iter().enumerate() {
        let y = (line as f64 + 0.5) * LINE;
        let interval = row.intervals.accuracy;
        let style = match row.kind {
            Kind::CheapOpponent => "first",
            Kind::Network => "second",
            Kind::Classical => "third",
        };
        text(&mut svg, (label - 10.0, y + 4.0), "end", "name", &name(row));
        draw(
            &mut svg,
            format_args!(
                "<g><title>{}: {}, 95 % {}</title>\
                 <line class='line {style}' x1='{:.1}' y1='{y:.1}' x2='{:.1}' y2='{y:.1}'/>\
                 <circle class='dot {style}' cx='{:.1}' cy='{y:.1}' r='5'/></g>",
                escaped(&row.model),
                percent(row.scores.accuracy),
                span(interval),
                at(interval.low),
                at(interval.high),
                at(row.scores.accuracy),
            ),
        );
        if let Some(accuracy) = published(row) {
            draw(
                &mut svg,
                format_args!(
                    "<g><title>{}, published: {}</title>\
                     <circle class='published' cx='{:.1}' cy='{y:.1}' r='6'/></g>",
                    escaped(&row.model),
                    percent(accuracy),
                    at(accuracy),
                ),
            );
        }
        let figure = percent(row.scores.accuracy);
        let end = (label + SCALE + FIGURE - 2.0, y + 4.0);
        text(&mut svg, end, "end", "cell", &figure);
    }
    svg + "</svg>"
}
