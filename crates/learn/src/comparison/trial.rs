//! Trials: one model with one seed, fitted and scored on one split.

use std::{fs, io, path::Path};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    dataset::Manifest,
    evaluation::{
        Answers, DatasetFacts, EvaluationError, Scores, Subject, figures::Figures,
        intervals::Intervals, votes::Votes,
    },
    files,
};

/// The version of the file's form that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// The file that says what a trial is to be.
const SETTINGS: &str = "settings.json";

/// The file of a finished trial.
const TRIAL: &str = "trial.json";

/// What a model is to those it is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A neural network.
    Network,
    /// A classical learner.
    Classical,
    /// A model that knows so little that whoever does no better has learned nothing worth having.
    CheapOpponent,
}

/// Everything that decides a trial; trials of equal settings are the same.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The model, as on the command line.
    pub model: String,
    /// What it is to the others.
    pub kind: Kind,
    /// Seed of everything that it draws.
    pub seed: u64,
    /// Its recipe or its other settings, as TOML.
    pub recipe: String,
    /// The samples.
    pub dataset: DatasetFacts,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
}

/// What the clock says: no part of what the same seed gives again.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// How long the fit took, in seconds.
    pub training_seconds: f64,
    /// How many samples are answered in a second.
    pub samples_per_second: f64,
}

/// One model with one seed, fitted and scored on one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Version of this form: [`SCHEMA`].
    pub schema: u32,
    /// What decided it.
    pub settings: Settings,
    /// How many numbers were fitted; each learner says what it counts.
    pub parameters: u64,
    /// The figures.
    pub scores: Scores,
    /// How far they would move.
    pub intervals: Intervals,
    /// Of samples that are packets or windows, the figures of sessions that these vote on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub votes: Option<Votes>,
    /// The figures on samples whose slice is not, byte for byte, one of training; none if no slice
    /// is new.
    pub unshared: Option<Scores>,
    /// The figures on samples that are not background; none if all are.
    pub foreground: Option<Scores>,
    /// `[true class][answered class]`.
    pub confusion: Vec<Vec<u64>>,
    /// The answers, `[samples]`.
    pub answers: Vec<u32>,
    /// What the clock says.
    pub times: Times,
}

/// A trial's file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrialError {
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is something else, or of another version.
    #[error("damaged: {0}")]
    Form(String),
    /// There is a trial of other settings.
    #[error("it holds a result of {what}: {found} instead of {wanted}")]
    Other {
        /// What differs.
        what: &'static str,
        /// What it has.
        found: String,
        /// What was asked for.
        wanted: String,
    },
}

impl Settings {
    /// Of a model and the dataset it is for.
    pub fn new(model: &str, kind: Kind, seed: u64, recipe: String, manifest: &Manifest) -> Self {
        Self {
            model: model.to_owned(),
            kind,
            seed,
            recipe,
            dataset: DatasetFacts::of(manifest),
            classes: manifest.classes.clone(),
        }
    }

    /// Refuses other settings, and names the first that differs.
    fn check(&self, wanted: &Self) -> Result<(), TrialError> {
        let other = |what, found: &str, wanted: &str| TrialError::Other {
            what,
            found: format!("`{found}`"),
            wanted: format!("`{wanted}`"),
        };
        if self.dataset.sha256 != wanted.dataset.sha256 {
            let (found, wanted) = (&self.dataset.sha256, &wanted.dataset.sha256);
            return Err(other("another dataset", found, wanted));
        }
        for (found, wanted) in self.recipe.lines().zip(wanted.recipe.lines()) {
            if found != wanted {
                return Err(other("another recipe", found, wanted));
            }
        }
        if self == wanted {
            return Ok(());
        }
        let name = |settings: &Self| format!("{} with seed {}", settings.model, settings.seed);
        Err(other("other settings", &name(self), &name(wanted)))
    }
}

