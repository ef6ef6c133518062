//! Baselines: simpler and older classifiers on the same samples and splits as the networks.
//!
//! A name is a method and what it learns from, as in `forest:packets`; any of the one goes with
//! any of the other. [`ALL`] are those that a comparison has a reason to show: the classical systems
//! of the literature, and the [`CHEAP`] opponents that decide whether a network is worth having.

pub mod bayes;
pub mod boosting;
mod chance;
mod columns;
pub mod features;
pub mod forest;
pub mod frequency;
pub mod input;
pub mod linear_svm;
mod names;
pub mod neighbours;
pub mod perceptron;
mod threads;
pub mod tree;

use std::fmt;

use traffic::timestamp::Timestamp;

pub use self::names::UnknownBaseline;
use crate::{
    dataset::{Manifest, Rows, Split},
    learner::{Fitted, Fitting, FittingSet, Learner, LearnerError, Probabilities},
    model::ModelError,
};
use bayes::NaiveBayes;
use boosting::Boosting;
use features::{Examples, Features};
use forest::Forest;
use frequency::{LookUp, Majority};
use input::{Input, Missing};
use linear_svm::LinearSvm;
use neighbours::Neighbours;
use perceptron::Perceptron;
use tree::{Tree, TreeSettings};

/// What any result table shows: how far one gets without a network.
pub const CHEAP: [&str; 9] = [
    "majority",
    "forest:server",
    "look-up:link-type",
    "1nn:capture-time",
    "look-up:slice",
    "tree:slice",
    "forest:slice",
    "forest:packets",
    "1nn:packets",
];

/// What stands for published systems.
const PUBLISHED: [&str; 10] = [
    "boosting:packets",
    // Draper-Gil et al. 2016, Habibi Lashkari et al. 2017.
    "c45:time-features",
    "1nn:time-features",
    "forest:time-features",
    // The kinds of Yamansavascilar et al. 2017 and Hodo et al. 2017.
    "forest:flow-statistics",
    "boosting:flow-statistics",
    "1nn:flow-statistics",
    "bayes:flow-statistics",
    "mlp:flow-statistics",
    "svm:flow-statistics",
];

/// All that a comparison has a reason to show: [`CHEAP`], and what stands for published systems.
pub const ALL: [&str; CHEAP.len() + PUBLISHED.len()] = {
    let mut all = [""; CHEAP.len() + PUBLISHED.len()];
    let (cheap, published) = all.split_at_mut(CHEAP.len());
    cheap.copy_from_slice(&CHEAP);
    published.copy_from_slice(&PUBLISHED);
    all
};

/// Trees of a forest.
const TREES: u32 = 100;

/// How a baseline learns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Always the most frequent class; learns from nothing.
    Majority,
    /// The most frequent class of the training samples with exactly the same input.
    LookUp,
    /// A decision tree of at most six questions in a row.
    Tree,
    /// A tree as C4.5 grows and prunes it.
    C45,
    /// 100 full-grown trees on random samples and columns.
    Forest,
    /// At most 100 rounds of gradient boosting.
    Boosting,
    /// That many nearest neighbours.
    Neighbours(usize),
    /// A Gaussian for each class and column.
    Bayes,
    /// A perceptron with one hidden layer.
    Perceptron,
    /// A linear support vector machine.
    LinearSvm,
}

/// A method and what it learns from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Baseline {
    method: Method,
    /// None for [`Method::Majority`] alone.
    input: Option<Input>,
}

/// What a fitted method does: features in, probabilities out.
pub trait Predictor: fmt::Debug + Send + Sync {
    /// How many numbers were fitted.
    fn parameters(&self) -> usize;

    /// `[samples, classes]`; they do not depend on the number of threads.
    fn probabilities(&self, features: &Features, threads: usize) -> Vec<f64>;
}

impl Learner for Baseline {
    fn name(&self) -> String {
        self.to_string()
    }

