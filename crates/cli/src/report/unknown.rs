//! Traffic that a model does not know: whether it says so, as text and as values of the page.

use learn::evaluation::unknown::{UnknownClass, UnknownDetection};
use minijinja::{Value, context};

use super::Plain;
use crate::numbers::{count, counted, percent};

/// An entry for each dataset of unknown samples; nothing without one.
pub(super) fn text(detections: &[UnknownDetection]) -> String {
    let parts: Vec<String> = detections.iter().map(one).collect();
    parts.join("\n")
}

fn one(detection: &UnknownDetection) -> String {
    let mut rules = Plain::new(&["rule"], &["AUROC", "found at 5 % false unknowns"]);
    for rule in &detection.rules {
        let figures = [format!("{:.4}", rule.auroc), percent(rule.found_at_5)];
        rules.add(&[rule.rule.name()], &figures);
    }
    let mut classes = Plain::new(
        &["class it does not know", "most are nearest to"],
        &["AUROC", "called unknown", "samples"],
    );
    for row in &detection.classes {
        let UnknownClass {
            class, taken_for, ..
        } = row;
        let figures = [
            format!("{:.4}", row.auroc),
            percent(row.detected),
            count(row.samples),
        ];
        classes.add(&[class, taken_for], &figures);
    }
    format!("{}\n{rules}\n{classes}", sentence(detection))
}

/// What the model makes of them under its own rule.
fn sentence(detection: &UnknownDetection) -> String {
    format!(
        "Unknown: {} of {} that it was not trained to tell, from {}, are called unknown; of those \
         that it was, {}",
        percent(detection.detected),
        counted(detection.samples, "sample"),
        detection.dataset,
        percent(detection.false_unknowns),
    )
}

/// The same for the page's template.
pub(super) fn values(detections: &[UnknownDetection]) -> Value {
    detections
        .iter()
        .map(|detection| {
            let rules = detection.rules.iter().map(|rule| {
                context! {
                    name => rule.rule.name(),
                    auroc => format!("{:.4}", rule.auroc),
                    found => percent(rule.found_at_5),
                }
            });
            let classes = detection.classes.iter().map(|row| {
                context! {
                    name => &row.class,
                    auroc => format!("{:.4}", row.auroc),
                    detected => percent(row.detected),
                    detected_percent => row.detected * 100.0,
                    samples => count(row.samples),
                    taken_for => &row.taken_for,
                }
            });
            context! {
                sentence => sentence(detection),
                rules => rules.collect::<Value>(),
                classes => classes.collect::<Value>(),
            }
        })
        .collect()
}