impl Trial {
    /// Scores a model's answers to the samples of `subject`.
    ///
    /// # Errors
    ///
    /// [`EvaluationError::NoSamples`].
    pub fn of(
        settings: Settings,
        parameters: u64,
        answers: Answers,
        subject: Subject<'_>,
        times: Times,
    ) -> Result<Self, EvaluationError> {
        let figures = Figures::of(subject, &answers)?;
        Ok(Self {
            schema: SCHEMA,
            settings,
            parameters,
            scores: figures.scores,
            intervals: figures.intervals,
            votes: figures.votes,
            unshared: figures.sharing.and_then(|sharing| sharing.unshared),
            foreground: figures.background.foreground,
            confusion: figures.matrix.rows(),
            answers: answers.classes,
            times,
        })
    }

    /// The trial that a folder holds, if it is finished; the folder is made if it is not there.
    ///
    /// The settings are written before anything else, so that a trial that was interrupted is
    /// continued with the same ones or not at all.
    ///
    /// # Errors
    ///
    /// [`TrialError::Other`] if the folder is of other settings; others if it cannot be used.
    pub fn resume(folder: &Path, wanted: &Settings) -> Result<Option<Self>, TrialError> {
        fs::create_dir_all(folder)?;
        match read::<Settings>(&folder.join(SETTINGS))? {
            Some(found) => found.check(wanted)?,
            None => write(&folder.join(SETTINGS), wanted)?,
        }
        let Some(trial) = read::<Self>(&folder.join(TRIAL))? else {
            return Ok(None);
        };
        if trial.schema == SCHEMA {
            Ok(Some(trial))
        } else {
            Err(TrialError::Form(format!(
                "`{TRIAL}` has schema {}, this program reads schema {SCHEMA}",
                trial.schema
            )))
        }
    }

    /// Leaves it in its folder, whole or not at all.
    ///
    /// # Errors
    ///
    /// If the file cannot be written.
    pub fn save(&self, folder: &Path) -> Result<(), TrialError> {
        Ok(write(&folder.join(TRIAL), self)?)
    }
}

/// What is in a file, if there is one.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, TrialError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let name = path.file_name().unwrap_or_default().display().to_string();
    serde_json::from_str(&text)
        .map(Some)
        .map_err(|error| TrialError::Form(format!("`{name}`: {error}")))
}

fn write(path: &Path, value: &impl Serialize) -> io::Result<()> {
    let mut text =
        serde_json::to_vec(value).expect("plain structures with finite numbers and string keys");
    text.push(b'\n');
    files::write_whole(path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(recipe: &str) -> Settings {
        let manifest = Manifest::new("toy", vec!["Chat".to_owned()], "paper", 784);
        Settings::new("gru", Kind::Network, 1, recipe.to_owned(), &manifest)
    }

    /// What another trial in the same folder is told.
    #[track_caller]
    fn check_refused(other: &Settings, expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let first = settings("epochs = 2\nseed = 1\n");
        assert_eq!(Trial::resume(folder.path(), &first).unwrap(), None);
        assert_eq!(Trial::resume(folder.path(), &first).unwrap(), None);
        let error = Trial::resume(folder.path(), other).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_folder_is_for_one_trial() {
        check_refused(
            &settings("epochs = 3\nseed = 1\n"),
            "it holds a result of another recipe: `epochs = 2` instead of `epochs = 3`",
        );
        let mut other = settings("epochs = 2\nseed = 1\n");
        other.dataset.sha256 = "abc".to_owned();
        check_refused(
            &other,
            "it holds a result of another dataset: `` instead of `abc`",
        );
        let mut other = settings("epochs = 2\nseed = 1\n");
        other.seed = 2;
        check_refused(
            &other,
            "it holds a result of other settings: `gru with seed 1` instead of `gru with seed 2`",
        );
    }

    #[test]
    fn a_damaged_file_is_named() {
        let folder = tempfile::tempdir().unwrap();
        Trial::resume(folder.path(), &settings("")).unwrap();
        fs::write(folder.path().join(TRIAL), "{").unwrap();
        let error = Trial::resume(folder.path(), &settings("")).unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("damaged: `trial.json`: EOF"), "{text}");
    }
}
