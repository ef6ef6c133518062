//! The loop over epochs: step, validate, keep the best, write what a later run continues from.

use std::{
    cmp::Ordering,
    fs, io,
    path::Path,
    sync::atomic::{self, AtomicBool},
};

use network::{
    architecture::Shape,
    engine::Engine,
    trainer::{Batch, Trainer, TrainerOptions},
};

use super::{
    Outcome, Plan, Progress, StepProgress, Training, TrainingError,
    checks::class_counts,
    layerwise::start_layers,
    order::{Changes, epoch_order, gather},
    state::State,
};
use crate::{
    calibration::{self, Calibration},
    dataset::{Manifest, TrainingSet},
    evaluation::confusion::ConfusionMatrix,
    inputs::{self, Prefixes, Variation},
    model::{
        Contract, Model,
        card::{self, Card, TrainedOn},
    },
    recipe::{Recipe, Watch},
    run::{EpochRecord, RunError, Start},
};

/// A training under way.
pub(super) struct Loop<'a> {
    training: &'a Training,
    manifest: &'a Manifest,
    set: &'a TrainingSet,
    trainer: Trainer,
    shape: Shape,
    prefixes: Prefixes,
    variation: Option<Variation>,
    class_weights: Option<Vec<f32>>,
    steps_per_epoch: u64,
    /// Whether the first step is still to be done, by new weights.
    is_new: bool,
    state: State,
    epochs: Vec<EpochRecord>,
}

impl<'a> Loop<'a> {
    /// From the first step, or from where a stopped run is.
    pub(super) fn new(
        training: &'a Training,
        manifest: &'a Manifest,
        set: &'a TrainingSet,
    ) -> Result<Self, TrainingError> {
        let recipe = &training.recipe;
        let classes = manifest.classes.len();
        let shape = recipe.shape(set.train.slice_length, classes);
        let options = TrainerOptions {
            shape,
            seed: recipe.seed,
            dropout: recipe.dropout,
            weight_decay: recipe.weight_decay,
            precision: recipe.precision,
            threads: training.threads,
        };
        let path = training.run.state_path();
        let stopped = match training.start {
            Start::Resume => read_if_there(&path)?,
            _ => None,
        };
        let is_new = stopped.is_none();
        let (trainer, state) = if let Some(bytes) = stopped {
            let (state, weights) = State::from_bytes(&bytes)?;
            (Trainer::resume(options, &weights)?, state)
        } else {
            // New, or stopped before a state was written: from the start.
            let statistics = set.train.statistics.iter().flat_map(|all| all.centime);
            let statistics: Vec<f32> = statistics.collect();
            let trainer = Trainer::new(options).with_statistics(&statistics);
            (trainer, State::default())
        };
        // A run that was killed between the two files has a line too many.
        let mut epochs = training.run.epochs()?;
        epochs.truncate(state.epochs_done as usize);
        if epochs.len() != state.epochs_done as usize {
            return Err(TrainingError::DamagedState(format!(
                "{} epochs are done, `epochs.jsonl` has {}",
                state.epochs_done,
                epochs.len()
            )));
        }
        if !epochs
            .iter()
            .map(|record| record.epoch)
            .eq(1..=state.epochs_done)
        {
            let reason = "the epochs of `epochs.jsonl` are not numbered from 1";
            return Err(TrainingError::DamagedState(reason.to_owned()));
        }
        Ok(Self {
            shape,
            prefixes: Prefixes::new(recipe.prefix_share, &manifest.policy, recipe.seed),
            variation: Variation::new(recipe.augmentation, manifest, recipe.seed),
            class_weights: recipe.class_weights(&class_counts(&set.train.labels, classes)),
            steps_per_epoch: (set.train.labels.len() as u64).div_ceil(recipe.batch_size as u64),
            training,
            manifest,
            set,
            trainer,
            is_new,
            state,
            epochs,
        })
    }

