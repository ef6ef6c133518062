//! Figures of the report: SVG drawn here, coloured by the page's style so that dark mode works.

use std::fmt::Write;

use learn::{
    evaluation::{Evaluation, coverage::CoveragePoint, reliability::ReliabilityBin},
    run::EpochRecord,
};

use crate::numbers::{count, percent};

/// Width of a chart, in SVG units.
const WIDTH: f64 = 420.0;
/// Height of a chart, in SVG units.
const HEIGHT: f64 = 260.0;
/// Space for the numbers left of a chart.
const LEFT: f64 = 52.0;
/// Space for the numbers below a chart.
const BOTTOM: f64 = 44.0;
/// Space above and right of a chart.
const MARGIN: f64 = 20.0;

/// The confusion matrix as a heat map: colour by the share of the row, numbers as counted.
pub(super) fn confusion(evaluation: &Evaluation) -> String {
    let classes: Vec<&str> = evaluation
        .classes
        .iter()
        .map(|row| row.class.as_str())
        .collect();
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
    for (row, counts) in evaluation.confusion.iter().enumerate() {
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
                    "<g><title>{} of {} samples of {} ({}) answered {}</title>\
                 <rect class='empty' x='{x:.1}' y='{y:.1}' width='{side}' height='{side}'/>\
                 <rect class='{kind}' style='fill-opacity:{:.3}' x='{x:.1}' y='{y:.1}' width='{side}' height='{side}'/>",
                    count(samples),
                    count(support),
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

/// One line of a chart.
struct Line<'a> {
    name: &'a str,
    /// Class of the style sheet.
    style: &'a str,
    points: Vec<(f64, f64)>,
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
                "<g><title>{} samples, mean confidence {}, {} right</title>\
             <rect class='bar' style='fill-opacity:{weight:.3}' x='{:.1}' y='{y0:.1}' width='{:.1}' height='{:.1}'/></g>",
                count(bin.samples),
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
pub(super) fn risk_coverage(curve: &[CoveragePoint], threshold: CoveragePoint) -> String {
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
            "<g><title>at the model's threshold {}: {} answered, {} of them wrong</title>\
         <circle class='mark' cx='{x:.1}' cy='{y:.1}' r='5'/></g>",
            percent(threshold.threshold),
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

/// Where values are on the paper.
struct Frame {
    x: (f64, f64),
    y: (f64, f64),
}

impl Frame {
    fn at(&self, x: f64, y: f64) -> (f64, f64) {
        let part = |value: f64, (low, high): (f64, f64)| (value - low) / (high - low);
        (
            LEFT + part(x, self.x) * (WIDTH - LEFT - MARGIN),
            HEIGHT - BOTTOM - part(y, self.y) * (HEIGHT - BOTTOM - MARGIN),
        )
    }

    /// From number to number below: a quarter, or for epochs, which are whole, about that.
    fn x_step(&self) -> f64 {
        let quarter = (self.x.1 - self.x.0) / 4.0;
        if self.x.1 > 1.0 {
            quarter.ceil()
        } else {
            quarter
        }
    }

    /// An SVG with a grid and its numbers.
    fn open(&self, title: &str, x_title: &str) -> String {
        let mut svg = open("chart", WIDTH, HEIGHT, title);
        for step in 0..=4 {
            let part = f64::from(step) / 4.0;
            let y = self.y.0 + part * (self.y.1 - self.y.0);
            let (left, height) = self.at(self.x.0, y);
            let (right, _) = self.at(self.x.1, y);
            draw(
                &mut svg,
                format_args!(
                    "<line class='grid' x1='{left:.1}' y1='{height:.1}' x2='{right:.1}' y2='{height:.1}'/>"
                ),
            );
            text(
                &mut svg,
                (left - 6.0, height + 4.0),
                "end",
                "tick",
                &tick(y, self.y.1),
            );
            let x = self.x.0 + f64::from(step) * self.x_step();
            if x > self.x.1 {
                continue;
            }
            let (place, bottom) = self.at(x, self.y.0);
            text(
                &mut svg,
                (place, bottom + 16.0),
                "middle",
                "tick",
                &tick(x, self.x.1),
            );
        }
        text(
            &mut svg,
            ((LEFT + WIDTH - MARGIN) / 2.0, HEIGHT - 8.0),
            "middle",
            "axis",
            x_title,
        );
        svg
    }
}

fn polyline(svg: &mut String, frame: &Frame, line: &Line<'_>) {
    let points: Vec<String> = line
        .points
        .iter()
        .map(|&(x, y)| {
            let (x, y) = frame.at(x, y);
            format!("{x:.1},{y:.1}")
        })
        .collect();
    if let ([point], Some((x, y))) = (points.as_slice(), point_of(&points)) {
        draw(
            svg,
            format_args!(
                "<g><title>{}: {point}</title><circle class='dot {}' cx='{x}' cy='{y}' r='4'/></g>",
                line.name, line.style
            ),
        );
    }
    draw(
        svg,
        format_args!(
            "<g><title>{}</title><polyline class='line {}' points='{}'/></g>",
            line.name,
            line.style,
            points.join(" ")
        ),
    );
}

/// The place of a line's first point, which is all there is of a run of one epoch.
fn point_of(points: &[String]) -> Option<(&str, &str)> {
    points.first()?.split_once(',')
}

/// A number beside an axis that ends at `top`.
fn tick(value: f64, top: f64) -> String {
    match top {
        top if top > 8.0 => format!("{value:.0}"),
        top if top > 1.0 => format!("{value:.1}").trim_end_matches(".0").to_owned(),
        top if top >= 0.1 => format!("{:.0} %", value * 100.0),
        _ => format!("{:.1} %", value * 100.0),
    }
}

/// The next number above that four steps divide evenly.
fn nice(top: f64) -> f64 {
    if top <= 0.0 || !top.is_finite() {
        return 1.0;
    }
    let scale = 10_f64.powf(top.log10().floor());
    [1.0, 2.0, 4.0, 6.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * scale)
        .find(|&step| step >= top)
        .unwrap_or(top)
}

fn open(class: &str, width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg class='{class}' viewBox='0 0 {width:.0} {height:.0}' role='img' \
         aria-label='{}' xmlns='http://www.w3.org/2000/svg'>",
        escaped(title)
    )
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, class: &str, words: &str) {
    draw(
        svg,
        format_args!(
            "<text class='{class}' text-anchor='{anchor}' x='{x:.1}' y='{y:.1}'>{}</text>",
            escaped(words)
        ),
    );
}

fn draw(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = svg.write_fmt(element);
}

/// Class names come from files and folders: they may hold anything.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_at_round_numbers() {
        let found = [0.013, 0.3, 0.99, 1.7, 2.5, 11.0].map(nice);
        for (found, expected) in found.into_iter().zip([0.02, 0.4, 1.0, 2.0, 4.0, 20.0]) {
            assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
        }
    }

    #[test]
    fn names_cannot_break_out_of_the_drawing() {
        assert_eq!(escaped("<a href='x'>&"), "&lt;a href=&#39;x&#39;&gt;&amp;");
    }

    #[test]
    fn values_are_drawn_upwards() {
        let frame = Frame {
            x: (0.0, 1.0),
            y: (0.0, 1.0),
        };
        assert!(frame.at(0.0, 1.0).1 < frame.at(0.0, 0.0).1);
    }
}
