//! The training loop: epochs over the training samples, choices on the validation samples.
//!
//! Everything that the result depends on is in the recipe and the training set. A run that was
//! stopped, at whatever step, continues to the same bytes as one that was not.

mod state;

use std::{
    cmp::Ordering,
    fs, io,
    path::PathBuf,
    sync::atomic::{self, AtomicBool},
};

use network::{
    architecture::Shape,
    engine::Engine,
    trainer::{Batch, Trainer, TrainerOptions},
    weights::WeightsError,
};
use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use crate::{
    calibration::{self, Calibration},
    dataset::{Dataset, LabelledSlices, TrainingSet},
    evaluation::confusion::ConfusionMatrix,
    model::{
        Contract, Model, ModelError,
        card::{self, Card, TrainedOn},
    },
    recipe::{Recipe, RecipeError, Watch},
    run::{DatasetReference, EpochRecord, Run, RunError, Start},
};
pub use state::STATE_KEY;
use state::State;

/// What to train, on what, and where to leave it.
#[derive(Debug, Clone)]
pub struct Training {
    /// The recipe; a resumed run's must be the same.
    pub recipe: Recipe,
    /// The folder of the run.
    pub run: Run,
    /// What to do about a run that is there already.
    pub start: Start,
    /// Where the dataset is, for whoever reads the run later.
    pub dataset: DatasetReference,
    /// What classes without training samples do.
    pub missing_classes: MissingClasses,
    /// Threads; the result does not depend on it.
    pub threads: usize,
}

/// What a class without training samples does: the network can never answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MissingClasses {
    /// It ends the training before it began.
    Refuse,
    /// Nothing.
    Allow,
}

/// Who is told how far training is.
pub trait Progress {
    /// Once, before the first step.
    fn begin(&mut self, _plan: Plan) {}
    /// After each step.
    fn step(&mut self, _step: StepProgress) {}
    /// After each epoch.
    fn epoch(&mut self, _record: &EpochRecord) {}
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Plan {
    /// Epochs in all, at most.
    pub epochs: u32,
    /// Steps of each.
    pub steps_per_epoch: u64,
    /// Steps that were done before, by a run that is resumed.
    pub steps_done: u64,
    /// Training samples.
    pub train_samples: usize,
    /// Validation samples.
    pub validation_samples: usize,
}

/// Where training is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct StepProgress {
    /// Which epoch, counted from 1.
    pub epoch: u32,
    /// Steps done in it.
    pub step: u64,
    /// Mean loss of them.
    pub loss: f64,
}

/// How training ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Outcome {
    /// All epochs are done, or enough of them without a better one.
    Finished {
        /// Epochs done.
        epochs: u32,
        /// The best of them, whose weights are the model.
        best: EpochRecord,
    },
    /// It was stopped; resuming continues at this place.
    Stopped {
        /// Which epoch, counted from 1.
        epoch: u32,
        /// Steps done in it.
        step: u64,
    },
}

/// A training that cannot begin or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainingError {
    /// The run folder.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The recipe.
    #[error(transparent)]
    Recipe(#[from] RecipeError),
    /// The model cannot be written.
    #[error("cannot write the model: {0}")]
    Model(#[from] ModelError),
    /// The state cannot be continued from.
    #[error("`last.safetensors`: {0}")]
    State(#[from] WeightsError),
    /// The state is damaged.
    #[error("`last.safetensors`: damaged: {0}")]
    DamagedState(String),
    /// Another recipe than the run's.
    #[error(
        "the run follows another recipe ({differences}); resume it with its own, or start over with \
         --force"
    )]
    OtherRecipe {
        /// The settings that differ.
        differences: String,
    },
    /// Another dataset than the run's.
    #[error("the run was trained on dataset {run}, this one is {found}; resume it on its own")]
    OtherDataset {
        /// The run's, by name and checksum.
        run: String,
        /// The one given.
        found: String,
    },
    /// Nothing to fit to.
    #[error(
        "no training samples of class {}; make another split, or go on with --allow-untestable \
         (the model will never answer it)", quoted(.0)
    )]
    MissingClasses(Vec<String>),
    /// Nothing to fit to, or nothing to choose the best epoch on.
    #[error("the dataset has no {0} samples; split it in three (see `undertone split --help`)")]
    NoSamples(&'static str),
    /// One class only.
    #[error("the dataset has {0} class; at least two are needed to tell apart")]
    TooFewClasses(usize),
    /// The loss is infinite or no number.
    #[error("the loss is not finite at epoch {epoch}, step {step}; try a lower learning rate")]
    NotFinite {
        /// Which epoch, counted from 1.
        epoch: u32,
        /// Which step, counted from 1.
        step: u64,
    },
}

