//! Recipes: every setting that decides a training run.

mod augmentation;
mod ranges;
mod settings;

use std::f64::consts::PI;

pub use network::architecture::Architecture;
use network::{architecture::Shape, precision::Precision};
use serde::{Deserialize, Serialize};

pub use augmentation::Augmentation;
pub use settings::{ClassWeights, Optimiser, Schedule, Watch};

/// The version of the recipe's form that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// Packets that networks of sequences look at unless the recipe says otherwise.
const PACKETS: usize = 32;

/// Names of the recipes that come with the program.
pub const BUILT_IN: [&str; 4] = ["paper", "quick", "laboratory", "windows"];

/// Every setting that decides a training run; with the dataset, it decides the result.
///
/// The number of threads is not among them: results do not depend on it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Version of this form: [`SCHEMA`].
    pub schema: u32,
    /// Which network.
    pub network: Architecture,
    /// What convolutions round their factors to in training; results depend on it.
    #[serde(default, skip_serializing_if = "is_default")]
    pub precision: Precision,
    /// How often the training samples are gone through, at most.
    pub epochs: u32,
    /// Samples of one step; the last step of an epoch takes what is left.
    pub batch_size: usize,
    /// What turns gradients into steps.
    #[serde(default)]
    pub optimiser: Optimiser,
    /// The learning rate, at its highest.
    pub learning_rate: f64,
    /// Where a falling learning rate ends.
    #[serde(default)]
    pub minimum_learning_rate: f64,
    /// How the learning rate changes.
    #[serde(default)]
    pub schedule: Schedule,
    /// Epochs over which the learning rate first rises from 0.
    #[serde(default)]
    pub warm_up_epochs: u32,
    /// Adam's decoupled weight decay.
    #[serde(default)]
    pub weight_decay: f64,
    /// Probability that dropout zeroes an input of the paper's GRU, or a feature of a sequence. The
    /// networks of others have rates of their own, which 0 turns off.
    pub dropout: f64,
    /// Packets that networks of sequences look at; absent: 32.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packets: Option<usize>,
    /// Share of the training samples that are cut after a random number of packets, anew in each
    /// epoch, so that a network of sequences learns to answer early.
    #[serde(default, skip_serializing_if = "is_default")]
    pub prefix_share: f64,
    /// How often the training samples are gone through for each hidden layer of `deep-packet-sae`
    /// before the network is trained as a whole, at the full learning rate; its authors are recalled to
    /// have taken 200. The other networks have no such start.
    #[serde(default, skip_serializing_if = "is_default")]
    pub layerwise_epochs: u32,
    /// How much each class weighs in the loss.
    #[serde(default)]
    pub class_weights: ClassWeights,
    /// What decides which epoch is best, on the validation split.
    #[serde(default)]
    pub watch: Watch,
    /// Stop after so many epochs without a better one; absent: never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience: Option<u32>,
    /// Seed of the initial weights, of dropout and of the order of samples.
    pub seed: u64,
    /// How training samples are changed.
    #[serde(default, skip_serializing_if = "is_default")]
    pub augmentation: Augmentation,
}

/// A recipe that cannot be followed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// Not TOML, an unknown key, a missing one, or a value of the wrong kind.
    #[error("{0}")]
    Form(String),
    /// Written for another version of the program.
    #[error("the recipe has schema {found}, this program reads schema {SCHEMA}")]
    Schema {
        /// The version found.
        found: u32,
    },
    /// A value outside of its range.
    #[error("`{key} = {found}` is out of range: {expected}")]
    Range {
        /// Which setting.
        key: &'static str,
        /// What it is.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
}

impl Recipe {
    /// A recipe that comes with the program.
    pub fn built_in(name: &str) -> Option<Self> {
        let text = match name {
            "paper" => include_str!("recipes/paper.toml"),
            "quick" => include_str!("recipes/quick.toml"),
            "laboratory" => include_str!("recipes/laboratory.toml"),
            "windows" => include_str!("recipes/windows.toml"),
            _ => return None,
        };
        Self::parse(text).ok()
    }

    /// Reads a recipe.
    ///
    /// # Errors
    ///
    /// [`RecipeError`] naming the key that is unknown, missing or out of range.
    pub fn parse(text: &str) -> Result<Self, RecipeError> {
        let recipe: Self =
            toml::from_str(text).map_err(|error| RecipeError::Form(one_line(text, &error)))?;
        recipe.validate()?;
        Ok(recipe)
    }

