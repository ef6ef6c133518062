//! Figures of the report: SVG drawn here, coloured by the page's style so that dark mode works.

use learn::{
    evaluation::{coverage::CoveragePoint, reliability::ReliabilityBin},
    run::EpochRecord,
};

use super::drawing::{Frame, Line, draw, escaped, nice, open, polyline, text};
use crate::numbers::{count, counted, percent};

/// The confusion matrix as a heat map: colour by the share of the row, numbers as counted.
///
/// `counts` are `[true class][answered class]`.
pub(super) fn confusion(classes: &[&str], counts: &[Vec<u64>]) -> String {
    let longest = classes
        .iter()
        .map(|class| class.chars().count())
        .max()
        .unwrap_or(0) as f64;
    let (cell, label) = (46.0, longest * 7.2 + 16.0);
    let (width, height) = (
        label + cell * classes.len() as f64 + 10.0,
        // Names below are turned by 60 degrees.
        label * 0.87 + cell * classes.len() as f64 + 12.0,
    );
    let mut svg = open("confusion", width, height, "Confusion matrix");
    for (row, counts) in counts.iter().enumerate() {
        let support: u64 = counts.iter().sum();
        let y = row as f64 * cell;
        text(
            &mut svg,
            (label - 8.0, y + cell / 2.0 + 4.0),
            "end",
            "name",
            classes[row],
        );
        for (column, &samples) in counts.iter().enumerate() {
            let share = if support == 0 {
                0.0
            } else {
                samples as f64 / support as f64
            };
            let x = label + column as f64 * cell;
            let kind = if row == column { "right" } else { "wrong" };
            draw(
                &mut svg,
                format_args!(
                    "<g><title>{} of {} of {} ({}) answered {}</title>\
                 <rect class='empty' x='{x:.1}' y='{y:.1}' width='{side}' height='{side}'/>\
                 <rect class='{kind}' style='fill-opacity:{:.3}' x='{x:.1}' y='{y:.1}' width='{side}' height='{side}'/>",
                    count(samples),
                    counted(support, "sample"),
                    escaped(classes[row]),
                    percent(share),
                    escaped(classes[column]),
                    // The square root lets small shares be seen.
                    share.sqrt(),
                    side = cell - 2.0,
                ),
            );
            if samples > 0 {
                let class = if share > 0.45 { "cell dense" } else { "cell" };
                text(
                    &mut svg,
                    (x + cell / 2.0 - 1.0, y + cell / 2.0 + 4.0),
                    "middle",
                    class,
                    &count(samples),
                );
            }
            svg += "</g>";
        }
    }
    let below = classes.len() as f64 * cell;
    for (column, class) in classes.iter().enumerate() {
        let x = label + (column as f64 + 0.5) * cell;
        draw(
            &mut svg,
            format_args!(
                "<text class='name' text-anchor='end' transform='translate({:.1} {:.1}) rotate(-60)'>{}</text>",
                x + 4.0,
                below + 12.0,
                escaped(class)
            ),
        );
    }
    svg + "</svg>"
}

/// Loss by epoch, of training and of validation.
pub(super) fn losses(epochs: &[EpochRecord]) -> String {
    let lines = [
        series(epochs, "training", "first", |epoch| epoch.train_loss),
        series(epochs, "validation", "second", |epoch| {
            epoch.validation_loss
        }),
    ];
    let top = lines
        .iter()
        .flat_map(|line| line.points.iter().map(|point| point.1))
        .fold(0.0, f64::max);
    chart(
        "Loss",
        "epoch",
        &lines,
        epoch_range(epochs),
        (0.0, nice(top)),
        best_epoch(epochs),
    )
}

/// Accuracy and macro-F1 by epoch.
pub(super) fn accuracies(epochs: &[EpochRecord]) -> String {
    let lines = [
        series(epochs, "training accuracy", "first", |epoch| {
            epoch.train_accuracy
        }),
        series(epochs, "validation accuracy", "second", |epoch| {
            epoch.validation_accuracy
        }),
        series(epochs, "validation macro-F1", "third", |epoch| {
            epoch.validation_macro_f1
        }),
    ];
    chart(
        "Accuracy and macro-F1",
        "epoch",
        &lines,
        epoch_range(epochs),
        (0.0, 1.0),
        best_epoch(epochs),
    )
}