    fn fit(
        &self,
        set: FittingSet<'_>,
        fitting: &mut Fitting<'_>,
    ) -> Result<Box<dyn Fitted>, LearnerError> {
        let labels = &set.train.samples.labels;
        if labels.is_empty() {
            return Err(LearnerError::NoSamples(Split::Train));
        }
        fitting.check_stop()?;
        let mut fitted = FittedBaseline {
            baseline: *self,
            since: input::first_start(set.train),
            classes: set.manifest.classes.clone(),
            policy: set.manifest.policy.clone(),
            slice_length: set.manifest.slice_length,
            predictor: Box::new(Majority::fit(labels, set.manifest.classes.len())),
        };
        let train = fitted.features(set.train)?;
        let validation = match fitted.features(set.validation) {
            Ok(features) => (features, set.validation.samples.labels.as_slice()),
            // Who learns from what the validation rows do not have chooses without them.
            Err(_) => (Features::bytes(train.columns(), Vec::new()), &[][..]),
        };
        let examples = Examples {
            train: (&train, labels),
            validation: (&validation.0, validation.1),
        };
        fitted.predictor = self
            .method
            .fit(&examples, set.manifest.classes.len(), fitting)?;
        Ok(Box::new(fitted))
    }
}

impl Method {
    /// Fits to features, wherever they come from.
    ///
    /// # Errors
    ///
    /// [`LearnerError::Stopped`].
    pub fn fit(
        self,
        examples: &Examples<'_>,
        classes: usize,
        fitting: &mut Fitting<'_>,
    ) -> Result<Box<dyn Predictor>, LearnerError> {
        let (features, labels) = examples.train;
        let seed = fitting.seed;
        Ok(match self {
            Self::Majority => Box::new(Majority::fit(labels, classes)),
            Self::LookUp => Box::new(LookUp::fit(features, labels, classes)),
            Self::Tree => {
                let settings = TreeSettings::SHALLOW;
                Box::new(Tree::fit(features, labels, classes, &settings, seed))
            }
            Self::C45 => {
                let settings = TreeSettings::C45;
                Box::new(Tree::fit(features, labels, classes, &settings, seed))
            }
            Self::Forest => Box::new(Forest::fit(features, labels, classes, TREES, fitting)?),
            Self::Boosting => Box::new(Boosting::fit(examples, classes, fitting)?),
            Self::Neighbours(count) => Box::new(Neighbours::fit(features, labels, classes, count)),
            Self::Bayes => Box::new(NaiveBayes::fit(features, labels, classes)),
            Self::Perceptron => Box::new(Perceptron::fit(examples, classes, fitting)?),
            Self::LinearSvm => Box::new(LinearSvm::fit(examples, classes, fitting)?),
        })
    }
}

/// A fitted baseline, and what rows must be like for it to answer.
#[derive(Debug)]
struct FittedBaseline {
    baseline: Baseline,
    /// Times are counted from here.
    since: Timestamp,
    classes: Vec<String>,
    policy: String,
    slice_length: usize,
    predictor: Box<dyn Predictor>,
}

impl FittedBaseline {
    fn features(&self, rows: &Rows) -> Result<Features, LearnerError> {
        let Some(input) = self.baseline.input else {
            return Ok(Features::bytes(1, vec![0; rows.samples.labels.len()]));
        };
        input
            .features(rows, self.since)
            .map_err(|Missing(input)| LearnerError::MissingInput {
                learner: self.baseline.to_string(),
                input,
            })
    }

    /// Refuses rows that mean something else than those it was fitted to.
    fn check(&self, manifest: &Manifest) -> Result<(), ModelError> {
        if manifest.classes != self.classes {
            return Err(ModelError::OtherClasses {
                model: self.classes.clone(),
                offered: manifest.classes.clone(),
            });
        }
        let is_same = manifest.policy == self.policy && manifest.slice_length == self.slice_length;
        if self.baseline.input == Some(Input::Slice) && !is_same {
            return Err(ModelError::OtherPolicy {
                model: self.policy.clone(),
                model_length: self.slice_length,
                offered: manifest.policy.clone(),
                offered_length: manifest.slice_length,
            });
        }
        Ok(())
    }
}

impl Fitted for FittedBaseline {
    fn parameters(&self) -> usize {
        self.predictor.parameters()
    }

    fn probabilities(
        &self,
        manifest: &Manifest,
        rows: &Rows,
        threads: usize,
    ) -> Result<Probabilities, LearnerError> {
        self.check(manifest)?;
        let features = self.features(rows)?;
        Ok(Probabilities {
            classes: self.classes.len(),
            values: self.predictor.probabilities(&features, threads),
        })
    }
}
