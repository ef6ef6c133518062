//! Cheap opponents: what knows next to nothing, fitted and scored on the same samples as a model.

use std::sync::atomic::AtomicBool;

use serde::{Deserialize, Serialize};

use super::{Scores, confusion::ConfusionMatrix};
use crate::{
    baselines::{Baseline, CHEAP},
    dataset::{Dataset, Split},
    learner::{Fitting, FittingSet, Learner, LearnerError, NoProgress},
};

/// A cheap opponent and its score.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opponent {
    /// A method and what it learns from, as in `forest:packets`.
    pub model: String,
    /// The share of right answers.
    pub accuracy: f64,
    /// The mean F1 of all classes that have samples.
    pub macro_f1: f64,
}

impl Opponent {
    /// Each of [`CHEAP`], fitted to the training samples with seed 1 and scored on those of `split`; without
    /// those whose input the dataset does not have.
    ///
    /// # Errors
    ///
    /// If there are no samples to fit to.
    pub fn all(dataset: &Dataset, split: Split, threads: usize) -> Result<Vec<Self>, LearnerError> {
        let mut found = Vec::new();
        for name in CHEAP {
            let Ok(baseline) = name.parse::<Baseline>() else {
                continue;
            };
            match answers(baseline, dataset, split, threads) {
                Ok(answers) => found.extend(Self::of(name, dataset, split, &answers)),
                Err(LearnerError::MissingInput { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// None without samples.
    fn of(name: &str, dataset: &Dataset, split: Split, answers: &[u32]) -> Option<Self> {
        let labels = &dataset.split(split).samples.labels;
        let matrix = ConfusionMatrix::of(dataset.manifest.classes.len(), labels, answers);
        let scores = Scores::of(&matrix)?;
        Some(Self {
            model: name.to_owned(),
            accuracy: scores.accuracy,
            macro_f1: scores.macro_averages.f1,
        })
    }
}

fn answers(
    baseline: Baseline,
    dataset: &Dataset,
    split: Split,
    threads: usize,
) -> Result<Vec<u32>, LearnerError> {
    let fitted = baseline.fit(
        FittingSet::of(dataset),
        &mut Fitting {
            seed: 1,
            threads,
            stop: &AtomicBool::new(false),
            progress: &mut NoProgress,
        },
    )?;
    let probabilities = fitted.probabilities(&dataset.manifest, dataset.split(split), threads)?;
    Ok(probabilities.answers().classes)
}
