//! Fields, one at a time: what a small tree that sees nothing else scores.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use traffic::dissection::Part;

use super::{
    samples::Samples,
    task::{Task, TaskName},
    values::{self, Fact, Values},
};
use crate::{
    baselines::{
        Predictor,
        features::Features,
        tree::{Tree, TreeSettings},
    },
    evaluation::confusion::ConfusionMatrix,
    learner::Probabilities,
};

/// The tree that sees one field: a value is worth a leaf of its own if it occurs twice.
const TREE: TreeSettings = TreeSettings {
    max_depth: Some(32),
    min_leaf: 2,
    ..TreeSettings::SHALLOW
};

/// Where a field is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FieldPlace {
    /// In the slice, where models see it.
    Slice,
    /// In the slice, but zeroed by the byte policy: what is left is where it occurs.
    Zeroed,
    /// Beside the slice: no model that reads slices sees it.
    Beside,
}

/// The score of one task.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TaskScore {
    /// Which task.
    pub task: TaskName,
    /// The share of right answers.
    pub accuracy: f64,
    /// The mean F1 of the answers that can be tested.
    pub macro_f1: f64,
}

/// One field, and what it tells alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldScore {
    /// Its name.
    pub field: String,
    /// Where it is.
    pub place: FieldPlace,
    /// Test samples that have it.
    pub samples: u64,
    /// What it scores on them and all others, task by task.
    pub scores: Vec<TaskScore>,
}

/// The scores of all fields, in the order of their names' places in a packet.
pub(super) fn scores(train: &Samples, test: &Samples, tasks: &[Task]) -> Vec<FieldScore> {
    let widths = values::widths(train);
    let mut parts = values::parts(train);
    parts.extend(values::parts(test));
    let of_parts = parts.par_iter().map(|&part| {
        let width = widths.get(&part).copied().unwrap_or(1).max(1);
        let [known, asked] = [train, test].map(|samples| values::of_part(samples, part, width));
        let place = if known.is_shown || asked.is_shown || part == Part::Padding {
            FieldPlace::Slice
        } else {
            FieldPlace::Zeroed
        };
        (part.name(), place, known, asked)
    });
    let facts = Fact::ALL.into_par_iter().filter_map(|fact| {
        let known = fact.of(train)?;
        Some((fact.name(), FieldPlace::Beside, known, fact.values(test)))
    });
    of_parts
        .chain(facts)
        .map(|(name, place, known, asked)| FieldScore {
            field: name.to_owned(),
            place,
            samples: asked.having,
            scores: score(&known, &asked, train.labels(), test.labels(), tasks),
        })
        .collect()
}

fn score(
    known: &Values,
    asked: &Values,
    train: &[u32],
    test: &[u32],
    tasks: &[Task],
) -> Vec<TaskScore> {
    let of_task = |task: &Task| {
        let labels = task.labels(train);
        let classes = task.answers.len();
        let tree = Tree::fit(&known.features, &labels, classes, &TREE, 0);
        task_score(task, test, &answers(&tree, &asked.features, classes))
    };
    tasks.iter().map(of_task).collect()
}

/// What a fitted model answers to each row.
pub(super) fn answers(model: &dyn Predictor, features: &Features, classes: usize) -> Vec<u32> {
    let values = model.probabilities(features, rayon::current_num_threads());
    Probabilities { classes, values }.answers().classes
}

/// The score of answers to a task, for samples of these labels.
pub(super) fn task_score(task: &Task, labels: &[u32], answers: &[u32]) -> TaskScore {
    let matrix = ConfusionMatrix::of(task.answers.len(), &task.labels(labels), answers);
    TaskScore {
        task: task.name,
        accuracy: matrix.accuracy(),
        macro_f1: matrix.macro_f1(),
    }
}
