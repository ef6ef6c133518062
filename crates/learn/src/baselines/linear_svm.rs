//! Linear support vector machines: a hyperplane for each class against all others.
//!
//! As scikit-learn's `LinearSVC` (squared hinge loss, C = 1, the intercept a weight like the
//! others), on scaled columns. Source: Hsieh et al., *A Dual Coordinate Descent Method for
//! Large-scale Linear SVM*, ICML 2008, algorithm 1.

use std::sync::atomic::{AtomicBool, Ordering};

use rand::Rng;
use rayon::prelude::*;

use super::{
    Predictor,
    chance::random,
    features::{Examples, Features, Scale},
    threads,
};
use crate::{
    calibration::{self, Calibration},
    learner::{Fitting, LearnerError},
};

/// What an error costs, against the width of the margin.
const COST: f64 = 1.0;

/// Passes over the samples, at most.
const PASSES: u32 = 300;

/// The pass after which no dual variable wants to move by more than this is the last.
const TOLERANCE: f64 = 1e-3;

/// Fitted hyperplanes, and the temperature that makes probabilities of distances.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearSvm {
    scale: Scale,
    /// `[classes, columns + 1]`, the intercept last.
    weights: Vec<f64>,
    columns: usize,
    temperature: f64,
}

impl LinearSvm {
    /// Fits the hyperplanes on training rows, the temperature on validation rows.
    ///
    /// # Errors
    ///
    /// [`LearnerError::Stopped`].
    pub fn fit(
        examples: &Examples<'_>,
        classes: usize,
        fitting: &mut Fitting<'_>,
    ) -> Result<Self, LearnerError> {
        let (features, labels) = examples.train;
        let scale = Scale::of(features);
        let points = scale.apply(features);
        let columns = features.columns();
        let (seed, stop) = (fitting.seed, fitting.stop);
        let weights = threads::on(fitting.threads, || {
            (0..classes as u32)
                .into_par_iter()
                .flat_map_iter(|class| {
                    hyperplane(&points, columns, |row| labels[row] == class, seed, stop)
                })
                .collect()
        });
        fitting.check_stop()?;
        fitting
            .progress
            .advance(classes as u64, classes as u64, "classes");
        let mut machine = Self {
            scale,
            weights,
            columns,
            temperature: 1.0,
        };
        let (rows, labels) = examples.validation;
        machine.temperature =
            Calibration::fit(&machine.distances(rows), labels, classes).temperature;
        Ok(machine)
    }

    /// How far on its side of each hyperplane each row is, `[samples, classes]`.
    pub fn distances(&self, features: &Features) -> Vec<f32> {
        let points = self.scale.apply(features);
        points
            .chunks_exact(self.columns.max(1))
            .flat_map(|point| {
                self.weights
                    .chunks_exact(self.columns + 1)
                    .map(|weights| product(weights, point) as f32)
            })
            .collect()
    }
}

impl Predictor for LinearSvm {
    /// The weights and intercepts.
    fn parameters(&self) -> usize {
        self.weights.len()
    }

    fn probabilities(&self, features: &Features, _threads: usize) -> Vec<f64> {
        let classes = self.weights.len() / (self.columns + 1);
        self.distances(features)
            .chunks_exact(classes.max(1))
            .flat_map(|distances| calibration::probabilities(distances, self.temperature))
            .collect()
    }
}

/// The weights, the intercept last, that tell the rows of a class from the others.
fn hyperplane(
    points: &[f32],
    columns: usize,
    is_in: impl Fn(usize) -> bool,
    seed: u64,
    stop: &AtomicBool,
) -> Vec<f64> {
    let diagonal = 0.5 / COST;
    let point = |row: usize| &points[row * columns..(row + 1) * columns];
    let rows = points.len() / columns.max(1);
    let squares: Vec<f64> = (0..rows)
        .map(|row| {
            let values = point(row).iter().map(|&value| f64::from(value).powi(2));
            values.sum::<f64>() + 1.0 + diagonal
        })
        .collect();
    let mut duals = vec![0.0_f64; rows];
    let mut weights = vec![0.0; columns + 1];
    let mut order: Vec<u32> = (0..rows as u32).collect();
    // The same for every class: the sign alone differs.
    let mut random = random(seed, 0);
    for _ in 0..PASSES {
        let mut largest = 0.0_f64;
        for last in (0..rows).rev() {
            let pick = (random.next_u64() % (last as u64 + 1)) as usize;
            order.swap(last, pick);
            let row = order[last] as usize;
            let sign = if is_in(row) { 1.0 } else { -1.0 };
            let old = duals[row];
            let gradient = sign * product(&weights, point(row)) - 1.0 + diagonal * old;
            let new = (old - gradient / squares[row]).max(0.0);
            let change = new - old;
            if change != 0.0 {
                largest = largest.max(change.abs() * squares[row]);
                duals[row] = new;
                for (weight, &value) in weights.iter_mut().zip(point(row)) {
                    *weight += change * sign * f64::from(value);
                }
                weights[columns] += change * sign;
            }
        }
        if largest < TOLERANCE || stop.load(Ordering::Relaxed) {
            break;
        }
    }
    weights
}

fn product(weights: &[f64], point: &[f32]) -> f64 {
    let intercept = weights[point.len()];
    let products = weights.iter().zip(point);
    products
        .map(|(weight, &value)| weight * f64::from(value))
        .sum::<f64>()
        + intercept
}
