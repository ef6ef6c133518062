//! A multi-layer perceptron: one hidden layer of rectified units, on scaled columns.
//!
//! As scikit-learn's `MLPClassifier` by its own settings (100 hidden units, Adam at 0.001, batches
//! of 200, weight decay 0.0001, at most 200 epochs), but that the epoch is chosen on validation rows.

use rayon::prelude::*;

use super::{
    Predictor,
    chance::{random, shuffle, unit},
    features::{Examples, Features, Scale},
    threads,
};
use crate::{
    calibration,
    learner::{Fitting, LearnerError},
};

const HIDDEN: usize = 100;
const BATCH: usize = 200;
const EPOCHS: u64 = 200;
const LEARNING_RATE: f64 = 1e-3;
const DECAY: f32 = 1e-4;
/// Epochs without a better one after which the fit ends, and how much better that must be.
const PATIENCE: u32 = 10;
const BETTER: f64 = 1e-4;
/// Samples whose gradients are added up by one thread; a fixed number, so that sums do not depend
/// on threads.
const PART: usize = 25;

/// A fitted perceptron.
#[derive(Debug, Clone, PartialEq)]
pub struct Perceptron {
    scale: Scale,
    shape: Shape,
    weights: Vec<f32>,
}

/// Where in one vector each layer's weights are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Shape {
    columns: usize,
    classes: usize,
}

impl Shape {
    fn weights(self) -> usize {
        (self.columns + 1) * HIDDEN + (HIDDEN + 1) * self.classes
    }

    /// The weights `[columns, hidden]`, biases `[hidden]`, weights `[hidden, classes]` and biases
    /// `[classes]`.
    fn parts(self, weights: &[f32]) -> [&[f32]; 4] {
        let (first, rest) = weights.split_at(self.columns * HIDDEN);
        let (first_bias, rest) = rest.split_at(HIDDEN);
        let (second, second_bias) = rest.split_at(HIDDEN * self.classes);
        [first, first_bias, second, second_bias]
    }

    /// Hidden activations and logits of one row.
    fn forward(self, weights: &[f32], row: &[f32]) -> (Vec<f32>, Vec<f32>) {
        let [first, first_bias, second, second_bias] = self.parts(weights);
        let mut hidden = layer(first, first_bias, row);
        for unit in &mut hidden {
            *unit = unit.max(0.0);
        }
        let logits = layer(second, second_bias, &hidden);
        (hidden, logits)
    }

    /// Adds the gradient of one row's cross-entropy.
    fn backward(self, weights: &[f32], row: &[f32], label: u32, gradient: &mut [f32]) {
        let (hidden, logits) = self.forward(weights, row);
        let mut error: Vec<f32> = calibration::probabilities(&logits, 1.0)
            .into_iter()
            .map(|probability| probability as f32)
            .collect();
        error[label as usize] -= 1.0;
        let (first, rest) = gradient.split_at_mut(self.columns * HIDDEN);
        let (first_bias, rest) = rest.split_at_mut(HIDDEN);
        let (second, second_bias) = rest.split_at_mut(HIDDEN * self.classes);
        let [_, _, second_weights, _] = self.parts(weights);
        let mut hidden_error = vec![0.0; HIDDEN];
        for (unit, &activation) in hidden.iter().enumerate() {
            if activation > 0.0 {
                let of_unit = unit * self.classes..(unit + 1) * self.classes;
                add_scaled(&mut second[of_unit.clone()], activation, &error);
                let products = second_weights[of_unit].iter().zip(&error);
                hidden_error[unit] = products.map(|(weight, error)| weight * error).sum();
            }
        }
        add_scaled(second_bias, 1.0, &error);
        for (gradients, &value) in first.chunks_exact_mut(HIDDEN).zip(row) {
            add_scaled(gradients, value, &hidden_error);
        }
        add_scaled(first_bias, 1.0, &hidden_error);
    }
}

/// Weights `[inputs, outputs]` times inputs, plus biases.
fn layer(weights: &[f32], biases: &[f32], inputs: &[f32]) -> Vec<f32> {
    let mut outputs = biases.to_vec();
    for (weights, &input) in weights.chunks_exact(outputs.len()).zip(inputs) {
        add_scaled(&mut outputs, input, weights);
    }
    outputs
}

fn add_scaled(sums: &mut [f32], factor: f32, values: &[f32]) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += factor * value;
    }
}

