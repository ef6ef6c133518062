//! Early verdicts: accuracy and coverage as sessions begin, as text and as pictures of the page.

use learn::evaluation::early::{EarlyPoint, EarlyVerdicts};
use minijinja::{Value, context};

use super::{
    Plain,
    drawing::{Frame, Line, polyline},
};
use crate::numbers::percent;

/// A row for each moment, or why there is none; nothing of evaluations that do not say.
pub(super) fn text(early: Option<&EarlyVerdicts>) -> String {
    match early {
        None => String::new(),
        Some(EarlyVerdicts::NotPossible { reason }) => {
            format!("No early verdicts: {reason}\n")
        }
        Some(EarlyVerdicts::Curves {
            packets,
            milliseconds,
            is_trained_on_prefixes,
        }) => format!(
            "Early verdicts, samples cut as training cuts them{}\n{}\n{}",
            if *is_trained_on_prefixes {
                ""
            } else {
                "; this model was trained on whole samples only"
            },
            table("packets", packets),
            table("ms", milliseconds),
        ),
    }
}

fn table(unit: &str, points: &[EarlyPoint]) -> String {
    let mut table = Plain::new(
        &[],
        &[
            unit,
            "accuracy",
            "macro-F1",
            "answered",
            "right of these",
            "seen whole",
            "packets seen",
        ],
    );
    for point in points {
        let figures = [
            point.after.to_string(),
            percent(point.accuracy),
            percent(point.macro_f1),
            percent(point.coverage),
            right_of_answered(point).map_or_else(|| "–".to_owned(), percent),
            percent(point.complete),
            format!("{:.1}", point.mean_packets),
        ];
        table.add(&[], &figures);
    }
    table.to_string()
}

/// The same for the page's template.
pub(super) fn values(early: Option<&EarlyVerdicts>) -> Option<Value> {
    Some(match early? {
        EarlyVerdicts::NotPossible { reason } => {
            context! { reason => reason.replace('`', "") }
        }
        EarlyVerdicts::Curves {
            packets,
            milliseconds,
            is_trained_on_prefixes,
        } => context! {
            packets => picture("Early verdicts by packets", "packets", packets),
            milliseconds => picture("Early verdicts by time", "milliseconds", milliseconds),
            note => if *is_trained_on_prefixes {
                ""
            } else {
                "The model was trained on whole samples only."
            },
        },
    })
}

/// The share of right answers among those given; none where every answer is *unknown*.
fn right_of_answered(point: &EarlyPoint) -> Option<f64> {
    (point.coverage > 0.0).then_some(1.0 - point.risk)
}

/// Moments are as far from each other as they are apart in the list: each is several times the last.
fn picture(title: &str, unit: &str, points: &[EarlyPoint]) -> String {
    let frame = Frame {
        x: (0.0, points.len().saturating_sub(1).max(1) as f64),
        y: (0.0, 1.0),
    };
    let places = || (0..points.len()).map(|place| place as f64);
    let names = points.iter().map(|point| point.after.to_string());
    let ticks: Vec<(f64, String)> = places().zip(names).collect();
    let mut svg = frame.open_with(title, unit, &ticks);
    let line = |name, style, value: fn(&EarlyPoint) -> Option<f64>| Line {
        name,
        style,
        points: places()
            .zip(points)
            .filter_map(|(place, point)| Some((place, value(point)?)))
            .collect(),
    };
    for line in [
        line("accuracy", "first", |point| Some(point.accuracy)),
        line("share that gets a class", "second", |point| {
            Some(point.coverage)
        }),
        line("right among those", "third", right_of_answered),
    ] {
        polyline(&mut svg, &frame, &line);
    }
    svg + "</svg>"
}
