//! Baselines held against scikit-learn: `reference/make_baselines.py` makes the values.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::{collections::BTreeMap, sync::atomic::AtomicBool};

use serde::Deserialize;
use traffic::{
    link::LinkType,
    packet::{FiveTuple, Protocol},
    timestamp::Timestamp,
};
use undertone_learn::{
    baselines::{
        Baseline, Method, Predictor,
        features::{Examples, Features},
        linear_svm::LinearSvm,
        tree::{Tree, TreeSettings},
    },
    dataset::{Dataset, LabelledSlices, Manifest, Origin, Rows, Split},
    learner::{Fitted, Fitting, FittingSet, Learner, LearnerError, NoProgress, Probabilities},
};

#[derive(Deserialize)]
struct Reference {
    classes: usize,
    columns: usize,
    train: Samples,
    validation: Samples,
    test: Samples,
    byte_train: Samples,
    byte_test: Samples,
    probabilities: BTreeMap<String, Vec<Vec<f64>>>,
    svm_distances: Vec<Vec<f64>>,
    accuracy: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct Samples {
    values: Vec<f64>,
    labels: Vec<u32>,
}

impl Samples {
    fn numbers(&self, columns: usize) -> Features {
        let values = self.values.iter().map(|&value| value as f32);
        Features::numbers(columns, values.collect())
    }

    fn bytes(&self, columns: usize) -> Features {
        let values = self.values.iter().map(|&value| value as u8);
        Features::bytes(columns, values.collect())
    }
}

/// As the reference's trees: so small that no two splits are equally good.
const SMALL: TreeSettings = TreeSettings {
    max_depth: Some(4),
    min_leaf: 20,
    ..TreeSettings::SHALLOW
};

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/baselines.json")).unwrap()
}

fn fit(
    reference: &Reference,
    method: &str,
    seed: u64,
    threads: usize,
) -> Result<Vec<f64>, LearnerError> {
    let of = |samples: &Samples| samples.numbers(reference.columns);
    let (train, validation) = (of(&reference.train), of(&reference.validation));
    let mut fitting = Fitting {
        seed,
        threads,
        stop: &AtomicBool::new(false),
        progress: &mut NoProgress,
    };
    let examples = Examples {
        train: (&train, &reference.train.labels),
        validation: (&validation, &reference.validation.labels),
    };
    let method: Method = method.parse().unwrap();
    let fitted = method.fit(&examples, reference.classes, &mut fitting)?;
    Ok(fitted.probabilities(&of(&reference.test), threads))
}

#[track_caller]
fn check_probabilities(found: &[f64], expected: &[Vec<f64>]) {
    let expected = expected.iter().flatten();
    assert_eq!(found.len(), expected.clone().count());
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() < 2e-5,
            "number {at}: {found} is not {expected}"
        );
    }
}

#[track_caller]
fn check_exact(method: &str) {
    let reference = reference();
    let found = fit(&reference, method, 1, 1).unwrap();
    check_probabilities(&found, &reference.probabilities[method]);
}

#[track_caller]
fn check_accuracy(method: &str, tolerance: f64) {
    let reference = reference();
    let expected = reference.accuracy[method];
    let answers = Probabilities {
        classes: reference.classes,
        values: fit(&reference, method, 1, 2).unwrap(),
    }
    .answers();
    let labels = &reference.test.labels;
    let right = answers
        .classes
        .iter()
        .zip(labels)
        .filter(|(answer, label)| answer == label);
    let found = right.count() as f64 / labels.len() as f64;
    assert!(
        (found - expected).abs() < tolerance,
        "{method}: {found}, scikit-learn has {expected}"
    );
}

#[test]
fn the_majority_is_scikit_learns() {
    check_exact("majority");
}

#[test]
fn the_nearest_neighbours_are_scikit_learns() {
    check_exact("1nn");
    check_exact("5nn");
}

#[test]
fn naive_bayes_is_scikit_learns() {
    check_exact("bayes");
}

#[test]
fn a_tree_on_numbers_is_scikit_learns() {
    let reference = reference();
    let train = reference.train.numbers(reference.columns);
    let tree = Tree::fit(
        &train,
        &reference.train.labels,
        reference.classes,
        &SMALL,
        1,
    );
    let test = reference.test.numbers(reference.columns);
    let found = tree.probabilities(&test, 1);
    check_probabilities(&found, &reference.probabilities["tree"]);
}

#[test]
fn a_tree_on_bytes_is_scikit_learns() {
    let reference = reference();
    let train = reference.byte_train.bytes(reference.columns);
    let labels = &reference.byte_train.labels;
    let tree = Tree::fit(&train, labels, reference.classes, &SMALL, 1);
    let test = reference.byte_test.bytes(reference.columns);
    let found = tree.probabilities(&test, 1);
    check_probabilities(&found, &reference.probabilities["byte_tree"]);
}

#[test]
fn the_distances_from_the_hyperplanes_are_scikit_learns() {
    let reference = reference();
    let train = reference.train.numbers(reference.columns);
    let mut fitting = Fitting {
        seed: 1,
        threads: 2,
        stop: &AtomicBool::new(false),
        progress: &mut NoProgress,
    };
    let examples = Examples {
        train: (&train, &reference.train.labels),
        validation: (&train, &reference.train.labels),
    };
    let machine = LinearSvm::fit(&examples, reference.classes, &mut fitting).unwrap();
    let found = machine.distances(&reference.test.numbers(reference.columns));
    for (found, expected) in found.iter().zip(reference.svm_distances.iter().flatten()) {
        assert!(
            (f64::from(*found) - expected).abs() < 0.002,
            "{found} is not {expected}"
        );
    }
}

// 400 test samples: a standard error is two points.

