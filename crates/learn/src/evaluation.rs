//! Evaluations: numbers about a model on one split, and what they are worth.

pub mod background;
pub mod confusion;
pub mod coverage;
pub mod early;
mod error;
mod facts;
pub(crate) mod figures;
pub mod intervals;
pub mod leak;
pub mod opponents;
pub mod preamble;
pub mod reliability;
pub mod sharing;
pub mod unknown;
pub mod votes;

use std::num::NonZeroUsize;

use serde::{Deserialize, Serialize};

pub use self::facts::{DatasetFacts, ModelFacts};
use crate::{
    calibration,
    dataset::{Manifest, Rows, Split},
    model::Model,
};
use background::BackgroundShare;
use confusion::{Averages, ClassScores, ConfusionMatrix};
use coverage::CoveragePoint;
pub use error::EvaluationError;
use figures::Figures;
use intervals::Intervals;
use preamble::PreambleShare;
use reliability::{ReliabilityBin, ScoreError};
use sharing::{Seen, Sharing};
use votes::Votes;

/// The version of the file's form that this program writes and reads.
pub const SCHEMA: u32 = 1;

/// Bins of the reliability diagram, as Guo et al. have it.
const BINS: NonZeroUsize = NonZeroUsize::new(15).expect("15 is not zero");

/// What a model answers to samples, after calibration.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Answers {
    /// The most probable class, `[samples]`.
    pub classes: Vec<u32>,
    /// Its probability, `[samples]`.
    pub confidences: Vec<f64>,
    /// The probability of each class, `[samples, classes]`; only windows of sessions need it, and
    /// others may leave it empty.
    pub probabilities: Vec<f64>,
}

/// The figures of one confusion matrix.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Samples scored.
    pub samples: u64,
    /// The share of right answers.
    pub accuracy: f64,
    /// Every class the same; classes without samples left out.
    pub macro_averages: Averages,
    /// Every class by its samples.
    pub weighted_averages: Averages,
}

impl Scores {
    /// The figures of a matrix; none of an empty one.
    pub fn of(matrix: &ConfusionMatrix) -> Option<Self> {
        (matrix.samples() > 0).then(|| Self {
            samples: matrix.samples(),
            accuracy: matrix.accuracy(),
            macro_averages: matrix.macro_averages(),
            weighted_averages: matrix.weighted_averages(),
        })
    }
}

/// One class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassRow {
    /// Its name.
    pub class: String,
    /// Its scores.
    #[serde(flatten)]
    pub scores: ClassScores,
}

/// How honest the confidences are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// Mean cross-entropy after calibration, in nats.
    pub cross_entropy: f64,
    /// Expected calibration error after calibration.
    pub error: f64,
    /// Expected calibration error of the raw softmax.
    pub error_before: f64,
    /// The reliability diagram after calibration.
    pub bins: Vec<ReliabilityBin>,
}

/// What answering *unknown* costs and saves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// At the model's own threshold.
    pub at_threshold: CoveragePoint,
    /// At every other.
    pub curve: Vec<CoveragePoint>,
}

/// Numbers about a model on one split.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Version of this form: [`SCHEMA`].
    pub schema: u32,
    /// The model.
    pub model: ModelFacts,
    /// The dataset.
    pub dataset: DatasetFacts,
    /// Which of its samples.
    pub split: Split,
    /// What is wrong with the split whatever is fitted to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leak: Option<String>,
    /// The figures.
    pub scores: Scores,
    /// How far they would move.
    pub intervals: Intervals,
    /// Of samples that are packets or windows, the figures of sessions that these vote on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub votes: Option<Votes>,
    /// The classes, by label.
    pub classes: Vec<ClassRow>,
    /// Classes that have no samples here.
    pub untestable: Vec<String>,
    /// `[true class][answered class]`.
    pub confusion: Vec<Vec<u64>>,
    /// How honest the confidences are.
    pub reliability: Reliability,
    /// What answering *unknown* costs and saves.
    pub rejection: Rejection,
    /// What is shared with training; none if the training samples were not at hand.
    pub sharing: Option<Sharing>,
    /// How much is background.
    pub background: BackgroundShare,
    /// How much begins in plaintext; none where no sample is known to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preamble: Option<PreambleShare>,
    /// What it answers early; none in evaluations of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub early: Option<early::EarlyVerdicts>,
    /// What knows next to nothing and was fitted to the same training samples; none if these were not
    /// at hand, and in evaluations of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub opponents: Vec<opponents::Opponent>,
    /// How well samples of no class of the model are found out, an entry for each dataset of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown: Vec<unknown::UnknownDetection>,
}

