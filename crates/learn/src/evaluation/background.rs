//! Background: how much of a score is chatter that the labels do not mean.

use serde::{Deserialize, Serialize};

use super::{Answers, Scores, confusion::ConfusionMatrix};
use crate::dataset::Rows;

/// Scores with and without background.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackgroundShare {
    /// Scored samples that are background.
    pub samples: u64,
    /// The same by class, `[classes]`.
    pub by_class: Vec<u64>,
    /// Scores on the samples that are not; none if all are.
    pub foreground: Option<Scores>,
    /// Scores on the samples that are; none if none is.
    pub background: Option<Scores>,
}

impl BackgroundShare {
    /// Sorts scored rows, and the answers to them, by whether they are background.
    pub fn of(rows: &Rows, answers: &Answers, classes: usize) -> Self {
        let mut foreground = ConfusionMatrix::new(classes);
        let mut background = ConfusionMatrix::new(classes);
        for (sample, origin) in rows.origins.iter().enumerate() {
            let side = if origin.background.is_some() {
                &mut background
            } else {
                &mut foreground
            };
            side.count(rows.samples.labels[sample], answers.classes[sample]);
        }
        Self {
            samples: background.samples(),
            by_class: (0..classes)
                .map(|class| background.row(class).iter().sum())
                .collect(),
            foreground: Scores::of(&foreground),
            background: Scores::of(&background),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::sharing::tests::rows;

    #[test]
    fn background_is_scored_apart() {
        let rows = rows(&[
            (1, 0, 1, "a", true),
            (2, 0, 2, "a", false),
            (3, 1, 3, "a", false),
        ]);
        let answers = Answers {
            classes: vec![0, 1, 1],
            confidences: vec![1.0; 3],
            ..Answers::default()
        };
        let found = BackgroundShare::of(&rows, &answers, 2);
        assert_eq!((found.samples, found.by_class), (1, vec![1, 0]));
        assert!((found.background.unwrap().accuracy - 1.0).abs() < 1e-12);
        assert!((found.foreground.unwrap().accuracy - 0.5).abs() < 1e-12);
    }
}
