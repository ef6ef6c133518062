//! Baselines: simpler and older classifiers on the same samples and splits as the networks.
//!
//! A name is a method and what it learns from, as in `forest:packets`; any of the one goes with
//! any of the other. [`ALL`] are those that a comparison has a reason to show: the classical systems
//! of the literature, and the [`CHEAP`] opponents that decide whether a network is worth having.

pub mod bayes;
pub mod boosting;
mod columns;
pub mod features;
pub mod forest;
pub mod frequency;
pub mod input;
pub mod linear_svm;
pub mod neighbours;
pub mod perceptron;
mod threads;
pub mod tree;

use std::{fmt, str::FromStr};

use rand::Rng;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};
use traffic::timestamp::Timestamp;

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

/// All that a comparison has a reason to show: [`CHEAP`], and what stands for published systems.
pub const ALL: [&str; 19] = [
    "majority",
    "forest:server",
    "look-up:link-type",
    "1nn:capture-time",
    "look-up:slice",
    "tree:slice",
    "forest:slice",
    "forest:packets",
    "1nn:packets",
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

/// Not the name of a baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no baseline; there are `majority` and METHOD:INPUT, where METHOD is look-up, tree, c45, \
     forest, boosting, 1nn (or another number), bayes, mlp or svm, and INPUT is {inputs}",
    inputs = Input::ALL.map(Input::name).join(", ")
)]
pub struct UnknownBaseline(pub String);

impl FromStr for Method {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "majority" => Self::Majority,
            "look-up" => Self::LookUp,
            "tree" => Self::Tree,
            "c45" => Self::C45,
            "forest" => Self::Forest,
            "boosting" => Self::Boosting,
            "bayes" => Self::Bayes,
            "mlp" => Self::Perceptron,
            "svm" => Self::LinearSvm,
            other => {
                let count = other.strip_suffix("nn").ok_or(())?;
                match count.parse() {
                    Ok(count) if (1..=1000).contains(&count) => Self::Neighbours(count),
                    _ => return Err(()),
                }
            }
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Majority => "majority",
            Self::LookUp => "look-up",
            Self::Tree => "tree",
            Self::C45 => "c45",
            Self::Forest => "forest",
            Self::Boosting => "boosting",
            Self::Neighbours(count) => return write!(f, "{count}nn"),
            Self::Bayes => "bayes",
            Self::Perceptron => "mlp",
            Self::LinearSvm => "svm",
        })
    }
}

impl FromStr for Baseline {
    type Err = UnknownBaseline;

    fn from_str(text: &str) -> Result<Self, UnknownBaseline> {
        let unknown = || UnknownBaseline(text.to_owned());
        if text == "majority" {
            return Ok(Self {
                method: Method::Majority,
                input: None,
            });
        }
        let (method, input) = text.split_once(':').ok_or_else(unknown)?;
        let method = method.parse().map_err(|()| unknown())?;
        let input = Input::named(input).ok_or_else(unknown)?;
        if method == Method::Majority {
            return Err(unknown());
        }
        Ok(Self {
            method,
            input: Some(input),
        })
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.method.fmt(f)?;
        match self.input {
            Some(input) => write!(f, ":{}", input.name()),
            None => Ok(()),
        }
    }
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

/// Chance of a seed; each stream is independent of the others.
fn random(seed: u64, stream: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(stream);
    random
}

/// A number from 0 to below 1, of 53 random bits.
fn unit(random: &mut ChaCha8Rng) -> f64 {
    (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
}

/// Brings things into a random order: Fisher and Yates.
fn shuffle(order: &mut [u32], random: &mut ChaCha8Rng) {
    for last in (1..order.len()).rev() {
        // The modulo favours small numbers by samples / 2^64: nothing.
        let pick = (random.next_u64() % (last as u64 + 1)) as usize;
        order.swap(last, pick);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_name_is_a_baselines_own() {
        for name in ALL {
            let baseline: Baseline = name.parse().unwrap();
            assert_eq!(baseline.name(), name);
        }
        assert!(CHEAP.iter().all(|name| ALL.contains(name)));
    }

    #[track_caller]
    fn check_refused(name: &str) {
        let error = name.parse::<Baseline>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{name}` is no baseline; there are")));
    }

    #[test]
    fn other_names_are_refused_with_those_there_are() {
        check_refused("forest");
        check_refused("forest:bytes");
        check_refused("majority:slice");
        check_refused("0nn:slice");
        check_refused("resnet-gru");
    }

    #[test]
    fn any_number_of_neighbours_can_be_asked_for() {
        let baseline: Baseline = "15nn:flow-statistics".parse().unwrap();
        assert_eq!(baseline.name(), "15nn:flow-statistics");
    }
}
