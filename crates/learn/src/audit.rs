//! Audits: how little one needs to know to score the same, and which bytes a model looks at.

mod behaviour;
mod bytes;
mod explanation;
mod fields;
mod occlusion;
mod repetition;
mod rules;
mod samples;
mod task;
#[cfg(test)]
mod tests;
mod values;

use std::path::Path;

use serde::{Deserialize, Serialize};
use traffic::policy::PolicyError;

pub use self::{
    bytes::{BestByte, ByteScores},
    explanation::{Explanation, FieldEffect, explain},
    fields::{FieldPlace, FieldScore, TaskScore},
    occlusion::{Effort, FieldUse, ModelAudit, Occluded, Score},
    repetition::{Conflict, Repeated},
    rules::{Measured, Rule, RuleVerdict, Trust},
    task::{Task, TaskName},
};
use self::{
    fields::{answers, task_score},
    rules::AllRows,
    samples::{Form, Samples},
};
use crate::{
    baselines::{features::Features, forest::Forest, frequency::most_frequent},
    dataset::{Dataset, DatasetError, Origin, Split, folder::SAMPLES, samples::read_facts_by_side},
    evaluation::{
        Answers, DatasetFacts,
        background::BackgroundShare,
        leak,
        sharing::{Seen, Sharing},
    },
    filters::Facts,
    model::{Model, ModelError, card::TrainedOn},
};

/// The version of the file's form that this program writes.
pub const SCHEMA: u32 = 1;

/// Trees of the forest that sees the whole slice.
const TREES: u32 = 30;

/// What is known of a dataset's shortcuts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// Version of this form: [`SCHEMA`].
    pub schema: u32,
    /// Which dataset.
    pub dataset: DatasetFacts,
    /// Samples that everything is fitted to: training's and validation's.
    pub train_samples: u64,
    /// Samples that everything is scored on.
    pub test_samples: u64,
    /// What is asked of a sample.
    pub tasks: Vec<Task>,
    /// Always the most frequent answer of training.
    pub majority: Vec<TaskScore>,
    /// A random forest on all bytes of the slice.
    pub forest: Vec<TaskScore>,
    /// Each field alone.
    pub fields: Vec<FieldScore>,
    /// Each byte alone.
    pub bytes: ByteScores,
    /// What test and training samples share; the scores in it are the forest's.
    pub sharing: Sharing,
    /// Test slices that are in training, as they are and with fields zeroed.
    pub repeated: Vec<Repeated>,
    /// Classes that claim the same five-tuples.
    pub conflicts: Vec<Conflict>,
    /// How much of the test side is background; the scores in it are the forest's.
    pub background: BackgroundShare,
    /// Test samples by class.
    pub support: Vec<u64>,
    /// Every split rule.
    pub rules: Vec<RuleVerdict>,
    /// What belongs under the names of the classes: what those of VPN traffic mean.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What is wrong with the split whatever is fitted to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leak: Option<String>,
    /// What a model looks at, if one was audited too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelAudit>,
}

/// An audit that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// The dataset cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// Its byte policy is none.
    #[error("damaged manifest")]
    Policy(#[from] PolicyError),
    /// One side has no samples.
    #[error("the dataset has no {0} samples; split it in three (see `undertone split --help`)")]
    NoSamples(Split),
}

/// The rows of a dataset, taken apart: what audits are made from.
#[derive(Debug)]
pub struct Subject {
    dataset: Dataset,
    /// What splits need, `[rows]`, side by side in the order of [`Split::ALL`].
    facts: Vec<Facts>,
    /// All that is not tested.
    train: Samples,
    test: Samples,
}

impl Subject {
    /// Opens the dataset in a folder.
    ///
    /// # Errors
    ///
    /// If it is damaged, or has no train or no test samples.
    pub fn open(folder: &Path) -> Result<Self, AuditError> {
        let dataset = Dataset::open(folder)?;
        let mut facts = read_facts_by_side(&folder.join(SAMPLES))?;
        // Rows of one side keep their order: so does a dataset that is read.
        facts.sort_by_key(|(side, _)| *side);
        Self::of(dataset, facts.into_iter().map(|(_, facts)| facts).collect())
    }

    /// A dataset, and the facts of its rows side by side.
    fn of(dataset: Dataset, facts: Vec<Facts>) -> Result<Self, AuditError> {
        for side in [Split::Train, Split::Test] {
            if dataset.split(side).samples.labels.is_empty() {
                return Err(AuditError::NoSamples(side));
            }
        }
        let form = Form::of(&dataset.manifest)?;
        // Nothing is chosen here, so that validation samples are free to be fitted to as well.
        let mut known = Samples::of(dataset.split(Split::Train), form);
        known.append(Samples::of(dataset.split(Split::Validation), form));
        Ok(Self {
            facts,
            train: known,
            test: Samples::of(dataset.split(Split::Test), form),
            dataset,
        })
    }

