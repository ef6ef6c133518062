//! The exposition: metrics in the text form that Prometheus reads.
//!
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>, version 0.0.4.

use std::fmt::Write;

use super::Histogram;

/// What a metric is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It only grows; its name ends in `_total`.
    Counter,
    /// It rises and falls.
    Gauge,
}

/// One value of a metric.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Sample {
    labels: String,
    value: f64,
}

impl Sample {
    /// The only value of its metric.
    pub(crate) fn only(value: f64) -> Self {
        Self::labelled(&[], value)
    }

    /// The value for these labels, names and values.
    pub(crate) fn labelled(labels: &[(&str, &str)], value: f64) -> Self {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        let labels = if labels.is_empty() {
            String::new()
        } else {
            format!("{{{}}}", labels.join(","))
        };
        Self { labels, value }
    }
}

/// A page of metrics.
#[derive(Debug, Default)]
pub(crate) struct Exposition(String);

impl Exposition {
    /// Adds a metric with its values; one without values is left out.
    pub(crate) fn add(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = Sample>,
    ) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.head(name, help, kind);
        for Sample { labels, value } in samples {
            self.line(format_args!("{name}{labels} {value}"));
        }
    }

    /// Adds a histogram.
    pub(crate) fn add_histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.head(name, help, "histogram");
        for (bound, count) in histogram.cumulated() {
            self.line(format_args!("{name}_bucket{{le=\"{bound}\"}} {count}"));
        }
        let count = histogram.count();
        self.line(format_args!("{name}_bucket{{le=\"+Inf\"}} {count}"));
        self.line(format_args!("{name}_sum {}", histogram.sum()));
        self.line(format_args!("{name}_count {count}"));
    }

    /// The page.
    pub(crate) fn into_text(self) -> String {
        self.0
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        self.line(format_args!("# HELP {name} {help}"));
        self.line(format_args!("# TYPE {name} {kind}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{line}");
    }
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_have_help_type_and_a_line_for_each_value() {
        let mut page = Exposition::default();
        let skips = [("arp", 2.0), ("a\"b\\c\n", 1e9)]
            .map(|(reason, value)| Sample::labelled(&[("reason", reason)], value));
        page.add(Kind::Counter, "skips_total", "Skipped frames.", skips);
        page.add(Kind::Gauge, "left_out", "Nothing.", []);
        page.add(Kind::Gauge, "open", "Open sessions.", [Sample::only(0.5)]);
        let mut histogram = Histogram::new(&[0.25, 1.0]);
        histogram.observe(0.5);
        page.add_histogram("seconds", "Times.", &histogram);
        let expected = "\
# HELP skips_total Skipped frames.
# TYPE skips_total counter
skips_total{reason=\"arp\"} 2
skips_total{reason=\"a\\\"b\\\\c\\n\"} 1000000000
# HELP open Open sessions.
# TYPE open gauge
open 0.5
# HELP seconds Times.
# TYPE seconds histogram
seconds_bucket{le=\"0.25\"} 0
seconds_bucket{le=\"1\"} 1
seconds_bucket{le=\"+Inf\"} 1
seconds_sum 0.5
seconds_count 1
";
        assert_eq!(page.into_text(), expected);
    }
}
