//! Runs: the folder that one execution of a recipe leaves.
//!
//! `recipe.toml` as run, `dataset.json` (which dataset), `epochs.jsonl` (one line an epoch),
//! `model.safetensors` (the best epoch, a complete model), `last.safetensors` (the training state),
//! and, once evaluated, `evaluation.json` and `report.html`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use crate::{
    dataset::{Dataset, Manifest},
    files,
    recipe::{Recipe, RecipeError},
};

/// Files of a run, in the order in which they are made.
const FILES: [&str; 7] = [
    "recipe.toml",
    "dataset.json",
    "epochs.jsonl",
    "model.safetensors",
    "last.safetensors",
    "evaluation.json",
    "report.html",
];

/// A run's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    folder: PathBuf,
}

/// What to do about a run that is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// Refuse.
    New,
    /// Remove its files and begin again.
    Over,
    /// Continue it.
    Resume,
}

/// Which dataset a run was trained on, and where that was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetReference {
    /// Version of this form: 1.
    pub schema: u32,
    /// What the dataset is called.
    pub name: String,
    /// SHA-256 of its samples.
    pub sha256: String,
    /// Where it was.
    pub path: String,
    /// Classes of it that were left out of training.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out_classes: Vec<String>,
}

/// What one epoch did.
///
/// Numbers are rounded, so that what is read back is what was written.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EpochRecord {
    /// Which one, counted from 1.
    pub epoch: u32,
    /// The learning rate of its last step.
    pub learning_rate: f64,
    /// Mean (weighted) cross-entropy of its batches, in nats, dropout on.
    pub train_loss: f64,
    /// The share of training samples answered right, dropout on.
    pub train_accuracy: f64,
    /// Mean cross-entropy of the validation samples, in nats.
    pub validation_loss: f64,
    /// The share of validation samples answered right.
    pub validation_accuracy: f64,
    /// Mean F1 of the classes with validation samples.
    pub validation_macro_f1: f64,
    /// Whether it was the best so far.
    pub is_best: bool,
}

/// A run folder that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A file could not be read or written.
    #[error("cannot read or write `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What went wrong.
        source: io::Error,
    },
    /// Something is there already.
    #[error(
        "`{}` already holds a run; continue it with --resume, replace it with --force, or choose \
         another folder",
        path.display()
    )]
    Exists {
        /// Which folder.
        path: PathBuf,
    },
    /// Nothing to continue.
    #[error("`{}` holds no run to resume: `{missing}` is missing", path.display())]
    Nothing {
        /// Which folder.
        path: PathBuf,
        /// The first file that is missing.
        missing: &'static str,
    },
    /// A file is damaged.
    #[error("`{}`: damaged: {reason}", path.display())]
    Damaged {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The recipe in the folder cannot be followed.
    #[error("cannot follow `recipe.toml`")]
    Recipe(#[from] RecipeError),
}

impl Run {
    /// The run in a folder, whether it is there or not.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Whether the folder holds a run that can be resumed, finished or not.
    pub fn is_there(&self) -> bool {
        ["recipe.toml", "dataset.json"]
            .iter()
            .all(|name| self.file(name).exists())
    }

    /// One of its files, by name.
    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The best epoch's model.
    pub fn model_path(&self) -> PathBuf {
        self.file("model.safetensors")
    }

    /// The training state.
    pub fn state_path(&self) -> PathBuf {
        self.file("last.safetensors")
    }

    /// Makes the folder ready; writes the recipe and the dataset's name into a new one.
    ///
    /// # Errors
    ///
    /// [`RunError::Exists`] or [`RunError::Nothing`] if the folder is not as `start` wants it.
    pub(crate) fn begin(
        &self,
        start: Start,
        recipe: &Recipe,
        dataset: &DatasetReference,
    ) -> Result<(), RunError> {
        let present = |name: &&str| self.file(name).exists();
        match start {
            Start::Resume => {
                for missing in ["recipe.toml", "dataset.json"] {
                    if !present(&missing) {
                        return Err(RunError::Nothing {
                            path: self.folder.clone(),
                            missing,
                        });
                    }
                }
                return Ok(());
            }
            Start::New if FILES.iter().any(present) => {
                return Err(RunError::Exists {
                    path: self.folder.clone(),
                });
            }
            Start::New => {}
            Start::Over => {
                for path in FILES
                    .iter()
                    .filter(|name| present(name))
                    .map(|name| self.file(name))
                {
                    fs::remove_file(&path).map_err(|source| RunError::Io { path, source })?;
                }
            }
        }
        fs::create_dir_all(&self.folder).map_err(|source| RunError::Io {
            path: self.folder.clone(),
            source,
        })?;
        self.write("recipe.toml", recipe.to_toml().as_bytes())?;
        let mut reference = serde_json::to_vec_pretty(dataset).expect("four plain fields");
        reference.push(b'\n');
        self.write("dataset.json", &reference)
    }

    /// Writes one of its files, whole or not at all.
    ///
    /// # Errors
    ///
    /// [`RunError::Io`].
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        let path = self.file(name);
        files::write_whole(&path, bytes).map_err(|source| RunError::Io { path, source })
    }

    /// The recipe it follows.
    ///
    /// # Errors
    ///
    /// If `recipe.toml` is missing or cannot be followed.
    pub fn recipe(&self) -> Result<Recipe, RunError> {
        Ok(Recipe::parse(&self.read("recipe.toml")?)?)
    }

    /// The dataset it was trained on.
    ///
    /// # Errors
    ///
    /// If `dataset.json` is missing or damaged.
    pub fn dataset(&self) -> Result<DatasetReference, RunError> {
        serde_json::from_str(&self.read("dataset.json")?).map_err(|error| RunError::Damaged {
            path: self.file("dataset.json"),
            reason: error.to_string(),
        })
    }

    /// What its epochs did, in order; none before the first has ended.
    ///
    /// # Errors
    ///
    /// If `epochs.jsonl` cannot be read or is damaged.
    pub fn epochs(&self) -> Result<Vec<EpochRecord>, RunError> {
        if !self.file("epochs.jsonl").exists() {
            return Ok(Vec::new());
        }
        self.read("epochs.jsonl")?
            .lines()
            .enumerate()
            .map(|(line, text)| {
                serde_json::from_str(text).map_err(|error| RunError::Damaged {
                    path: self.file("epochs.jsonl"),
                    reason: format!("line {}: {error}", line + 1),
                })
            })
            .collect()
    }

    /// Writes what the epochs did.
    pub(crate) fn write_epochs(&self, epochs: &[EpochRecord]) -> Result<(), RunError> {
        let mut text = String::new();
        for epoch in epochs {
            text += &serde_json::to_string(epoch).expect("plain numbers");
            text.push('\n');
        }
        self.write("epochs.jsonl", text.as_bytes())
    }

    fn read(&self, name: &str) -> Result<String, RunError> {
        let path = self.file(name);
        fs::read_to_string(&path).map_err(|source| RunError::Io { path, source })
    }
}

impl DatasetReference {
    /// Of a dataset that was opened from `path`.
    pub fn new(dataset: &Dataset, path: &Path) -> Self {
        Self::of(&dataset.manifest, path)
    }

    /// Of the dataset with this manifest, which is at `path`.
    pub fn of(manifest: &Manifest, path: &Path) -> Self {
        Self {
            schema: 1,
            name: manifest.name.clone(),
            sha256: manifest.samples_sha256.clone(),
            path: path.display().to_string(),
            held_out_classes: manifest.split.held_out_classes.clone(),
        }
    }
}
