//! Training from outside: runs that stop and go on, and the files they leave.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::{
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use traffic::{
    link::LinkType,
    packet::{FiveTuple, Protocol},
    timestamp::Timestamp,
};
use undertone_learn::{
    dataset::{Dataset, LabelledSlices, Manifest, Origin, Rows, Split, manifest::ClassCounts},
    evaluation::{self, Subject, sharing::Seen},
    model::Model,
    recipe::Recipe,
    run::{DatasetReference, Run, Start},
    training::{MissingClasses, Outcome, Progress, StepProgress, Training, TrainingError, train},
};

const LENGTH: usize = 48;

/// Samples of three classes whose first bytes differ, with a little noise that differs by sample.
fn rows(samples: u32, salt: u32) -> Rows {
    let mut slices = Vec::new();
    let mut labels = Vec::new();
    let mut origins = Vec::new();
    for sample in 0..samples {
        let label = sample % 3;
        for place in 0..LENGTH as u32 {
            let noise = (sample * 31 + place * 17 + salt * 7) % 23;
            let signal = if place % 3 == label { 200 } else { 20 };
            slices.push((signal + noise) as u8);
        }
        labels.push(label);
        origins.push(Origin {
            capture: 0,
            row: None,
            group: format!("G{}", sample % 4),
            five_tuple: FiveTuple {
                protocol: Protocol::Tcp,
                source: ([10, 0, 0, 1], 1024 + (salt * 1000 + sample) as u16).into(),
                destination: ([10, 0, 0, 2], 443).into(),
            },
            link_type: LinkType(1),
            start: Timestamp::from_nanoseconds(i64::from(sample)),
            packets: 3,
            bytes: 300,
            background: None,
        });
    }
    Rows {
        samples: LabelledSlices {
            slice_length: LENGTH,
            slices,
            labels,
        },
        origins,
    }
}

fn dataset() -> Dataset {
    let classes: Vec<String> = ["Chat", "Email", "VoIP"].map(str::to_owned).to_vec();
    let mut manifest = Manifest::new("toy", classes.clone(), "paper", LENGTH);
    manifest.samples_sha256 = "00ff".repeat(16);
    manifest.split.classes = classes
        .iter()
        .map(|class| ClassCounts {
            class: class.clone(),
            train: 14,
            validation: 5,
            test: 5,
            background: 0,
        })
        .collect();
    Dataset::from_rows(manifest, [rows(42, 0), rows(15, 1), rows(15, 2)])
}

fn recipe() -> Recipe {
    Recipe::parse(
        "schema = 1\nnetwork = \"gru\"\nepochs = 4\nbatch_size = 8\nlearning_rate = 0.01\n\
         schedule = \"cosine\"\nwarm_up_epochs = 1\ndropout = 0.25\nclass_weights = \"sqrt\"\nseed = 3\n",
    )
    .unwrap()
}

fn training(folder: &Path, start: Start, dataset: &Dataset) -> Training {
    Training {
        recipe: recipe(),
        run: Run::at(folder),
        start,
        dataset: DatasetReference::new(dataset, Path::new("toy")),
        missing_classes: MissingClasses::Refuse,
        threads: 1,
    }
}

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

struct Silent;

impl Progress for Silent {}

fn never() -> AtomicBool {
    AtomicBool::new(false)
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
    let outcome = train(
        &training(&whole, Start::New, &dataset),
        &dataset,
        &mut Silent,
        &never(),
    );
    assert!(matches!(
        outcome.unwrap(),
        Outcome::Finished { epochs: 4, .. }
    ));
    // Six steps an epoch: in the middle, at an end, after one, and again and again.
    for stops in [vec![3], vec![6], vec![1, 1, 1, 9], vec![12, 5]] {
        let parts = folder.path().join(format!("parts{stops:?}"));
        let mut start = Start::New;
        for &steps in &stops {
            let stop = never();
            let mut progress = StopAfter { steps, stop: &stop };
            let outcome = train(
                &training(&parts, start, &dataset),
                &dataset,
                &mut progress,
                &stop,
            );
            assert!(matches!(outcome.unwrap(), Outcome::Stopped { .. }));
            start = Start::Resume;
        }
        let outcome = train(
            &training(&parts, start, &dataset),
            &dataset,
            &mut Silent,
            &never(),
        );
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
    train(
        &paper("whole", Start::New, 1),
        &dataset,
        &mut Silent,
        &never(),
    )
    .unwrap();
    let stop = never();
    let mut progress = StopAfter {
        steps: 8,
        stop: &stop,
    };
    train(
        &paper("parts", Start::New, 2),
        &dataset,
        &mut progress,
        &stop,
    )
    .unwrap();
    train(
        &paper("parts", Start::Resume, 3),
        &dataset,
        &mut Silent,
        &never(),
    )
    .unwrap();
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
        train(&training, &dataset, &mut Silent, &never()).unwrap();
        place
    });
    check_same_files(&places[0], &places[1]);
}

