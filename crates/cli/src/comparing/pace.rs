//! Pace: how much of a comparison is done, and how long the rest will take.

use std::{collections::BTreeMap, fmt, time::Duration};

use super::{Plan, TablePlace};
use crate::numbers::{duration, noun};

/// Trials done and to come. The rest is expected to take as long as trials of the same models did.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    done: usize,
    /// Trials to come of each model.
    to_come: BTreeMap<String, usize>,
    /// How long each trial of a model took, in seconds.
    took: BTreeMap<String, Vec<f64>>,
    seeds: usize,
}

impl Pace {
    pub(super) fn new(plan: &Plan, places: &[TablePlace]) -> Self {
        let each = plan.seeds.len() * places.len();
        let models = plan.competitors.iter().map(|one| one.name().to_owned());
        Self {
            done: 0,
            to_come: models.map(|model| (model, each)).collect(),
            took: BTreeMap::new(),
            seeds: plan.seeds.len(),
        }
    }

    /// Trials in all.
    pub(super) fn all(&self) -> usize {
        self.done + self.to_come.values().sum::<usize>()
    }

    /// The number of the next trial, counted from 1.
    pub(super) fn next(&self) -> usize {
        self.done + 1
    }

    /// A trial is done, now or by an earlier run of the command.
    pub(super) fn done(&mut self, model: &str, seconds: f64) {
        self.done += 1;
        if let Some(to_come) = self.to_come.get_mut(model) {
            *to_come = to_come.saturating_sub(1);
        }
        self.took.entry(model.to_owned()).or_default().push(seconds);
    }

    /// A model cannot be fitted to one of the datasets: its trials there will not come.
    pub(super) fn skip_model(&mut self, model: &str) {
        if let Some(to_come) = self.to_come.get_mut(model) {
            *to_come = to_come.saturating_sub(self.seeds);
        }
    }

    /// The time left for models of which one trial is done, and how many trials it is not known of.
    fn left(&self) -> (Duration, usize) {
        let (mut seconds, mut unknown) = (0.0, 0);
        for (model, &to_come) in &self.to_come {
            match self.took.get(model) {
                Some(took) => {
                    let mean = took.iter().sum::<f64>() / took.len() as f64;
                    seconds += mean * to_come as f64;
                }
                None => unknown += to_come,
            }
        }
        (Duration::from_secs_f64(seconds), unknown)
    }
}

/// `3 of 14 trials done, 12 min 05 s left and 4 trials of models not tried yet`.
impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.all();
        write!(
            f,
            "{} of {all} {} done",
            self.done,
            noun(all as u64, "trial")
        )?;
        let (left, unknown) = self.left();
        if self.done == all {
            return Ok(());
        }
        write!(f, ", {} left", duration(left))?;
        if unknown > 0 {
            let trials = noun(unknown as u64, "trial");
            write!(f, " and {unknown} {trials} of models not tried yet")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace {
            done: 0,
            to_come: BTreeMap::from([("gru".to_owned(), 3), ("resnet".to_owned(), 2)]),
            took: BTreeMap::new(),
            seeds: 2,
        }
    }

    #[test]
    fn the_rest_takes_as_long_as_the_same_models_did() {
        let mut pace = pace();
        pace.done("gru", 10.0);
        assert_eq!(
            pace.to_string(),
            "1 of 5 trials done, 20 s left and 2 trials of models not tried yet"
        );
        pace.done("gru", 20.0);
        pace.done("resnet", 100.0);
        // One of the GRU at a mean of 15 s, one of the ResNet at 100 s.
        assert_eq!(pace.to_string(), "3 of 5 trials done, 1 min 55 s left");
    }

    #[test]
    fn trials_that_will_not_come_are_not_waited_for() {
        let mut pace = pace();
        pace.skip_model("resnet");
        for _ in 0..3 {
            pace.done("gru", 1.0);
        }
        assert_eq!(pace.to_string(), "3 of 3 trials done");
    }
}
