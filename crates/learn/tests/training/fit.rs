//! What comes of a training: a model that tells classes apart, an early end, or a refusal.

use network::{architecture::Architecture, precision::Precision};
use undertone_learn::{
    dataset::{Dataset, Split},
    drift::Quantity,
    evaluation::{self, Subject, sharing::Seen},
    model::Model,
    run::Start,
    training::{MissingClasses, Outcome},
};

use crate::{dataset, fit, training};

#[test]
fn a_trained_model_tells_the_classes_apart_and_is_evaluated() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let mut training = training(folder.path(), Start::New, &dataset);
    training.recipe.epochs = 12;
    fit(&training, &dataset).unwrap();
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
fn a_finished_run_knows_how_its_validation_samples_are_distributed() {
    let dataset = dataset();
    let folder = tempfile::tempdir().unwrap();
    let training = training(folder.path(), Start::New, &dataset);
    fit(&training, &dataset).unwrap();
    let model = Model::open(&training.run.model_path()).unwrap();
    let reference = &model.card().reference;
    let of: Vec<_> = reference.iter().map(|one| one.of).collect();
    assert_eq!(of, Quantity::ALL);
    assert!(reference.iter().all(|one| one.total() == 15));
    // All samples have three packets: one edge, and nothing below it.
    let packets = &reference[Quantity::Packets as usize];
    assert_eq!(
        (&packets.edges[..], &packets.counts[..]),
        (&[3.0][..], &[0, 15][..])
    );
    assert_eq!(reference[Quantity::Class as usize].counts.len(), 3);
}

#[test]
fn the_network_learns_in_bfloat16_as_it_does_in_float32() {
    let dataset = dataset();
    let [float32, bfloat16] = [Precision::Float32, Precision::Bfloat16].map(|precision| {
        let folder = tempfile::tempdir().unwrap();
        let mut training = training(folder.path(), Start::New, &dataset);
        training.recipe.network = Architecture::Resnet;
        training.recipe.precision = precision;
        training.recipe.learning_rate = 0.003;
        training.recipe.epochs = 8;
        fit(&training, &dataset).unwrap();
        training.run.epochs().unwrap()
    });
    assert!(float32 != bfloat16, "one of them did not round");
    for epochs in [&float32, &bfloat16] {
        let (first, last) = (&epochs[0], &epochs[7]);
        assert!(last.train_loss < 0.2 * first.train_loss, "{last:?}");
        assert!(last.validation_accuracy > 0.9, "{last:?}");
    }
    let gap = float32[7].train_loss - bfloat16[7].train_loss;
    assert!(gap.abs() < 0.1 * float32[0].train_loss, "{gap}");
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
    let error = fit(&training, &dataset).unwrap_err().to_string();
    assert!(
        error.starts_with("no training samples of class `VoIP`;"),
        "{error}"
    );
    assert!(!run.exists(), "nothing is left behind");
    training.missing_classes = MissingClasses::Allow;
    assert!(fit(&training, &dataset).is_ok());
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
    let outcome = fit(&training, &dataset).unwrap();
    let Outcome::Finished { epochs, best } = outcome else {
        panic!("{outcome:?}");
    };
    assert!(epochs < 500);
    assert_eq!(epochs, best.epoch + 3);
}

#[test]
fn fields_of_slices_that_nobody_cut_are_not_there_to_be_changed() {
    let dataset = dataset();
    let mut manifest = dataset.manifest.clone();
    manifest.policy = "raw".to_owned();
    let sides = [Split::Train, Split::Validation, Split::Test].map(|side| dataset.rows(side));
    let dataset = Dataset::from_rows(manifest, sides);
    let folder = tempfile::tempdir().unwrap();
    let mut training = training(&folder.path().join("run"), Start::New, &dataset);
    training.recipe.augmentation.random_fields = 0.5;
    let error = fit(&training, &dataset).unwrap_err().to_string();
    assert!(
        error.ends_with("import them without `--raw`, or leave that out"),
        "{error}"
    );
    training.recipe.augmentation.random_fields = 0.0;
    assert!(fit(&training, &dataset).is_ok());
}