/// Rows to score and where they come from.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The dataset's manifest.
    pub manifest: &'a Manifest,
    /// Which of its samples.
    pub split: Split,
    /// Those samples.
    pub rows: &'a Rows,
    /// The samples that the weights were fitted to, if they are at hand.
    pub seen: Option<Seen<'a>>,
}

/// Scores a model on `threads` threads; the result does not depend on their number.
///
/// # Errors
///
/// [`EvaluationError`] if the model is for other slices or classes, or there are no samples.
pub fn evaluate(
    model: &Model,
    subject: Subject<'_>,
    threads: usize,
) -> Result<Evaluation, EvaluationError> {
    let Subject {
        manifest,
        split,
        rows,
        ..
    } = subject;
    model.check_slices(&manifest.policy, manifest.slice_length)?;
    model.check_classes(&manifest.classes)?;
    model.check_parts(&rows.samples)?;
    let labels = &rows.samples.labels;
    if labels.is_empty() {
        return Err(EvaluationError::NoSamples(split));
    }
    let outputs = model.outputs(&rows.samples, threads);
    let logits = &outputs.logits;
    if logits.iter().any(|logit| !logit.is_finite()) {
        return Err(EvaluationError::NotFinite);
    }
    let classes = manifest.classes.len();
    let calibration = model.contract().calibration;
    let familiarity = model.familiarity(&outputs);
    let answers = answers(logits, classes, calibration.temperature);
    let correct: Vec<bool> = answers
        .classes
        .iter()
        .zip(labels)
        .map(|(answer, label)| answer == label)
        .collect();
    let figures = Figures::of(subject, &answers)?;
    let class_rows: Vec<ClassRow> = manifest
        .classes
        .iter()
        .zip(figures.matrix.class_scores())
        .map(|(class, scores)| ClassRow {
            class: class.clone(),
            scores,
        })
        .collect();
    Ok(Evaluation {
        schema: SCHEMA,
        model: ModelFacts::of(model),
        dataset: DatasetFacts::of(manifest),
        split,
        leak: leak::of(manifest),
        scores: figures.scores,
        intervals: figures.intervals,
        votes: figures.votes,
        untestable: class_rows
            .iter()
            .filter(|row| row.scores.support == 0)
            .map(|row| row.class.clone())
            .collect(),
        classes: class_rows,
        confusion: figures.matrix.rows(),
        reliability: Reliability {
            cross_entropy: calibration::cross_entropy(
                logits,
                labels,
                classes,
                calibration.temperature,
            ),
            error: reliability::calibration_error(&answers.confidences, &correct, BINS)?,
            error_before: error_before(logits, labels, classes)?,
            bins: reliability::reliability(&answers.confidences, &correct, BINS)?,
        },
        rejection: Rejection {
            at_threshold: coverage::at_threshold(&familiarity, &correct, model.rejection_rule().1),
            curve: coverage::risk_coverage(&familiarity, &correct),
        },
        sharing: figures.sharing,
        background: figures.background,
        preamble: PreambleShare::of(rows, &answers, classes),
        early: Some(early::verdicts(model, manifest, &rows.samples, threads)),
        opponents: Vec::new(),
        unknown: Vec::new(),
    })
}

impl Evaluation {
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

    /// From that JSON.
    ///
    /// # Errors
    ///
    /// [`EvaluationError::Form`] if it is something else, or of another version.
    pub fn from_json(text: &str) -> Result<Self, EvaluationError> {
        let evaluation: Self =
            serde_json::from_str(text).map_err(|error| EvaluationError::Form(error.to_string()))?;
        if evaluation.schema != SCHEMA {
            return Err(EvaluationError::Form(format!(
                "it has schema {}, this program reads schema {SCHEMA}",
                evaluation.schema
            )));
        }
        Ok(evaluation)
    }
}

fn answers(logits: &[f32], count: usize, temperature: f64) -> Answers {
    let (classes, confidences) = calibration::confidences(logits, count, temperature)
        .into_iter()
        .unzip();
    Answers {
        classes,
        confidences,
        probabilities: logits
            .chunks_exact(count)
            .flat_map(|logits| calibration::probabilities(logits, temperature))
            .collect(),
    }
}

/// The calibration error of the raw softmax.
fn error_before(logits: &[f32], labels: &[u32], classes: usize) -> Result<f64, ScoreError> {
    let raw = answers(logits, classes, 1.0);
    let correct: Vec<bool> = raw
        .classes
        .iter()
        .zip(labels)
        .map(|(answer, label)| answer == label)
        .collect();
    reliability::calibration_error(&raw.confidences, &correct, BINS)
}