#[test]
fn a_forest_is_as_good_as_scikit_learns() {
    check_accuracy("forest", 0.03);
}

#[test]
fn boosting_is_as_good_as_scikit_learns() {
    check_accuracy("boosting", 0.03);
}

#[test]
fn a_perceptron_is_as_good_as_scikit_learns() {
    check_accuracy("mlp", 0.03);
}

#[test]
fn c45_is_about_as_good_as_a_tree_of_scikit_learn() {
    // Another criterion, and pruned besides.
    check_accuracy("c45", 0.06);
}

const ALL: [&str; 9] = [
    "look-up", "tree", "c45", "forest", "boosting", "3nn", "bayes", "mlp", "svm",
];

#[test]
fn the_number_of_threads_changes_nothing_and_the_seed_is_the_only_chance() {
    let reference = reference();
    for method in ALL {
        let one = fit(&reference, method, 3, 1).unwrap();
        assert_eq!(one, fit(&reference, method, 3, 3).unwrap(), "{method}");
    }
    for method in ["forest", "mlp"] {
        let one = fit(&reference, method, 3, 1).unwrap();
        assert_ne!(one, fit(&reference, method, 4, 1).unwrap(), "{method}");
    }
}

#[test]
fn probabilities_of_a_sample_sum_to_1() {
    let reference = reference();
    for method in ALL {
        for sample in fit(&reference, method, 1, 1)
            .unwrap()
            .chunks_exact(reference.classes)
        {
            let sum: f64 = sample.iter().sum();
            assert!((sum - 1.0).abs() < 1e-5, "{method}: {sample:?}");
        }
    }
}

#[test]
fn a_fit_that_takes_time_can_be_stopped() {
    let reference = reference();
    let train = reference.train.numbers(reference.columns);
    let examples = Examples {
        train: (&train, &reference.train.labels),
        validation: (&train, &reference.train.labels),
    };
    for method in ["forest", "boosting", "mlp", "svm"] {
        let mut fitting = Fitting {
            seed: 1,
            threads: 1,
            stop: &AtomicBool::new(true),
            progress: &mut NoProgress,
        };
        let method: Method = method.parse().unwrap();
        let stopped = method.fit(&examples, reference.classes, &mut fitting);
        assert!(matches!(stopped, Err(LearnerError::Stopped)), "{method}");
    }
}

/// Samples of two classes that the second byte of the slice tells apart, and the server's port.
fn dataset(packets: u64) -> Dataset {
    let rows = |samples: u32| {
        let mut rows = Rows {
            samples: LabelledSlices {
                slice_length: 3,
                ..LabelledSlices::default()
            },
            origins: Vec::new(),
        };
        for sample in 0..samples {
            let label = sample % 2;
            let noise = (sample * 37 % 11) as u8;
            rows.samples.labels.push(label);
            let slice = [noise, 100 * label as u8 + noise, 0];
            rows.samples.slices.extend(slice);
            rows.origins.push(Origin {
                capture: 0,
                row: None,
                group: String::new(),
                five_tuple: FiveTuple {
                    protocol: Protocol::Tcp,
                    source: ([10, 0, 0, 1], 40_000).into(),
                    destination: ([10, 0, 0, 2], 22 + 421 * label as u16).into(),
                },
                link_type: LinkType(1),
                start: Timestamp::from_nanoseconds(i64::from(sample)),
                packets,
                bytes: 0,
                background: None,
                has_preamble: false,
            });
        }
        rows
    };
    let manifest = Manifest::new("toy", vec!["A".to_owned(), "B".to_owned()], "paper", 3);
    Dataset::from_rows(manifest, [rows(60), rows(20), rows(20)])
}

fn fit_to(dataset: &Dataset, name: &str) -> Result<Box<dyn Fitted>, LearnerError> {
    let mut fitting = Fitting {
        seed: 1,
        threads: 1,
        stop: &AtomicBool::new(false),
        progress: &mut NoProgress,
    };
    let baseline: Baseline = name.parse().unwrap();
    baseline.fit(FittingSet::of(dataset), &mut fitting)
}

#[test]
fn a_baseline_learns_from_the_training_rows_of_a_dataset() {
    let dataset = dataset(3);
    let test = dataset.split(Split::Test);
    for name in [
        "tree:slice",
        "forest:slice",
        "1nn:slice",
        "svm:slice",
        "forest:server",
    ] {
        let fitted = fit_to(&dataset, name).unwrap();
        let found = fitted.probabilities(&dataset.manifest, test, 1).unwrap();
        assert_eq!(found.answers().classes, test.samples.labels, "{name}");
    }
    // One threshold and two leaves.
    assert_eq!(fit_to(&dataset, "tree:slice").unwrap().parameters(), 4);
}

#[test]
fn slices_as_they_were_found_feed_those_who_learn_from_slices_only() {
    let dataset = dataset(0);
    assert!(fit_to(&dataset, "tree:slice").is_ok());
    for input in [
        "packets",
        "flow-statistics",
        "server",
        "link-type",
        "capture-time",
    ] {
        let name = format!("forest:{input}");
        let error = fit_to(&dataset, &name).unwrap_err();
        assert!(matches!(error, LearnerError::MissingInput { .. }), "{name}");
    }
}

#[test]
fn a_baseline_on_slices_refuses_those_of_another_policy() {
    let dataset = dataset(3);
    let fitted = fit_to(&dataset, "tree:slice").unwrap();
    let other = Manifest::new("toy", dataset.manifest.classes.clone(), "ip", 3);
    let test = dataset.split(Split::Test);
    assert!(matches!(
        fitted.probabilities(&other, test, 1),
        Err(LearnerError::Model(_))
    ));
}
