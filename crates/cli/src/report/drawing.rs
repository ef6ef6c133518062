//! Drawing in SVG: frames with axes, lines, words.

use std::fmt::Write;

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

/// One line of a chart.
pub(super) struct Line<'a> {
    /// What it is, shown when pointed at.
    pub(super) name: &'a str,
    /// Class of the style sheet.
    pub(super) style: &'a str,
    /// Its points, in order.
    pub(super) points: Vec<(f64, f64)>,
}

/// Where values are on the paper.
pub(super) struct Frame {
    /// From where to where, across.
    pub(super) x: (f64, f64),
    /// From where to where, upwards.
    pub(super) y: (f64, f64),
}

impl Frame {
    /// The place of a value.
    pub(super) fn at(&self, x: f64, y: f64) -> (f64, f64) {
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
    pub(super) fn open(&self, title: &str, x_title: &str) -> String {
        let ticks: Vec<(f64, String)> = (0..=4)
            .map(|step| self.x.0 + f64::from(step) * self.x_step())
            .filter(|&x| x <= self.x.1)
            .map(|x| (x, tick(x, self.x.1)))
            .collect();
        self.open_with(title, x_title, &ticks)
    }

    /// An SVG with a grid, its numbers, and these places named below.
    pub(super) fn open_with(&self, title: &str, x_title: &str, ticks: &[(f64, String)]) -> String {
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
        }
        for (x, name) in ticks {
            let (place, bottom) = self.at(*x, self.y.0);
            text(&mut svg, (place, bottom + 16.0), "middle", "tick", name);
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

/// A line in a frame; a dot where there is one point only.
pub(super) fn polyline(svg: &mut String, frame: &Frame, line: &Line<'_>) {
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
pub(super) fn nice(top: f64) -> f64 {
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

/// The beginning of a drawing.
pub(super) fn open(class: &str, width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg class='{class}' viewBox='0 0 {width:.0} {height:.0}' role='img' \
         aria-label='{}' xmlns='http://www.w3.org/2000/svg'>",
        escaped(title)
    )
}

/// Words at a place.
pub(super) fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, class: &str, words: &str) {
    draw(
        svg,
        format_args!(
            "<text class='{class}' text-anchor='{anchor}' x='{x:.1}' y='{y:.1}'>{}</text>",
            escaped(words)
        ),
    );
}

/// Adds an element.
pub(super) fn draw(svg: &mut String, element: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = svg.write_fmt(element);
}

/// Class names come from files and folders: they may hold anything.
pub(super) fn escaped(text: &str) -> String {
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
