//! Runs that stop and go on: the same bytes in the end, on their own recipe and dataset only.

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use undertone_learn::{
    dataset::Dataset,
    recipe::{Architecture, Recipe},
    run::Start,
    training::{LayerDone, Outcome, Progress, StepProgress, Training, TrainingError, train},
};

use crate::{dataset, fit, never, training};

/// Stops after so many steps.
struct StopAfter<'a> {
    steps: u64,
    stop: &'a AtomicBool,
}

impl Progress for StopAfter<'_> {
    fn step(&mut self, _step: StepProgress) {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Trains for so many steps.
fn fit_for(steps: u64, training: &Training, dataset: &Dataset) -> Result<Outcome, TrainingError> {
    let stop = never();
    train(
        training,
        dataset,
        &mut StopAfter { steps, stop: &stop },
        &stop,
    )
}

#[track_caller]
fn check_same_files(one: &Path, other: &Path) {
    for name in [
        "recipe.toml",
        "dataset.json",
        "epochs.jsonl",
        "model.safetensors",
        "last.safetensors",
    ] {
        assert_eq!(
            fs::read(one.join(name)).unwrap(),
            fs::read(other.join(name)).unwrap(),
            "{name} differs"
        );
    }
    assert_eq!(
        fs::read_dir(one).unwrap().count(),
        5,
        "nothing half-written is left"
    );
}

#[test]
fn a_run_that_was_stopped_anywhere_ends_in_the_same_bytes() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let outcome = fit(&training(&whole, Start::New, &dataset), &dataset);
    assert!(matches!(
        outcome.unwrap(),
        Outcome::Finished { epochs: 4, .. }
    ));
    // Six steps an epoch: in the middle, at an end, after one, and again and again.
    for stops in [vec![3], vec![6], vec![1, 1, 1, 9], vec![12, 5]] {
        let parts = folder.path().join(format!("parts{stops:?}"));
        let mut start = Start::New;
        for &steps in &stops {
            let outcome = fit_for(steps, &training(&parts, start, &dataset), &dataset);
            assert!(matches!(outcome.unwrap(), Outcome::Stopped { .. }));
            start = Start::Resume;
        }
        let outcome = fit(&training(&parts, start, &dataset), &dataset);
        assert!(matches!(
            outcome.unwrap(),
            Outcome::Finished { epochs: 4, .. }
        ));
        check_same_files(&whole, &parts);
    }
}

#[test]
fn the_papers_network_goes_on_to_the_same_bytes_at_any_number_of_threads() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let paper = |name: &str, start, threads| {
        let mut training = training(&folder.path().join(name), start, &dataset);
        training.recipe.network = "resnet-gru".parse().unwrap();
        training.recipe.epochs = 2;
        training.threads = threads;
        training
    };
    fit(&paper("whole", Start::New, 1), &dataset).unwrap();
    fit_for(8, &paper("parts", Start::New, 2), &dataset).unwrap();
    fit(&paper("parts", Start::Resume, 3), &dataset).unwrap();
    check_same_files(&folder.path().join("whole"), &folder.path().join("parts"));
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let places = [1, 3].map(|threads| {
        let place = folder.path().join(threads.to_string());
        let training = Training {
            threads,
            ..training(&place, Start::New, &dataset)
        };
        fit(&training, &dataset).unwrap();
        place
    });
    check_same_files(&places[0], &places[1]);
}

#[test]
fn a_run_that_is_there_is_not_overwritten() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let again = |start| fit(&training(folder.path(), start, &dataset), &dataset);
    again(Start::New).unwrap();
    let before = fs::read(folder.path().join("model.safetensors")).unwrap();
    let error = again(Start::New).unwrap_err().to_string();
    assert!(error.contains("already holds a run"), "{error}");
    again(Start::Over).unwrap();
    assert_eq!(
        fs::read(folder.path().join("model.safetensors")).unwrap(),
        before
    );
}

#[test]
fn a_run_is_resumed_on_its_own_recipe_and_dataset_only() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let error = fit(&training(&run, Start::Resume, &dataset), &dataset);
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("holds no run to resume")
    );
    assert!(!run.exists(), "nothing is left behind");
    fit(&training(&run, Start::New, &dataset), &dataset).unwrap();
    let mut other = training(&run, Start::Resume, &dataset);
    other.recipe.seed = 4;
    let error = fit(&other, &dataset).unwrap_err();
    assert!(
        matches!(&error, TrainingError::OtherRecipe { differences }
        if differences == "its own has `seed = 3`, this one `seed = 4`"),
        "{error}"
    );
    let mut other = training(&run, Start::Resume, &dataset);
    other.dataset.sha256 = "other".to_owned();
    let error = fit(&other, &dataset).unwrap_err();
    assert!(
        matches!(error, TrainingError::OtherDataset { .. }),
        "{error}"
    );
}

#[test]
fn a_damaged_state_is_told_and_not_continued_from() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let mut first = training(folder.path(), Start::New, &dataset);
    fit(&first, &dataset).unwrap();
    let path = folder.path().join("last.safetensors");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    first.start = Start::Resume;
    let error = fit(&first, &dataset).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot continue from `last.safetensors`"),
        "{error}"
    );
}

/// Stops once so many layers were started.
struct StopAfterLayers<'a> {
    layers: usize,
    stop: &'a AtomicBool,
}

impl Progress for StopAfterLayers<'_> {
    fn layer(&mut self, done: LayerDone) {
        assert!(done.loss.is_finite() && done.loss > 0.0, "{done:?}");
        assert_eq!(done.layers, 5);
        if done.layer == self.layers {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

#[test]
fn layers_that_start_alone_change_the_model_and_a_stop_among_them_does_not() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let started = |name: &str, start, layerwise_epochs| {
        let mut training = training(&folder.path().join(name), start, &dataset);
        training.recipe = Recipe {
            network: Architecture::DeepPacketSae,
            layerwise_epochs,
            ..training.recipe
        };
        training
    };
    fit(&started("plain", Start::New, 0), &dataset).unwrap();
    fit(&started("whole", Start::New, 2), &dataset).unwrap();
    let model = |name: &str| fs::read(folder.path().join(name).join("model.safetensors")).unwrap();
    assert_ne!(model("plain"), model("whole"));

    // Among the layers, and after the last of them, before the first step.
    for layers in [2, 5] {
        let name = format!("stopped{layers}");
        let stop = never();
        let mut progress = StopAfterLayers {
            layers,
            stop: &stop,
        };
        let outcome = train(
            &started(&name, Start::New, 2),
            &dataset,
            &mut progress,
            &stop,
        );
        assert_eq!(outcome.unwrap(), Outcome::Stopped { epoch: 1, step: 0 });
        fit(&started(&name, Start::Resume, 2), &dataset).unwrap();
        check_same_files(&folder.path().join("whole"), &folder.path().join(name));
    }
}
