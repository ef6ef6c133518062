//! Networks as learners: a fit is a training run in a folder, what it leaves is a model.

use std::path::PathBuf;

use network::architecture::Architecture;

use super::{FitProgress, Fitted, Fitting, FittingSet, Learner, LearnerError, Probabilities};
use crate::{
    calibration,
    dataset::{Manifest, Rows, TrainingSet},
    model::Model,
    recipe::Recipe,
    run::{DatasetReference, Run, Start},
    training::{self, MissingClasses, Outcome, Plan, Progress, StepProgress, Training},
};

/// The names of all networks, the paper's first.
pub fn networks() -> Vec<&'static str> {
    Architecture::ALL.iter().map(|one| one.name()).collect()
}

/// What belongs beside every result of a model of this name, if it is a network whose paper leaves
/// layers open; a recipe may follow the name behind `@`.
pub fn reconstruction(model: &str) -> Option<String> {
    let network = model.split('@').next().unwrap_or(model);
    let architecture: Architecture = network.parse().ok()?;
    architecture.is_reconstruction().then(|| {
        format!(
            "{architecture} is a reconstruction: its paper leaves layers open, and what the network \
             of its authors would score here is not known"
        )
    })
}

/// A network, trained by a recipe in a run folder of its own.
#[derive(Debug, Clone)]
pub struct NetworkLearner {
    /// The recipe; the seed of a fit replaces its own.
    pub recipe: Recipe,
    /// The folder of the run. A run that is there is continued, a finished one taken as it is.
    pub run: Run,
    /// Where the dataset is, for whoever reads the run later.
    pub dataset: PathBuf,
}

impl Learner for NetworkLearner {
    fn name(&self) -> String {
        self.recipe.network.to_string()
    }

    fn fit(
        &self,
        set: FittingSet<'_>,
        fitting: &mut Fitting<'_>,
    ) -> Result<Box<dyn Fitted>, LearnerError> {
        let training = Training {
            recipe: Recipe {
                seed: fitting.seed,
                ..self.recipe.clone()
            },
            run: self.run.clone(),
            start: if self.run.is_there() {
                Start::Resume
            } else {
                Start::New
            },
            dataset: DatasetReference::of(set.manifest, &self.dataset),
            // A comparison shows what a class without samples costs; it is no reason to refuse.
            missing_classes: MissingClasses::Allow,
            threads: fitting.threads,
        };
        let training_set = TrainingSet {
            train: set.train.samples.clone(),
            validation: set.validation.samples.clone(),
        };
        let mut steps = Steps {
            sink: fitting.progress,
            plan: None,
        };
        match training::train_on(
            &training,
            set.manifest,
            &training_set,
            &mut steps,
            fitting.stop,
        )? {
            Outcome::Finished { .. } => Ok(Box::new(Model::open(&self.run.model_path())?)),
            Outcome::Stopped { .. } => Err(LearnerError::Stopped),
        }
    }
}

impl Fitted for Model {
    fn parameters(&self) -> usize {
        Self::parameters(self)
    }

    fn probabilities(
        &self,
        manifest: &Manifest,
        rows: &Rows,
        threads: usize,
    ) -> Result<Probabilities, LearnerError> {
        self.check_slices(&manifest.policy, manifest.slice_length)?;
        self.check_classes(&manifest.classes)?;
        self.check_parts(&rows.samples)?;
        let logits = self.logits(&rows.samples, threads);
        if logits.iter().any(|logit| !logit.is_finite()) {
            return Err(LearnerError::NotFinite);
        }
        let classes = manifest.classes.len();
        let temperature = self.contract().calibration.temperature;
        Ok(Probabilities {
            classes,
            values: logits
                .chunks_exact(classes)
                .flat_map(|logits| calibration::probabilities(logits, temperature))
                .collect(),
        })
    }
}

/// Counts steps over all epochs.
struct Steps<'a> {
    sink: &'a mut dyn FitProgress,
    plan: Option<Plan>,
}

impl Progress for Steps<'_> {
    fn begin(&mut self, plan: Plan) {
        self.plan = Some(plan);
        let whole = u64::from(plan.epochs) * plan.steps_per_epoch;
        self.sink.advance(plan.steps_done, whole, "steps");
    }

    fn step(&mut self, step: StepProgress) {
        if let Some(plan) = self.plan {
            let done = u64::from(step.epoch - 1) * plan.steps_per_epoch + step.step;
            let whole = u64::from(plan.epochs) * plan.steps_per_epoch;
            self.sink.advance(done, whole, "steps");
        }
    }
}
