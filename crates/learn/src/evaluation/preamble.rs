//! Preambles: how much of a score is on sessions that begin in plaintext.

use serde::{Deserialize, Serialize};

use super::{Answers, Scores, confusion::ConfusionMatrix};
use crate::dataset::Rows;

/// Scores without sessions that begin in plaintext: their greeting tells what they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PreambleShare {
    /// Scored samples that are known to begin in plaintext.
    pub samples: u64,
    /// Scores on the others; none if there are none.
    pub without: Option<Scores>,
}

impl PreambleShare {
    /// Leaves scored rows with a preamble out; none if no row is known to have one.
    pub fn of(rows: &Rows, answers: &Answers, classes: usize) -> Option<Self> {
        let mut without = ConfusionMatrix::new(classes);
        let mut samples = 0;
        for (sample, origin) in rows.origins.iter().enumerate() {
            if origin.has_preamble {
                samples += 1;
            } else {
                without.count(rows.samples.labels[sample], answers.classes[sample]);
            }
        }
        (samples > 0).then(|| Self {
            samples,
            without: Scores::of(&without),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::sharing::tests::rows;

    #[test]
    fn samples_with_a_preamble_are_left_out() {
        let mut rows = rows(&[(1, 0, 1, "a", false), (2, 0, 2, "a", false)]);
        let answers = Answers {
            classes: vec![1, 0],
            confidences: vec![1.0; 2],
            ..Answers::default()
        };
        assert_eq!(PreambleShare::of(&rows, &answers, 2), None);
        rows.origins[0].has_preamble = true;
        let found = PreambleShare::of(&rows, &answers, 2).unwrap();
        assert_eq!(found.samples, 1);
        assert!((found.without.unwrap().accuracy - 1.0).abs() < 1e-12);
    }
}