/// Trains until all epochs are done or `stop` is set; `stop` is looked at after each step.
///
/// # Errors
///
/// [`TrainingError`]; nothing is written if training cannot begin.
pub fn train(
    training: &Training,
    dataset: &Dataset,
    progress: &mut dyn Progress,
    stop: &AtomicBool,
) -> Result<Outcome, TrainingError> {
    let set = dataset.training_set();
    training.recipe.validate()?;
    check_set(&set, &dataset.manifest.classes, training.missing_classes)?;
    if training.start == Start::Resume {
        check_same(training)?;
    }
    training
        .run
        .begin(training.start, &training.recipe, &training.dataset)?;
    Loop::new(training, dataset, &set)?.run(progress, stop)
}

/// A training under way.
struct Loop<'a> {
    training: &'a Training,
    dataset: &'a Dataset,
    set: &'a TrainingSet,
    trainer: Trainer,
    class_weights: Option<Vec<f32>>,
    steps_per_epoch: u64,
    state: State,
    epochs: Vec<EpochRecord>,
}

impl<'a> Loop<'a> {
    fn new(
        training: &'a Training,
        dataset: &'a Dataset,
        set: &'a TrainingSet,
    ) -> Result<Self, TrainingError> {
        let recipe = &training.recipe;
        let classes = dataset.manifest.classes.len();
        let options = TrainerOptions {
            shape: Shape {
                architecture: recipe.network,
                slice_length: set.train.slice_length,
                classes,
            },
            seed: recipe.seed,
            dropout: recipe.dropout,
            weight_decay: recipe.weight_decay,
            threads: training.threads,
        };
        let path = training.run.state_path();
        let (trainer, state) = match (training.start, read_if_there(&path)?) {
            (Start::Resume, Some(bytes)) => {
                let (state, weights) = State::from_bytes(&bytes)?;
                (Trainer::resume(options, &weights)?, state)
            }
            // Stopped before the first epoch ended or a state was written: from the start.
            _ => (Trainer::new(options), State::default()),
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
        Ok(Self {
            class_weights: recipe.class_weights(&class_counts(&set.train.labels, classes)),
            steps_per_epoch: (set.train.labels.len() as u64).div_ceil(recipe.batch_size as u64),
            training,
            dataset,
            set,
            trainer,
            state,
            epochs,
        })
    }

    fn run(
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
        let (slices, labels) = gather(&self.set.train, samples);
        let rate = self
            .training
            .recipe
            .learning_rate_at(self.steps_done(), self.steps_per_epoch);
        let report = self.trainer.step(
            Batch {
                slices: &slices,
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
        let classes = self.dataset.manifest.classes.len();
        let weights = self.trainer.weights();
        let shape = Shape {
            architecture: self.training.recipe.network,
            slice_length: self.set.train.slice_length,
            classes,
        };
        let validation = &self.set.validation;
        let logits =
            Engine::new(shape, &weights)?.logits(&validation.slices, self.training.threads);
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
        let manifest = &self.dataset.manifest;
        Contract {
            shape,
            classes: manifest.classes.clone(),
            policy: manifest.policy.clone(),
            cutting: manifest.cutting.clone(),
            calibration,
        }
    }

    fn card(&self, epoch: u32) -> Card {
        let manifest = &self.dataset.manifest;
        Card {
            name: format!("{} on {}", self.training.recipe.network, manifest.name),
            trained_on: TrainedOn::from(manifest),
            recipe: self.training.recipe.clone(),
            epoch,
            scores: Vec::new(),
            limits: card::limits(&manifest.classes),
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

/// The order of the samples in an epoch, by the recipe's seed: Fisher and Yates.
fn epoch_order(samples: usize, seed: u64, epoch: u32) -> Vec<u32> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(u64::from(epoch));
    let mut order: Vec<u32> = (0..samples as u32).collect();
    for last in (1..order.len()).rev() {
        // The modulo favours small numbers by samples / 2^64: nothing.
        let pick = (random.next_u64() % (last as u64 + 1)) as usize;
        order.swap(last, pick);
    }
    order
}

fn gather(from: &LabelledSlices, samples: &[u32]) -> (Vec<u8>, Vec<u32>) {
    let length = from.slice_length;
    let mut slices = Vec::with_capacity(samples.len() * length);
    let mut labels = Vec::with_capacity(samples.len());
    for &sample in samples {
        let sample = sample as usize;
        slices.extend_from_slice(&from.slices[sample * length..(sample + 1) * length]);
        labels.push(from.labels[sample]);
    }
    (slices, labels)
}

fn class_counts(labels: &[u32], classes: usize) -> Vec<u64> {
    let mut counts = vec![0; classes];
    for &label in labels {
        counts[label as usize] += 1;
    }
    counts
}

fn check_set(
    set: &TrainingSet,
    classes: &[String],
    missing_classes: MissingClasses,
) -> Result<(), TrainingError> {
    if classes.len() < 2 {
        return Err(TrainingError::TooFewClasses(classes.len()));
    }
    for (samples, name) in [(&set.train, "training"), (&set.validation, "validation")] {
        if samples.labels.is_empty() {
            return Err(TrainingError::NoSamples(name));
        }
    }
    let missing: Vec<String> = class_counts(&set.train.labels, classes.len())
        .iter()
        .zip(classes)
        .filter(|(count, _)| **count == 0)
        .map(|(_, class)| class.clone())
        .collect();
    if missing_classes == MissingClasses::Refuse && !missing.is_empty() {
        return Err(TrainingError::MissingClasses(missing));
    }
    Ok(())
}

/// Refuses to resume a run with another recipe or dataset than its own.
fn check_same(training: &Training) -> Result<(), TrainingError> {
    // A folder that holds no run is told better by `Run::begin`.
    let (Ok(recipe), Ok(dataset)) = (training.run.recipe(), training.run.dataset()) else {
        return Ok(());
    };
    if recipe != training.recipe {
        return Err(TrainingError::OtherRecipe {
            differences: differences(&recipe.to_toml(), &training.recipe.to_toml()),
        });
    }
    if dataset.sha256 != training.dataset.sha256 {
        let named = |reference: &DatasetReference| {
            let short: String = reference.sha256.chars().take(12).collect();
            format!("`{}` ({short})", reference.name)
        };
        return Err(TrainingError::OtherDataset {
            run: named(&dataset),
            found: named(&training.dataset),
        });
    }
    Ok(())
}

/// The lines that two recipes do not share: the run's own, then those given.
fn differences(own: &str, given: &str) -> String {
    let only_in = |text: &str, other: &str| {
        text.lines()
            .filter(|line| !other.lines().any(|candidate| candidate == *line))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "its own has `{}`, this one `{}`",
        only_in(own, given),
        only_in(given, own)
    )
}

fn read_if_there(path: &PathBuf) -> Result<Option<Vec<u8>>, RunError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(RunError::Io {
            path: path.clone(),
            source,
        }),
    }
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_epoch_goes_through_every_sample_once() {
        let mut order = epoch_order(1000, 1, 1);
        assert_ne!(order, epoch_order(1000, 1, 2));
        assert_ne!(order, epoch_order(1000, 2, 1));
        assert_eq!(order, epoch_order(1000, 1, 1));
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn gathered_samples_keep_their_labels() {
        let from = LabelledSlices {
            slice_length: 2,
            slices: vec![1, 2, 3, 4, 5, 6],
            labels: vec![7, 8, 9],
        };
        assert_eq!(gather(&from, &[2, 0]), (vec![5, 6, 1, 2], vec![9, 7]));
    }

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
    fn recipes_are_told_apart_by_the_lines_that_differ() {
        assert_eq!(
            differences("epochs = 3\nseed = 1\n", "epochs = 4\nseed = 1\n"),
            "its own has `epochs = 3`, this one `epochs = 4`"
        );
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