impl Perceptron {
    /// Fits the weights to training rows; the best epoch is the one of least validation loss.
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
        let rows = scale.apply(features);
        let shape = Shape {
            columns: features.columns(),
            classes,
        };
        // Without validation rows the training rows must do.
        let judges = if examples.validation.1.is_empty() {
            (rows.clone(), labels)
        } else {
            (scale.apply(examples.validation.0), examples.validation.1)
        };
        let mut training = Descent::new(shape, fitting.seed, labels.len());
        let (mut best_loss, mut best, mut since_best) = (f64::INFINITY, Vec::new(), 0);
        for epoch in 0..EPOCHS {
            fitting.check_stop()?;
            let loss = threads::on(fitting.threads, || {
                training.epoch(&rows, labels);
                training.loss(&judges.0, judges.1)
            });
            since_best += 1;
            if loss < best_loss - BETTER || best.is_empty() {
                since_best = 0;
            }
            if loss < best_loss || best.is_empty() {
                (best_loss, best) = (loss, training.weights.clone());
            }
            fitting.progress.advance(epoch + 1, EPOCHS, "epochs");
            if since_best >= PATIENCE {
                break;
            }
        }
        Ok(Self {
            scale,
            shape,
            weights: best,
        })
    }
}

impl Predictor for Perceptron {
    /// Weights and biases.
    fn parameters(&self) -> usize {
        self.weights.len()
    }

    fn probabilities(&self, features: &Features, _threads: usize) -> Vec<f64> {
        self.scale
            .apply(features)
            .chunks_exact(self.shape.columns.max(1))
            .flat_map(|row| {
                let (_, logits) = self.shape.forward(&self.weights, row);
                calibration::probabilities(&logits, 1.0)
            })
            .collect()
    }
}

/// Weights on their way down the loss, by Adam (Kingma and Ba, 2015).
struct Descent {
    shape: Shape,
    weights: Vec<f32>,
    means: Vec<f32>,
    squares: Vec<f32>,
    steps: i32,
    order: Vec<u32>,
    random: rand_chacha::ChaCha8Rng,
}

impl Descent {
    /// Weights as Glorot and Bengio have them for rectified units.
    fn new(shape: Shape, seed: u64, samples: usize) -> Self {
        let mut random = random(seed, 0);
        let mut drawn = |inputs: usize, outputs: usize| {
            let bound = (6.0 / (inputs + outputs) as f64).sqrt();
            (0..(inputs + 1) * outputs)
                .map(|_| (bound * (2.0 * unit(&mut random) - 1.0)) as f32)
                .collect::<Vec<_>>()
        };
        let mut weights = drawn(shape.columns, HIDDEN);
        weights.extend(drawn(HIDDEN, shape.classes));
        Self {
            shape,
            means: vec![0.0; shape.weights()],
            squares: vec![0.0; shape.weights()],
            weights,
            steps: 0,
            order: (0..samples as u32).collect(),
            random,
        }
    }

    fn epoch(&mut self, rows: &[f32], labels: &[u32]) {
        let mut order = std::mem::take(&mut self.order);
        shuffle(&mut order, &mut self.random);
        for batch in order.chunks(BATCH) {
            self.step(rows, labels, batch);
        }
        self.order = order;
    }

    fn step(&mut self, rows: &[f32], labels: &[u32], batch: &[u32]) {
        let (shape, weights) = (self.shape, &self.weights);
        let parts: Vec<Vec<f32>> = batch
            .par_chunks(PART)
            .map(|samples| {
                let mut gradient = vec![0.0; shape.weights()];
                for &sample in samples {
                    let first = sample as usize * shape.columns;
                    let row = &rows[first..first + shape.columns];
                    shape.backward(weights, row, labels[sample as usize], &mut gradient);
                }
                gradient
            })
            .collect();
        self.steps += 1;
        let correction =
            (1.0 - 0.999_f64.powi(self.steps)).sqrt() / (1.0 - 0.9_f64.powi(self.steps));
        let rate = (LEARNING_RATE * correction) as f32;
        let samples = batch.len() as f32;
        for at in 0..self.weights.len() {
            let sum: f32 = parts.iter().map(|part| part[at]).sum();
            let gradient = (sum + DECAY * self.weights[at]) / samples;
            self.means[at] = 0.9 * self.means[at] + 0.1 * gradient;
            self.squares[at] = 0.999 * self.squares[at] + 0.001 * gradient * gradient;
            self.weights[at] -= rate * self.means[at] / (self.squares[at].sqrt() + 1e-8);
        }
    }

    /// Mean cross-entropy, in nats.
    fn loss(&self, rows: &[f32], labels: &[u32]) -> f64 {
        let logits: Vec<f32> = rows
            .par_chunks_exact(self.shape.columns)
            .flat_map_iter(|row| self.shape.forward(&self.weights, row).1)
            .collect();
        calibration::cross_entropy(&logits, labels, self.shape.classes, 1.0)
    }
}
