//! Reproductions: published figures beside ours, on the same data set.

use serde::{Deserialize, Serialize};

use super::table::{Row, Table};
use crate::{
    evaluation::{Scores, intervals::Interval},
    registry::Published,
};

/// The version of the file's form that this program writes.
pub const SCHEMA: u32 = 1;

/// One published experiment made again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reproduction {
    /// Version of this form: [`SCHEMA`].
    pub schema: u32,
    /// The data set.
    pub dataset: String,
    /// Tables and figures of the publication, in the order in which they are listed.
    pub parts: Vec<Part>,
    /// All that was measured here.
    pub table: Table,
}

/// A table or a figure of a publication.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// Where it was published.
    pub source: String,
    /// On which samples, and what a reader should know.
    pub remark: String,
    /// Its models.
    pub lines: Vec<Line>,
}

/// One model, there and here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Line {
    /// The model.
    pub published: Published,
    /// What it scores here; none if it could not be measured.
    pub ours: Option<Ours>,
}

/// What a model scores here.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ours {
    /// The figures.
    pub scores: Scores,
    /// How far the accuracy would move.
    pub interval: Interval,
    /// Where the published accuracy is, if one was published.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
}

/// Where a published accuracy is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Below our interval: we score more.
    Below,
    /// Within our interval: the two agree.
    Within,
    /// Above our interval: we score less.
    Above,
}

impl Reproduction {
    /// The published figures that go with a table, beside those of its rows.
    pub fn of(dataset: &str, table: Table) -> Self {
        let mut parts: Vec<Part> = Vec::new();
        for published in &table.published {
            let row = table.rows.iter().find(|row| row.model == published.model);
            let line = Line {
                published: published.clone(),
                ours: row.map(|row| Ours::of(row, published)),
            };
            match parts
                .iter_mut()
                .find(|part| part.source == published.source)
            {
                Some(part) => part.lines.push(line),
                None => parts.push(Part {
                    source: published.source.clone(),
                    remark: published.remark.clone(),
                    lines: vec![line],
                }),
            }
        }
        Self {
            schema: SCHEMA,
            dataset: dataset.to_owned(),
            parts,
            table,
        }
    }

    /// As JSON with a line feed at its end. All that the clock decides is in fields called `times`.
    ///
    /// # Panics
    ///
    /// Never: it is made of plain structures with finite numbers and string keys.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("plain structures with finite numbers and string keys");
        text.push('\n');
        text
    }
}

impl Ours {
    fn of(row: &Row, published: &Published) -> Self {
        let interval = row.intervals.accuracy;
        Self {
            scores: row.scores,
            interval,
            verdict: published.accuracy.map(|published| {
                if published < interval.low {
                    Verdict::Below
                } else if published > interval.high {
                    Verdict::Above
                } else {
                    Verdict::Within
                }
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{comparison::table::tests as tables, registry::Registry};

    #[test]
    fn published_figures_stand_beside_ours_by_table_and_figure() {
        let mut table = tables::small();
        let iscx = Registry::named("iscx-vpn-2016").unwrap();
        table.published = iscx.reproducible().cloned().collect();
        let found = Reproduction::of("iscx", table);
        let names: Vec<Vec<&str>> = found
            .parts
            .iter()
            .map(|part| {
                part.lines
                    .iter()
                    .map(|line| line.published.model.as_str())
                    .collect()
            })
            .collect();
        // Its own figure of the last one comes after: Table 4 has the paper's network and its halves, Figure 4 those it is compared with.
        assert_eq!(
            names,
            [
                vec!["resnet", "gru", "resnet-gru"],
                vec!["cnn-lstm", "centime", "cnn1d"],
                vec!["cnn1d"]
            ]
        );
        let gru = found.parts[0].lines[1].ours.unwrap();
        assert!((gru.scores.accuracy - 0.5).abs() < 1e-12);
        assert!(found.parts[0].lines[2].ours.is_none());
    }

    #[test]
    fn a_published_accuracy_is_below_within_or_above_our_interval() {
        let row = &tables::small().rows[0];
        let published = |accuracy| Published {
            accuracy: Some(accuracy),
            ..Registry::named("iscx-vpn-2016").unwrap().published[0].clone()
        };
        let verdict = |accuracy| Ours::of(row, &published(accuracy)).verdict.unwrap();
        let Interval { low, high } = row.intervals.accuracy;
        assert!(low > 0.0 && high < 1.0);
        assert_eq!(verdict(low - 0.01), Verdict::Below);
        assert_eq!(verdict(low), Verdict::Within);
        assert_eq!(verdict(high), Verdict::Within);
        assert_eq!(verdict(high + 0.01), Verdict::Above);
    }
}