#[test]
fn a_trained_model_tells_the_classes_apart_and_is_evaluated() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let mut training = training(folder.path(), Start::New, &dataset);
    training.recipe.epochs = 12;
    train(&training, &dataset, &mut Silent, &never()).unwrap();
    let model = Model::open(&training.run.model_path()).unwrap();
    let subject = Subject {
        manifest: &dataset.manifest,
        split: Split::Test,
        rows: dataset.split(Split::Test),
        seen: Some(Seen {
            rows: dataset.split(Split::Train),
            captures: &dataset.manifest.captures,
        }),
    };
    let evaluation = evaluation::evaluate(&model, subject, 1).unwrap();
    assert!(
        evaluation.scores.accuracy > 0.9,
        "{}",
        evaluation.scores.accuracy
    );
    assert_eq!(evaluation.scores.samples, 15);
    assert_eq!(evaluation.intervals.units, 4);
    assert_eq!(evaluation.model.sha256, model.hash());
    let back = evaluation::Evaluation::from_json(&evaluation.to_json()).unwrap();
    assert_eq!(
        (back.model, back.confusion),
        (evaluation.model.clone(), evaluation.confusion.clone())
    );
    assert_eq!(
        evaluation,
        evaluation::evaluate(&model, subject, 3).unwrap()
    );
}

#[test]
fn a_run_that_is_there_is_not_overwritten() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let again = |start| {
        train(
            &training(folder.path(), start, &dataset),
            &dataset,
            &mut Silent,
            &never(),
        )
    };
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
    let error = train(
        &training(&run, Start::Resume, &dataset),
        &dataset,
        &mut Silent,
        &never(),
    );
    assert!(
        error
            .unwrap_err()
            .to_string()
            .contains("holds no run to resume")
    );
    assert!(!run.exists(), "nothing is left behind");
    train(
        &training(&run, Start::New, &dataset),
        &dataset,
        &mut Silent,
        &never(),
    )
    .unwrap();
    let mut other = training(&run, Start::Resume, &dataset);
    other.recipe.seed = 4;
    let error = train(&other, &dataset, &mut Silent, &never()).unwrap_err();
    assert!(
        matches!(&error, TrainingError::OtherRecipe { differences }
        if differences == "its own has `seed = 3`, this one `seed = 4`"),
        "{error}"
    );
    let mut other = training(&run, Start::Resume, &dataset);
    other.dataset.sha256 = "other".to_owned();
    let error = train(&other, &dataset, &mut Silent, &never()).unwrap_err();
    assert!(
        matches!(error, TrainingError::OtherDataset { .. }),
        "{error}"
    );
}

#[test]
fn a_class_without_training_samples_is_refused_by_name() {
    let dataset = dataset();
    let mut train_rows = dataset.rows(Split::Train);
    for label in &mut train_rows.samples.labels {
        *label = (*label).min(1);
    }
    let dataset = Dataset::from_rows(
        dataset.manifest.clone(),
        [
            train_rows,
            dataset.rows(Split::Validation),
            dataset.rows(Split::Test),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut training = training(&run, Start::New, &dataset);
    let error = train(&training, &dataset, &mut Silent, &never())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("no training samples of class `VoIP`;"),
        "{error}"
    );
    assert!(!run.exists(), "nothing is left behind");
    training.missing_classes = MissingClasses::Allow;
    assert!(train(&training, &dataset, &mut Silent, &never()).is_ok());
}

#[test]
fn training_ends_early_when_it_gets_no_better() {
    let dataset = dataset();
    // Validation labels that contradict the training labels: the better the fit, the worse.
    let mut validation = dataset.rows(Split::Validation);
    for label in &mut validation.samples.labels {
        *label = (*label + 1) % 3;
    }
    let dataset = Dataset::from_rows(
        dataset.manifest.clone(),
        [
            dataset.rows(Split::Train),
            validation,
            dataset.rows(Split::Test),
        ],
    );
    let folder = tempfile::tempdir().unwrap();
    let mut training = training(folder.path(), Start::New, &dataset);
    training.recipe.epochs = 500;
    training.recipe.patience = Some(3);
    let outcome = train(&training, &dataset, &mut Silent, &never()).unwrap();
    let Outcome::Finished { epochs, best } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(epochs < 500);
    assert_eq!(epochs, best.epoch + 3);
}

#[test]
fn a_damaged_state_is_told_and_not_continued_from() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let mut first = training(folder.path(), Start::New, &dataset);
    train(&first, &dataset, &mut Silent, &never()).unwrap();
    let path = folder.path().join("last.safetensors");
    let bytes = fs::read(&path).unwrap();
    fs::write(&path, &bytes[..bytes.len() / 2]).unwrap();
    first.start = Start::Resume;
    let error = train(&first, &dataset, &mut Silent, &never())
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("cannot continue from `last.safetensors`"),
        "{error}"
    );
}
