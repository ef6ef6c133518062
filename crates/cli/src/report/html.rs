//! An evaluation as one HTML page: no scripts, nothing fetched from elsewhere.

use learn::{evaluation::Evaluation, run::EpochRecord};
use minijinja::{Value, context};

use super::{
    early, figures,
    page::page,
    unknown,
    worth::{self, rule_of, split_words},
};
use crate::{
    numbers::{count, counted, noun, percent, share, short},
    unknowns::condition,
};

/// The page; `epochs` may be empty, which leaves the training curves out.
///
/// # Errors
///
/// Only if the template, which is part of the program, is wrong.
pub(crate) fn html(
    evaluation: &Evaluation,
    epochs: &[EpochRecord],
) -> Result<String, minijinja::Error> {
    let Evaluation {
        scores, intervals, ..
    } = evaluation;
    let range = |interval: learn::evaluation::intervals::Interval| {
        format!("{} to {}", percent(interval.low), percent(interval.high))
    };
    let classes: Vec<&str> = evaluation
        .classes
        .iter()
        .map(|row| row.class.as_str())
        .collect();
    let values = context! {
        name => &evaluation.model.name,
        split => evaluation.split.to_string(),
        dataset => &evaluation.dataset.name,
        policy => &evaluation.dataset.policy,
        rule => &evaluation.dataset.split_rule,
        samples => count(scores.samples),
        samples_noun => noun(scores.samples, "sample"),
        accuracy => percent(scores.accuracy),
        accuracy_range => range(intervals.accuracy),
        macro_f1 => percent(scores.macro_averages.f1),
        macro_f1_range => range(intervals.macro_f1),
        macro_precision => percent(scores.macro_averages.precision),
        macro_recall => percent(scores.macro_averages.recall),
        weighted_f1 => percent(scores.weighted_averages.f1),
        weighted_precision => percent(scores.weighted_averages.precision),
        weighted_recall => percent(scores.weighted_averages.recall),
        calibration_error => percent(evaluation.reliability.error),
        calibration_error_before => percent(evaluation.reliability.error_before),
        temperature => format!("{:.3}", evaluation.model.temperature),
        threshold => condition(rule_of(evaluation)),
        early => early::values(evaluation.early.as_ref()),
        unknown => unknown::values(&evaluation.unknown),
        sentences => worth::sentences(evaluation)
            .into_iter()
            .map(|sentence| sentence.replace(['*', '`'], "").replace(" %", "\u{a0}%"))
            .collect::<Vec<_>>(),
        classes => class_rows(evaluation),
        confusion => figures::confusion(&classes, &evaluation.confusion),
        has_curves => !epochs.is_empty(),
        losses => figures::losses(epochs),
        accuracies => figures::accuracies(epochs),
        reliability => figures::reliability(&evaluation.reliability.bins),
        risk_coverage =>
            figures::risk_coverage(
                &evaluation.rejection.curve,
                evaluation.rejection.at_threshold,
                &condition(rule_of(evaluation)),
            ),
        facts => facts(evaluation),
        version => env!("CARGO_PKG_VERSION"),
    };
    page(include_str!("template.html"), values)
}

fn class_rows(evaluation: &Evaluation) -> Value {
    let rows = evaluation.classes.iter().enumerate().map(|(number, row)| {
        context! {
            number => number,
            class => &row.class,
            is_testable => row.scores.support > 0,
            precision => percent(row.scores.precision),
            recall => percent(row.scores.recall),
            f1 => percent(row.scores.f1),
            // For the width of the bar behind it.
            f1_percent => row.scores.f1 * 100.0,
            samples => count(row.scores.support),
            background => share(evaluation.background.by_class[number], row.scores.support),
        }
    });
    rows.collect()
}

fn facts(evaluation: &Evaluation) -> Value {
    let Evaluation {
        model,
        dataset,
        intervals,
        ..
    } = evaluation;
    let recipe = &model.recipe;
    let fact = |name: &str, value: String| context! { name => name, value => value };
    let facts = [
        fact(
            "Network",
            format!(
                "{}, {} parameters",
                model.network,
                count(model.parameters as u64)
            ),
        ),
        fact("Model, SHA-256", model.sha256.clone()),
        fact("Weights, SHA-256", model.weights_sha256.clone()),
        fact(
            "Training",
            format!(
                "epoch {} of at most {}, batches of {}, learning rate {}, dropout {}, seed {}",
                model.epoch,
                recipe.epochs,
                recipe.batch_size,
                recipe.learning_rate,
                recipe.dropout,
                recipe.seed
            ),
        ),
        fact(
            "Trained on",
            format!(
                "{} ({}), {}, chosen on {}",
                model.trained_on.dataset,
                short(&model.trained_on.dataset_sha256),
                counted(model.trained_on.train_samples, "sample"),
                count(model.trained_on.validation_samples),
            ),
        ),
        fact("Dataset, SHA-256", dataset.sha256.clone()),
        fact(
            "Slices",
            format!(
                "{} under byte policy {}",
                counted(dataset.slice_length as u64, "byte"),
                dataset.policy
            ),
        ),
        fact("Split", split_words(dataset)),
        fact(
            "Intervals",
            format!(
                "95 %, bootstrap of {} draws, seed {}",
                intervals.resamples, intervals.seed
            ),
        ),
    ];
    facts.into_iter().collect()
}
