//! The confusion matrix, and every score that is read off it.

use serde::{Deserialize, Serialize};

/// How often each class was answered for each true class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfusionMatrix {
    classes: usize,
    /// `[true class, answered class]`, row after row.
    counts: Vec<u64>,
}

/// Scores of one class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Right answers among the answers of this class; 0 where there are none.
    pub precision: f64,
    /// Right answers among the samples of this class; 0 where there are none.
    pub recall: f64,
    /// Harmonic mean of the two; 0 where both are 0.
    pub f1: f64,
    /// Samples of this class.
    pub support: u64,
    /// Answers of this class, right or wrong.
    pub answered: u64,
}

/// Precision, recall and F1, averaged over classes.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Averages {
    /// Mean precision.
    pub precision: f64,
    /// Mean recall.
    pub recall: f64,
    /// Mean F1.
    pub f1: f64,
}

impl ConfusionMatrix {
    /// All zeros.
    pub fn new(classes: usize) -> Self {
        Self {
            classes,
            counts: vec![0; classes * classes],
        }
    }

    /// Of answers `[samples]` to samples with these labels `[samples]`.
    pub fn of(classes: usize, labels: &[u32], answers: &[u32]) -> Self {
        let mut matrix = Self::new(classes);
        for (&label, &answer) in labels.iter().zip(answers) {
            matrix.count(label, answer);
        }
        matrix
    }

    /// Counts one answer.
    pub fn count(&mut self, label: u32, answer: u32) {
        self.counts[label as usize * self.classes + answer as usize] += 1;
    }

    /// Adds another matrix of as many classes.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
    }

    /// Classes.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The answers to the samples of one class, `[answered class]`.
    pub fn row(&self, class: usize) -> &[u64] {
        &self.counts[class * self.classes..(class + 1) * self.classes]
    }

    /// The whole of it, `[true class][answered class]`.
    pub fn rows(&self) -> Vec<Vec<u64>> {
        (0..self.classes)
            .map(|class| self.row(class).to_vec())
            .collect()
    }

    /// Samples counted.
    pub fn samples(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Samples answered right.
    pub fn right(&self) -> u64 {
        (0..self.classes).map(|class| self.row(class)[class]).sum()
    }

    /// The share of right answers; 0 of none.
    pub fn accuracy(&self) -> f64 {
        ratio(self.right(), self.samples())
    }

    /// The scores of each class.
    pub fn class_scores(&self) -> Vec<ClassScores> {
        (0..self.classes)
            .map(|class| {
                let right = self.row(class)[class];
                let support = self.row(class).iter().sum();
                let answered = (0..self.classes).map(|row| self.row(row)[class]).sum();
                ClassScores {
                    precision: ratio(right, answered),
                    recall: ratio(right, support),
                    f1: ratio(2 * right, support + answered),
                    support,
                    answered,
                }
            })
            .collect()
    }

    /// Every class counts the same. Classes without samples do not count: they cannot be tested.
    pub fn macro_averages(&self) -> Averages {
        self.averages(|scores| f64::from(u8::from(scores.support > 0)))
    }

    /// Every class counts as much as it has samples. The recall is then the accuracy.
    pub fn weighted_averages(&self) -> Averages {
        self.averages(|scores| scores.support as f64)
    }

    /// [`ConfusionMatrix::macro_averages`]' F1.
    pub fn macro_f1(&self) -> f64 {
        self.macro_averages().f1
    }

    fn averages(&self, weight: impl Fn(&ClassScores) -> f64) -> Averages {
        let mut sums = Averages::default();
        let mut weights = 0.0;
        for scores in self.class_scores() {
            let weight = weight(&scores);
            sums.precision += weight * scores.precision;
            sums.recall += weight * scores.recall;
            sums.f1 += weight * scores.f1;
            weights += weight;
        }
        if weights == 0.0 {
            return Averages::default();
        }
        Averages {
            precision: sums.precision / weights,
            recall: sums.recall / weights,
            f1: sums.f1 / weights,
        }
    }
}

fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three classes; by hand: 2 of 3 zeros right, 1 of 2 ones right, no twos, one answer of two.
    fn small() -> ConfusionMatrix {
        ConfusionMatrix::of(3, &[0, 0, 0, 1, 1], &[0, 0, 1, 1, 2])
    }

    #[track_caller]
    fn check(found: f64, expected: f64) {
        assert!(
            (found - expected).abs() < 1e-12,
            "{found} is not {expected}"
        );
    }

    #[test]
    fn rows_are_true_classes_and_columns_answers() {
        assert_eq!(small().rows(), [[2, 1, 0], [0, 1, 1], [0, 0, 0]]);
        check(small().accuracy(), 3.0 / 5.0);
    }

    #[test]
    fn class_scores_are_those_worked_out_by_hand() {
        let scores = small().class_scores();
        check(scores[0].precision, 1.0);
        check(scores[0].recall, 2.0 / 3.0);
        check(scores[0].f1, 0.8);
        check(scores[1].precision, 0.5);
        check(scores[1].f1, 0.5);
        assert_eq!((scores[2].support, scores[2].answered), (0, 1));
        check(scores[2].f1, 0.0);
    }

    #[test]
    fn a_class_without_samples_does_not_pull_the_macro_average_down() {
        check(small().macro_f1(), 0.65);
        check(
            small().weighted_averages().f1,
            (3.0 * 0.8 + 2.0 * 0.5) / 5.0,
        );
    }

    #[test]
    fn weighted_recall_is_the_accuracy() {
        check(small().weighted_averages().recall, small().accuracy());
    }

    #[test]
    fn no_samples_score_nothing() {
        let empty = ConfusionMatrix::new(2);
        check(empty.accuracy(), 0.0);
        check(empty.macro_f1(), 0.0);
    }

    #[test]
    fn matrices_of_parts_add_up_to_the_whole() {
        let mut sum = ConfusionMatrix::of(3, &[0, 0, 0], &[0, 0, 1]);
        sum.add(&ConfusionMatrix::of(3, &[1, 1], &[1, 2]));
        assert_eq!(sum, small());
    }
}