    /// As TOML, which reads back to the same recipe.
    ///
    /// # Panics
    ///
    /// Never: a recipe is a table of numbers and words, and one of shares.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a recipe is a table of numbers and words, and one of shares")
    }

    /// The shape of its network.
    pub fn shape(&self, slice_length: usize, classes: usize) -> Shape {
        let reads_packets = self.network.parts().packets;
        Shape {
            architecture: self.network,
            slice_length,
            classes,
            packets: if reads_packets {
                self.packets.unwrap_or(PACKETS)
            } else {
                0
            },
        }
    }

    /// The learning rate of a step, counted from 0 over the whole run.
    ///
    /// The warm-up rises in a straight line and reaches the full rate with its last step; the
    /// cosine then falls from the full rate to the minimum, which the run's last step has.
    pub fn learning_rate_at(&self, step: u64, steps_per_epoch: u64) -> f64 {
        let warm_up = u64::from(self.warm_up_epochs) * steps_per_epoch;
        if step < warm_up {
            return self.learning_rate * (step + 1) as f64 / warm_up as f64;
        }
        match self.schedule {
            Schedule::Constant => self.learning_rate,
            Schedule::Cosine => {
                let last = (u64::from(self.epochs) * steps_per_epoch).saturating_sub(warm_up + 1);
                let done = if last == 0 {
                    0.0
                } else {
                    ((step - warm_up) as f64 / last as f64).min(1.0)
                };
                let range = self.learning_rate - self.minimum_learning_rate;
                self.minimum_learning_rate + range * 0.5 * (1.0 + (PI * done).cos())
            }
        }
    }

    /// The weight of each class, given how many training samples it has; `None` for equal weights.
    ///
    /// A class without samples weighs 0: it is in no batch.
    pub fn class_weights(&self, counts: &[u64]) -> Option<Vec<f32>> {
        let present = counts.iter().filter(|&&count| count > 0).count() as f64;
        let samples = counts.iter().sum::<u64>() as f64;
        let balanced = |count: u64| {
            if count == 0 {
                0.0
            } else {
                samples / (present * count as f64)
            }
        };
        match self.class_weights {
            ClassWeights::None => None,
            ClassWeights::Balanced => {
                Some(counts.iter().map(|&count| balanced(count) as f32).collect())
            }
            ClassWeights::Sqrt => Some(
                counts
                    .iter()
                    .map(|&count| balanced(count).sqrt() as f32)
                    .collect(),
            ),
        }
    }
}

/// Whether a setting need not be written, so that versions that do not know it read the recipe.
fn is_default<T: Default + PartialEq>(setting: &T) -> bool {
    *setting == T::default()
}

/// The first line of what TOML says, with the line number it means.
fn one_line(text: &str, error: &toml::de::Error) -> String {
    let message = error.message().replace('\n', "; ");
    match error.span() {
        Some(span) if span.start > 0 || span.end > 0 => {
            let line = text[..span.start.min(text.len())].matches('\n').count() + 1;
            format!("line {line}: {message}")
        }
        _ => message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in crate::recipe) const SHORT: &str = "schema = 1\nnetwork = \"gru\"\nepochs = 4\nbatch_size = 8\n\
                         learning_rate = 0.1\ndropout = 0.0\nseed = 3\n";

    #[test]
    fn every_built_in_recipe_can_be_followed() {
        for name in BUILT_IN {
            assert!(Recipe::built_in(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_papers_recipe_has_the_papers_settings() {
        let recipe = Recipe::built_in("paper").unwrap();
        assert_eq!((recipe.batch_size, recipe.epochs), (128, 150));
        assert_eq!(recipe.learning_rate.to_bits(), 0.001_f64.to_bits());
        assert_eq!(recipe.patience, None);
        assert_eq!(recipe.class_weights, ClassWeights::None);
    }

    #[test]
    fn a_recipe_reads_back_as_it_was_written() {
        for name in BUILT_IN {
            let recipe = Recipe::built_in(name).unwrap();
            assert_eq!(Recipe::parse(&recipe.to_toml()).unwrap(), recipe);
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let error = Recipe::parse(&format!("{SHORT}learning_rat = 1\n"))
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("line 8: unknown field `learning_rat`, expected one of"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_key_is_named() {
        let error = Recipe::parse("schema = 1\n").unwrap_err().to_string();
        assert!(error.contains("missing field `network`"), "{error}");
    }

    #[test]
    fn a_recipe_that_says_nothing_of_precision_trains_in_float32() {
        let silent = Recipe::parse(SHORT).unwrap();
        assert_eq!(silent.precision, Precision::Float32);
        assert!(!silent.to_toml().contains("precision"));
        let half = Recipe::parse(&format!("{SHORT}precision = \"bfloat16\"\n")).unwrap();
        assert_eq!(half.precision, Precision::Bfloat16);
        assert_eq!(Recipe::parse(&half.to_toml()).unwrap(), half);
    }

    #[test]
    fn a_newer_schema_is_refused() {
        let error = Recipe::parse(&SHORT.replace("schema = 1", "schema = 2")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the recipe has schema 2, this program reads schema 1"
        );
    }

    #[test]
    fn a_cosine_rises_first_and_falls_to_its_minimum() {
        let recipe = Recipe {
            schedule: Schedule::Cosine,
            warm_up_epochs: 1,
            minimum_learning_rate: 0.02,
            ..Recipe::parse(SHORT).unwrap()
        };
        // 4 epochs of 2 steps: steps 0 and 1 warm up, 2 to 7 fall; 0.02 + 0.08 * (1 + cos(pi k/5)) / 2.
        let found: Vec<f64> = (0..8)
            .map(|step| recipe.learning_rate_at(step, 2))
            .collect();
        let expected = [
            0.05,
            0.1,
            0.1,
            0.092_360_68,
            0.072_360_68,
            0.047_639_32,
            0.027_639_32,
            0.02,
        ];
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-8, "{found} is not {expected}");
        }
    }

    #[test]
    fn balanced_weights_make_classes_count_the_same() {
        let mut recipe = Recipe::parse(SHORT).unwrap();
        recipe.class_weights = ClassWeights::Balanced;
        // 8 samples, 2 classes with samples: 8 / (2 * 2) and 8 / (2 * 6).
        assert_eq!(
            recipe.class_weights(&[2, 6, 0]),
            Some(vec![2.0, 2.0 / 3.0, 0.0])
        );
        recipe.class_weights = ClassWeights::Sqrt;
        assert_eq!(
            recipe.class_weights(&[1, 4]),
            Some(vec![2.5_f32.sqrt(), 0.625_f32.sqrt()])
        );
        recipe.class_weights = ClassWeights::None;
        assert_eq!(recipe.class_weights(&[1, 4]), None);
    }
}
