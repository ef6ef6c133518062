//! Scores held against those of scikit-learn and `SciPy`: `reference/make_scores.py` makes the values.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::num::NonZeroUsize;

use serde::Deserialize;
use undertone_learn::{
    calibration::{self, Calibration},
    evaluation::{
        confusion::{Averages, ConfusionMatrix},
        reliability::calibration_error,
    },
};

#[derive(Deserialize)]
struct Reference {
    classes: usize,
    bins: NonZeroUsize,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    labels: Vec<u32>,
    logits: Vec<f32>,
    confusion: Vec<Vec<u64>>,
    accuracy: f64,
    precision: Vec<f64>,
    recall: Vec<f64>,
    f1: Vec<f64>,
    support: Vec<u64>,
    r#macro: Averages,
    weighted: Averages,
    cross_entropy: f64,
    calibration_error: f64,
    temperature: f64,
}

/// Calls `check` with every case, its answers and its confusion matrix.
fn for_each(check: impl Fn(&Reference, &Case, &[(u32, f64)], &ConfusionMatrix)) {
    let reference: Reference =
        serde_json::from_str(include_str!("../reference/scores.json")).unwrap();
    assert_eq!(reference.cases.len(), 3);
    for case in &reference.cases {
        let answers = calibration::confidences(&case.logits, reference.classes, 1.0);
        let classes: Vec<u32> = answers.iter().map(|answer| answer.0).collect();
        let matrix = ConfusionMatrix::of(reference.classes, &case.labels, &classes);
        check(&reference, case, &answers, &matrix);
    }
}

#[track_caller]
fn close(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
}

#[test]
fn the_confusion_matrix_is_scikit_learns() {
    for_each(|_, case, _, matrix| assert_eq!(matrix.rows(), case.confusion));
}

#[test]
fn precision_recall_and_f1_of_each_class_are_scikit_learns() {
    for_each(|_, case, _, matrix| {
        close(matrix.accuracy(), case.accuracy);
        for (class, scores) in matrix.class_scores().into_iter().enumerate() {
            close(scores.precision, case.precision[class]);
            close(scores.recall, case.recall[class]);
            close(scores.f1, case.f1[class]);
            assert_eq!(scores.support, case.support[class]);
        }
    });
}

#[test]
fn averages_over_testable_classes_are_scikit_learns() {
    for_each(|_, case, _, matrix| {
        for (found, expected) in [
            (matrix.macro_averages(), case.r#macro),
            (matrix.weighted_averages(), case.weighted),
        ] {
            close(found.precision, expected.precision);
            close(found.recall, expected.recall);
            close(found.f1, expected.f1);
        }
    });
}

#[test]
fn cross_entropy_and_calibration_error_are_those_of_the_reference() {
    for_each(|reference, case, answers, _| {
        let loss = calibration::cross_entropy(&case.logits, &case.labels, reference.classes, 1.0);
        close(loss, case.cross_entropy);
        let confidences: Vec<f64> = answers.iter().map(|answer| answer.1).collect();
        let correct: Vec<bool> = answers
            .iter()
            .zip(&case.labels)
            .map(|(answer, label)| answer.0 == *label)
            .collect();
        let error = calibration_error(&confidences, &correct, reference.bins).unwrap();
        close(error, case.calibration_error);
    });
}

#[test]
fn the_temperature_is_the_one_scipy_finds() {
    for_each(|reference, case, _, _| {
        let fitted = Calibration::fit(&case.logits, &case.labels, reference.classes);
        assert!(
            (fitted.temperature - case.temperature).abs() < 1e-4,
            "{} is not {}",
            fitted.temperature,
            case.temperature
        );
    });
}
