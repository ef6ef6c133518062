//! The training loop: epochs over the training samples, choices on the validation samples.
//!
//! Everything that the result depends on is in the recipe and the training set. A run that was
//! stopped, at whatever step, continues to the same bytes as one that was not.

mod checks;
mod epochs;
mod layerwise;
mod order;
mod state;

use std::sync::atomic::AtomicBool;

use network::{
    architecture::{Architecture, UnusableShape},
    weights::WeightsError,
};

use crate::{
    dataset::{Dataset, Manifest, TrainingSet, manifest::RAW},
    drift,
    model::{Model, ModelError},
    recipe::{Recipe, RecipeError},
    run::{DatasetReference, EpochRecord, Run, RunError, Start},
};
use checks::{check_parts, check_same, check_set};
use epochs::Loop;
pub use state::STATE_KEY;

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
    /// After each layer that was started alone, before the first step.
    fn layer(&mut self, _layer: LayerDone) {}
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

/// A hidden layer that was started alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LayerDone {
    /// Which layer, counted from 1.
    pub layer: usize,
    /// How many are started so.
    pub layers: usize,
    /// Mean squared difference, in its last epoch, between what it reads and what is given back.
    pub loss: f64,
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
    #[error("cannot write the model")]
    Model(#[from] ModelError),
    /// The state cannot be continued from.
    #[error("cannot continue from `last.safetensors`")]
    State(#[from] WeightsError),
    /// The state is damaged.
    #[error("cannot continue from `last.safetensors`: {0}")]
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
    /// Other classes held out than the run's.
    #[error("the run held out classes {run:?}, not {found:?}; resume it with its own")]
    OtherClasses {
        /// The run's.
        run: Vec<String>,
        /// Those given.
        found: Vec<String>,
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
    /// No network can have this shape.
    #[error(transparent)]
    Shape(#[from] UnusableShape),
    /// The network looks at something that the dataset does not hold.
    #[error("network `{network}` looks at {part}, and the dataset holds none: {remedy}")]
    NoPart {
        /// The network.
        network: Architecture,
        /// What it looks at.
        part: &'static str,
        /// Where to get it.
        remedy: &'static str,
    },
    /// Fields are to be changed, and none is known.
    #[error(
        "the recipe changes header fields (`augmentation.fields`), and of slices that were taken as \
         they were found no field is known; import them without `--raw`, or leave that out"
    )]
    NoFields,
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

/// Trains until all epochs are done or `stop` is set; `stop` is looked at after each step. Once all
/// are done, the model's card gets its reference for drift.
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
    // Its manifest and not the dataset: from here on there is no way to the test rows.
    let set = dataset.training_set();
    let outcome = train_on(training, &dataset.manifest, &set, progress, stop)?;
    if matches!(outcome, Outcome::Finished { .. }) {
        let path = training.run.model_path();
        let model = drift::refer(Model::open(&path)?, dataset, training.threads)?;
        model.save(&path)?;
    }
    Ok(outcome)
}

/// [`train`] for who has the manifest and the training set alone.
pub(crate) fn train_on(
    training: &Training,
    manifest: &Manifest,
    set: &TrainingSet,
    progress: &mut dyn Progress,
    stop: &AtomicBool,
) -> Result<Outcome, TrainingError> {
    training.recipe.validate()?;
    check_set(set, &manifest.classes, training.missing_classes)?;
    let shape = training
        .recipe
        .shape(set.train.slice_length, manifest.classes.len());
    shape.check()?;
    check_parts(&set.train, shape)?;
    if manifest.policy == RAW && training.recipe.augmentation.changes_fields() {
        return Err(TrainingError::NoFields);
    }
    if training.start == Start::Resume {
        check_same(training)?;
    }
    training
        .run
        .begin(training.start, &training.recipe, &training.dataset)?;
    Loop::new(training, manifest, set)?.run(progress, stop)
}

fn quoted(names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}
