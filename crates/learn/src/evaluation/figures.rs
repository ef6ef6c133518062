//! Figures: what is counted of any answers, whoever gave them.

use super::{
    Answers, EvaluationError, Scores, Subject,
    background::BackgroundShare,
    confusion::ConfusionMatrix,
    intervals::{self, Intervals},
    sharing::Sharing,
    votes::Votes,
};

/// What evaluations and trials have in common.
pub(crate) struct Figures {
    pub(crate) matrix: ConfusionMatrix,
    pub(crate) scores: Scores,
    pub(crate) intervals: Intervals,
    pub(crate) sharing: Option<Sharing>,
    pub(crate) background: BackgroundShare,
    pub(crate) votes: Option<Votes>,
}

impl Figures {
    /// Of the answers to the samples of `subject`.
    ///
    /// # Errors
    ///
    /// [`EvaluationError::NoSamples`].
    pub(crate) fn of(subject: Subject<'_>, answers: &Answers) -> Result<Self, EvaluationError> {
        let Subject {
            manifest,
            split,
            rows,
            seen,
        } = subject;
        let classes = manifest.classes.len();
        let matrix = ConfusionMatrix::of(classes, &rows.samples.labels, &answers.classes);
        let no_samples = || EvaluationError::NoSamples(split);
        Ok(Self {
            scores: Scores::of(&matrix).ok_or_else(no_samples)?,
            intervals: intervals::of_rows(classes, rows, &answers.classes)
                .ok_or_else(no_samples)?,
            sharing: seen.map(|seen| Sharing::of(rows, &manifest.captures, answers, classes, seen)),
            background: BackgroundShare::of(rows, answers, classes),
            votes: Votes::of(manifest, rows, answers),
            matrix,
        })
    }
}
