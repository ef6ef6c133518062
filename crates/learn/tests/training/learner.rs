//! A network behind the trait that baselines share.

use std::{path::PathBuf, sync::atomic::AtomicBool};

use tempfile::TempDir;
use undertone_learn::{
    dataset::Split,
    learner::{FitProgress, Fitting, FittingSet, Learner, LearnerError, NetworkLearner},
    model::Model,
    recipe::Recipe,
    run::{Run, Start},
};

use super::{dataset, fit, recipe, training};

/// Remembers the last thing it was told.
#[derive(Default)]
struct Last(Option<(u64, u64, &'static str)>);

impl FitProgress for Last {
    fn advance(&mut self, done: u64, whole: u64, unit: &'static str) {
        self.0 = Some((done, whole, unit));
    }
}

fn learner(folder: &TempDir) -> NetworkLearner {
    NetworkLearner {
        // The seed of the fit counts, not this one.
        recipe: Recipe {
            seed: 99,
            ..recipe()
        },
        run: Run::at(folder.path().join("run")),
        dataset: PathBuf::from("toy"),
    }
}

#[test]
fn a_network_fitted_as_a_learner_is_the_one_that_training_leaves() {
    let (folder, dataset) = (TempDir::new().unwrap(), dataset());
    let mut last = Last::default();
    let mut fitting = Fitting {
        seed: recipe().seed,
        threads: 1,
        stop: &AtomicBool::new(false),
        progress: &mut last,
    };
    let fitted = learner(&folder)
        .fit(FittingSet::of(&dataset), &mut fitting)
        .unwrap();
    // 42 samples in batches of 8, 4 times.
    assert_eq!(last.0, Some((24, 24, "steps")));

    let trained = training(&folder.path().join("trained"), Start::New, &dataset);
    fit(&trained, &dataset).unwrap();
    let model = Model::open(&trained.run.model_path()).unwrap();
    let test = dataset.split(Split::Test);
    let found = fitted.probabilities(&dataset.manifest, test, 1).unwrap();
    let expected =
        undertone_learn::learner::Fitted::probabilities(&model, &dataset.manifest, test, 2);
    assert_eq!(found, expected.unwrap());
    assert_eq!(fitted.parameters(), model.parameters());
    assert_eq!(found.answers().classes.len(), 15);
}

#[test]
fn a_stopped_fit_is_continued_by_the_next() {
    let (folder, dataset) = (TempDir::new().unwrap(), dataset());
    let mut last = Last::default();
    let mut fitting = |stop: bool| {
        let stop = AtomicBool::new(stop);
        let mut fitting = Fitting {
            seed: 3,
            threads: 1,
            stop: &stop,
            progress: &mut last,
        };
        learner(&folder).fit(FittingSet::of(&dataset), &mut fitting)
    };
    assert!(matches!(fitting(true), Err(LearnerError::Stopped)));
    let first = fitting(false).unwrap();
    // Finished: nothing is trained again.
    let second = fitting(false).unwrap();
    let test = dataset.split(Split::Test);
    assert_eq!(
        first.probabilities(&dataset.manifest, test, 1).unwrap(),
        second.probabilities(&dataset.manifest, test, 1).unwrap()
    );
}