/// Accuracy by confidence: bars on the diagonal are honest.
pub(super) fn reliability(bins: &[ReliabilityBin]) -> String {
    let frame = Frame {
        x: (0.0, 1.0),
        y: (0.0, 1.0),
    };
    let mut svg = frame.open("Reliability", "confidence");
    let samples: u64 = bins.iter().map(|bin| bin.samples).sum();
    for bin in bins.iter().filter(|bin| bin.samples > 0) {
        let (x0, y0) = frame.at(bin.above, bin.accuracy);
        let (x1, _) = frame.at(bin.up_to, 0.0);
        let (_, base) = frame.at(0.0, 0.0);
        // Bins that hold almost nothing say almost nothing.
        let weight = (bin.samples as f64 / samples as f64).powf(0.3).max(0.25);
        draw(
            &mut svg,
            format_args!(
                "<g><title>{}, mean confidence {}, {} right</title>\
             <rect class='bar' style='fill-opacity:{weight:.3}' x='{:.1}' y='{y0:.1}' width='{:.1}' height='{:.1}'/></g>",
                counted(bin.samples, "sample"),
                percent(bin.confidence),
                percent(bin.accuracy),
                x0 + 1.0,
                x1 - x0 - 2.0,
                (base - y0).max(1.0),
            ),
        );
    }
    let ((x0, y0), (x1, y1)) = (frame.at(0.0, 0.0), frame.at(1.0, 1.0));
    draw(
        &mut svg,
        format_args!("<line class='ideal' x1='{x0:.1}' y1='{y0:.1}' x2='{x1:.1}' y2='{y1:.1}'/>"),
    );
    svg + "</svg>"
}

/// The share of wrong answers by the share of samples that are answered at all.
///
/// `condition` says when the model says unknown.
pub(super) fn risk_coverage(
    curve: &[CoveragePoint],
    threshold: CoveragePoint,
    condition: &str,
) -> String {
    let top = curve.iter().map(|point| point.risk).fold(0.01, f64::max);
    let frame = Frame {
        x: (0.0, 1.0),
        y: (0.0, nice(top)),
    };
    let mut svg = frame.open("Wrong answers", "share of samples answered");
    polyline(
        &mut svg,
        &frame,
        &Line {
            name: "risk",
            style: "first",
            points: curve
                .iter()
                .map(|point| (point.coverage, point.risk))
                .collect(),
        },
    );
    let (x, y) = frame.at(threshold.coverage, threshold.risk);
    draw(
        &mut svg,
        format_args!(
            "<g><title>unknown {}: {} answered, {} of them wrong</title>\
         <circle class='mark' cx='{x:.1}' cy='{y:.1}' r='5'/></g>",
            escaped(condition),
            percent(threshold.coverage),
            percent(threshold.risk),
        ),
    );
    svg + "</svg>"
}

fn series<'a>(
    epochs: &[EpochRecord],
    name: &'a str,
    style: &'a str,
    value: impl Fn(&EpochRecord) -> f64,
) -> Line<'a> {
    Line {
        name,
        style,
        points: epochs
            .iter()
            .map(|epoch| (f64::from(epoch.epoch), value(epoch)))
            .collect(),
    }
}

fn best_epoch(epochs: &[EpochRecord]) -> Option<f64> {
    epochs
        .iter()
        .rev()
        .find(|epoch| epoch.is_best)
        .map(|epoch| f64::from(epoch.epoch))
}

fn epoch_range(epochs: &[EpochRecord]) -> (f64, f64) {
    (
        1.0,
        epochs
            .last()
            .map_or(2.0, |epoch| f64::from(epoch.epoch).max(2.0)),
    )
}

/// Lines in a frame, with their names above and a mark at the best epoch.
fn chart(
    title: &str,
    x_title: &str,
    lines: &[Line<'_>],
    x: (f64, f64),
    y: (f64, f64),
    best: Option<f64>,
) -> String {
    let frame = Frame { x, y };
    let mut svg = frame.open(title, x_title);
    if let Some(best) = best {
        let ((x, top), (_, bottom)) = (frame.at(best, frame.y.1), frame.at(best, frame.y.0));
        draw(
            &mut svg,
            format_args!(
                "<g><title>best epoch: {best}</title>\
             <line class='best' x1='{x:.1}' y1='{top:.1}' x2='{x:.1}' y2='{bottom:.1}'/></g>"
            ),
        );
    }
    for line in lines {
        polyline(&mut svg, &frame, line);
    }
    svg + "</svg>"
}