    /// Trains until all epochs are done or `stop` is set.
    pub(super) fn run(
        mut self,
        progress: &mut dyn Progress,
        stop: &AtomicBool,
    ) -> Result<Outcome, TrainingError> {
        progress.begin(Plan {
            epochs: self.training.recipe.epochs,
            steps_per_epoch: self.steps_per_epoch,
            steps_done: self.steps_done(),
            train_samples: self.set.train.labels.len(),
            validation_samples: self.set.validation.labels.len(),
        });
        if self.is_new {
            let (recipe, from) = (&self.training.recipe, &self.set.train);
            let changes = Changes {
                prefixes: &self.prefixes,
                variation: self.variation.as_ref(),
            };
            if !start_layers(&mut self.trainer, recipe, from, changes, progress, stop)? {
                // Nothing to continue from was written: a resumed run starts its layers anew.
                return Ok(Outcome::Stopped { epoch: 1, step: 0 });
            }
        }
        while !self.is_finished() {
            let epoch = self.state.epochs_done + 1;
            let order = epoch_order(
                self.set.train.labels.len(),
                self.training.recipe.seed,
                epoch,
            );
            while self.state.step < self.steps_per_epoch {
                // Looked at before the step too, so that a stop during validation is not missed.
                if stop.load(atomic::Ordering::Relaxed) {
                    self.save_state()?;
                    return Ok(Outcome::Stopped {
                        epoch,
                        step: self.state.step,
                    });
                }
                self.step(&order, epoch)?;
                progress.step(StepProgress {
                    epoch,
                    step: self.state.step,
                    loss: self.state.loss_sum / self.state.samples as f64,
                });
            }
            let record = self.end_epoch(epoch)?;
            progress.epoch(&record);
        }
        let best = self.best().copied().ok_or_else(|| {
            TrainingError::DamagedState("it is finished, and no epoch was best".to_owned())
        })?;
        Ok(Outcome::Finished {
            epochs: self.state.epochs_done,
            best,
        })
    }

    fn steps_done(&self) -> u64 {
        u64::from(self.state.epochs_done) * self.steps_per_epoch + self.state.step
    }

    fn best(&self) -> Option<&EpochRecord> {
        self.epochs.iter().rev().find(|record| record.is_best)
    }

    fn is_finished(&self) -> bool {
        let Recipe {
            epochs, patience, ..
        } = self.training.recipe;
        let since_best = self.state.epochs_done - self.best().map_or(0, |record| record.epoch);
        self.state.epochs_done >= epochs || patience.is_some_and(|patience| since_best >= patience)
    }

    fn step(&mut self, order: &[u32], epoch: u32) -> Result<(), TrainingError> {
        let batch_size = self.training.recipe.batch_size;
        let first = self.state.step as usize * batch_size;
        let samples = &order[first..order.len().min(first + batch_size)];
        let changes = Changes {
            prefixes: &self.prefixes,
            variation: self.variation.as_ref(),
        };
        let (inputs, labels) = gather(&self.set.train, samples, self.shape, changes, epoch);
        let rate = self
            .training
            .recipe
            .learning_rate_at(self.steps_done(), self.steps_per_epoch);
        let report = self.trainer.step(
            Batch {
                input: inputs.as_input(),
                labels: &labels,
                class_weights: self.class_weights.as_deref(),
            },
            rate,
        );
        self.state.step += 1;
        if !report.loss.is_finite() {
            return Err(TrainingError::NotFinite {
                epoch,
                step: self.state.step,
            });
        }
        self.state.loss_sum += f64::from(report.loss) * labels.len() as f64;
        self.state.samples += labels.len() as u64;
        self.state.right += report.correct as u64;
        Ok(())
    }

