//! Windows: what those of a session say of it together.

/// The least probability that counts: no window alone can rule a class out.
const FLOOR: f64 = 0.01;

/// What the windows of a session have said so far.
///
/// Each says how probable it holds each class; the session's probabilities are the geometric mean
/// of these, made to sum to 1. A window that is sure weighs more than one that is not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ballot {
    /// Sums of the logarithms, `[classes]`.
    logarithms: Vec<f64>,
    familiarity: f64,
    windows: u64,
}

impl Ballot {
    /// Nothing yet, about so many classes.
    pub(crate) fn new(classes: usize) -> Self {
        Self {
            logarithms: vec![0.0; classes],
            familiarity: 0.0,
            windows: 0,
        }
    }

    /// Takes in what a window says: the probability of each class, and how familiar it is.
    pub(crate) fn add(&mut self, probabilities: &[f64], familiarity: f64) {
        for (sum, probability) in self.logarithms.iter_mut().zip(probabilities) {
            *sum += probability.max(FLOOR).ln();
        }
        self.familiarity += familiarity;
        self.windows += 1;
    }

    /// Windows so far.
    pub(crate) fn windows(&self) -> u64 {
        self.windows
    }

    /// The most probable class, the first of equal ones, and its probability.
    pub(crate) fn result(&self) -> (u32, f64) {
        let windows = self.windows.max(1) as f64;
        let mut best = 0;
        for (class, &sum) in self.logarithms.iter().enumerate() {
            if sum > self.logarithms[best] {
                best = class;
            }
        }
        let top = self.logarithms.get(best).copied().unwrap_or_default();
        let powers = self
            .logarithms
            .iter()
            .map(|sum| ((sum - top) / windows).exp());
        (best as u32, 1.0 / powers.sum::<f64>())
    }

    /// How familiar a window is on average.
    pub(crate) fn familiarity(&self) -> f64 {
        self.familiarity / self.windows.max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(windows: &[[f64; 2]], class: u32, confidence: f64) {
        let mut ballot = Ballot::new(2);
        for window in windows {
            ballot.add(window, 0.5);
        }
        let (found, probability) = ballot.result();
        assert_eq!(found, class);
        assert!((probability - confidence).abs() < 1e-12, "{probability}");
        assert_eq!(ballot.windows(), windows.len() as u64);
        assert!((ballot.familiarity() - 0.5).abs() < 1e-12);
    }

    #[test]
    fn one_window_says_what_it_says() {
        check(&[[0.2, 0.8]], 1, 0.8);
        check(&[[0.5, 0.5]], 0, 0.5);
    }

    #[test]
    fn several_say_their_geometric_mean() {
        // The roots of .2 * .5 and .8 * .5, which are as 1 to 2.
        check(&[[0.2, 0.8], [0.5, 0.5]], 1, 2.0 / 3.0);
    }

    #[test]
    fn a_window_alone_rules_nothing_out() {
        // .01 * .9 * .9 against 1 * .1 * .1, then .01 * .95 * .95 against 1 * .05 * .05.
        check(
            &[[0.0, 1.0], [0.9, 0.1], [0.9, 0.1]],
            1,
            1.0 / (1.0 + (0.0081_f64 / 0.01).cbrt()),
        );
        check(
            &[[0.0, 1.0], [0.95, 0.05], [0.95, 0.05]],
            0,
            1.0 / (1.0 + (0.0025_f64 / 0.009_025).cbrt()),
        );
    }
}