    /// The dataset.
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// Audits the dataset: the same dataset gives the same audit, on any number of threads.
    pub fn audit(&self) -> Audit {
        let Self {
            dataset,
            train,
            test,
            ..
        } = self;
        let manifest = &dataset.manifest;
        let tasks = Task::all(&manifest.classes);
        let classes = manifest.classes.len();
        let (forest, forest_answers) = self.forest(&tasks);
        let answers = Answers {
            confidences: vec![1.0; forest_answers.len()],
            classes: forest_answers,
            ..Answers::default()
        };
        let seen = Seen {
            rows: &train.rows,
            captures: &manifest.captures,
        };
        let support = (0..classes as u32)
            .map(|class| {
                test.labels()
                    .iter()
                    .filter(|&&label| label == class)
                    .count() as u64
            })
            .collect();
        Audit {
            schema: SCHEMA,
            dataset: DatasetFacts::of(manifest),
            train_samples: train.len() as u64,
            test_samples: test.len() as u64,
            majority: self.majority(&tasks),
            forest,
            fields: fields::scores(train, test, &tasks),
            bytes: ByteScores::of(train, test, &tasks),
            sharing: Sharing::of(&test.rows, &manifest.captures, &answers, classes, seen),
            repeated: repetition::repeated(train, test),
            conflicts: repetition::conflicts(&[train, test]),
            background: BackgroundShare::of(&test.rows, &answers, classes),
            support,
            rules: rules::verdicts(&self.all_rows()),
            note: TrainedOn::from(manifest)
                .vpn_note(&manifest.classes)
                .map(str::to_owned),
            leak: leak::of(manifest),
            model: None,
            tasks,
        }
    }

    /// Occludes the fields of the test samples, one at a time, and asks a model again.
    ///
    /// # Errors
    ///
    /// If the model is for slices of another policy or for other classes.
    pub fn audit_model(&self, model: &Model, effort: Effort) -> Result<ModelAudit, ModelError> {
        let manifest = &self.dataset.manifest;
        model.check_slices(&manifest.policy, manifest.slice_length)?;
        model.check_classes(&manifest.classes)?;
        model.check_parts(&self.test.rows.samples)?;
        let tasks = Task::all(&manifest.classes);
        Ok(occlusion::audit(model, &self.test, &tasks, effort))
    }

    /// A forest on the whole slice: its scores, and its answers to the first task.
    fn forest(&self, tasks: &[Task]) -> (Vec<TaskScore>, Vec<u32>) {
        let length = self.train.rows.samples.slice_length;
        let [known, asked] = [&self.train, &self.test]
            .map(|side| Features::bytes(length, side.rows.samples.slices.clone()));
        let mut answers_to_class = Vec::new();
        let scores = tasks
            .iter()
            .map(|task| {
                let labels = task.labels(self.train.labels());
                let classes = task.answers.len();
                let seed = self.dataset.manifest.split.seed;
                let forest = Forest::grow(&known, &labels, classes, TREES, seed);
                let given = answers(&forest, &asked, classes);
                let score = task_score(task, self.test.labels(), &given);
                if task.name == TaskName::Class {
                    answers_to_class = given;
                }
                score
            })
            .collect();
        (scores, answers_to_class)
    }

    fn majority(&self, tasks: &[Task]) -> Vec<TaskScore> {
        let of_task = |task: &Task| {
            let mut counts = vec![0; task.answers.len()];
            for label in task.labels(self.train.labels()) {
                counts[label as usize] += 1;
            }
            let answers = vec![most_frequent(&counts); self.test.len()];
            task_score(task, self.test.labels(), &answers)
        };
        tasks.iter().map(of_task).collect()
    }

    fn all_rows(&self) -> AllRows<'_> {
        let sides = Split::ALL.map(|side| self.dataset.split(side));
        let slices: Vec<u8> = sides
            .iter()
            .flat_map(|rows| rows.samples.slices.iter().copied())
            .collect();
        // Samples that were taken apart know more of the rows of raw datasets.
        let taken_apart = [&self.train.rows.origins, &self.test.rows.origins];
        let origins: Vec<&Origin> = taken_apart.into_iter().flatten().collect();
        let manifest = &self.dataset.manifest;
        AllRows {
            classes: &manifest.classes,
            slices,
            slice_length: manifest.slice_length,
            facts: self.facts.clone(),
            origins,
            own: manifest.split.rule,
            seed: manifest.split.seed,
            fractions: manifest.split.fractions,
        }
    }
}

impl Audit {
    /// As JSON with a line feed at its end.
    ///
    /// # Panics
    ///
    /// Never: it is made of plain structures with finite numbers and string keys.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("plain structures with finite numbers and string keys");
        text.push('\n');
        text
    }

    /// The number of a task.
    pub fn task(&self, name: TaskName) -> Option<usize> {
        self.tasks.iter().position(|task| task.name == name)
    }
}