    /// Validates, keeps the model if it is the best, and writes the files in an order in which a
    /// kill between any two of them leaves a run that can be resumed.
    fn end_epoch(&mut self, epoch: u32) -> Result<EpochRecord, TrainingError> {
        let classes = self.manifest.classes.len();
        let weights = self.trainer.weights();
        let shape = self.shape;
        let validation = &self.set.validation;
        let engine = Engine::new(shape, &weights)?;
        let logits = inputs::logits(&engine, validation, self.training.threads);
        if logits.iter().any(|logit| !logit.is_finite()) {
            return Err(TrainingError::NotFinite {
                epoch,
                step: self.state.step,
            });
        }
        let answers: Vec<u32> = calibration::confidences(&logits, classes, 1.0)
            .into_iter()
            .map(|(answer, _)| answer)
            .collect();
        let matrix = ConfusionMatrix::of(classes, &validation.labels, &answers);
        let loss = calibration::cross_entropy(&logits, &validation.labels, classes, 1.0);
        let mut record = EpochRecord {
            epoch,
            learning_rate: rounded(
                self.training
                    .recipe
                    .learning_rate_at(self.steps_done() - 1, self.steps_per_epoch),
            ),
            train_loss: rounded(self.state.loss_sum / self.state.samples as f64),
            train_accuracy: rounded(self.state.right as f64 / self.state.samples as f64),
            validation_loss: rounded(loss),
            validation_accuracy: rounded(matrix.accuracy()),
            validation_macro_f1: rounded(matrix.macro_f1()),
            is_best: false,
        };
        record.is_best = self
            .best()
            .is_none_or(|best| is_better(&record, best, self.training.recipe.watch));
        if record.is_best {
            let calibration = Calibration::fit(&logits, &validation.labels, classes);
            let model = Model::new(self.contract(shape, calibration), self.card(epoch), weights)?;
            model.save(&self.training.run.model_path())?;
        }
        self.epochs.push(record);
        self.training.run.write_epochs(&self.epochs)?;
        self.state = State {
            epochs_done: epoch,
            ..State::default()
        };
        self.save_state()?;
        Ok(record)
    }

    fn contract(&self, shape: Shape, calibration: Calibration) -> Contract {
        let manifest = self.manifest;
        Contract {
            shape,
            classes: manifest.classes.clone(),
            policy: manifest.policy.clone(),
            cutting: manifest.cutting.clone(),
            calibration,
            rejection: None,
        }
    }

    fn card(&self, epoch: u32) -> Card {
        let manifest = self.manifest;
        let trained_on = TrainedOn::from(manifest);
        Card {
            name: format!("{} on {}", self.training.recipe.network, manifest.name),
            limits: card::limits(&trained_on, &manifest.classes),
            trained_on,
            recipe: self.training.recipe.clone(),
            epoch,
            scores: Vec::new(),
            int8: None,
            reference: Vec::new(),
            reference_of: None,
            notes: String::new(),
            licence: String::new(),
        }
    }

    fn save_state(&self) -> Result<(), TrainingError> {
        let bytes = self.state.to_bytes(&self.trainer.state());
        Ok(self.training.run.write("last.safetensors", &bytes)?)
    }
}

/// Whether a record beats the best so far; of equal macro-F1, the lower loss does.
fn is_better(record: &EpochRecord, best: &EpochRecord, watch: Watch) -> bool {
    let is_lower_loss = record.validation_loss < best.validation_loss;
    match watch {
        Watch::MacroF1 => match record
            .validation_macro_f1
            .total_cmp(&best.validation_macro_f1)
        {
            Ordering::Greater => true,
            Ordering::Equal => is_lower_loss,
            Ordering::Less => false,
        },
        Watch::Loss => is_lower_loss,
    }
}

/// To nine decimals: few enough digits that any reader of JSON gets the same number back.
fn rounded(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

fn read_if_there(path: &Path) -> Result<Option<Vec<u8>>, RunError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RunError::Io {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounded_numbers_survive_json() {
        for value in [1.0 / 3.0, 12.345_678_901_234, 1e-7, 0.999_999_999_9] {
            let value = rounded(value);
            let text = serde_json::to_string(&value).unwrap();
            let back: f64 = serde_json::from_str(&text).unwrap();
            assert_eq!(back.to_bits(), value.to_bits());
        }
    }

    #[test]
    fn of_equal_scores_the_lower_loss_is_better() {
        let record = |macro_f1, loss| EpochRecord {
            epoch: 1,
            learning_rate: 0.1,
            train_loss: 0.0,
            train_accuracy: 0.0,
            validation_loss: loss,
            validation_accuracy: 0.0,
            validation_macro_f1: macro_f1,
            is_best: false,
        };
        let check =
            |one, other, watch, expected| assert_eq!(is_better(&one, &other, watch), expected);
        check(record(0.5, 1.0), record(0.5, 2.0), Watch::MacroF1, true);
        check(record(0.5, 2.0), record(0.5, 2.0), Watch::MacroF1, false);
        check(record(0.6, 2.0), record(0.5, 1.0), Watch::MacroF1, true);
        check(record(0.6, 2.0), record(0.5, 1.0), Watch::Loss, false);
    }
}
