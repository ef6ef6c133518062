//! An audit as one HTML page: no scripts, nothing loaded from elsewhere.

use learn::audit::{Audit, TaskScore};
use minijinja::{Value, context};

use super::{
    super::{page::page, worth::split_words},
    figures,
    findings::{self, sentences},
    text::{by_score, place},
};
use crate::numbers::{count, percent};

/// The page.
///
/// # Errors
///
/// If the template is broken, which a test would notice.
pub(crate) fn html(audit: &Audit) -> Result<String, minijinja::Error> {
    let (of_whom, whole) = findings::whole(audit, 0);
    let model = audit.model.as_ref();
    let plain = |sentence: String| sentence.replace(['*', '`'], "").replace(" %", "\u{a0}%");
    let values = context! {
        name => model.map_or(&audit.dataset.name, |model| &model.model.name),
        dataset => &audit.dataset.name,
        policy => &audit.dataset.policy,
        split => split_words(&audit.dataset),
        train => count(audit.train_samples),
        test => count(audit.test_samples),
        whose => of_whom,
        sentences => sentences(audit).into_iter().map(plain).collect::<Vec<_>>(),
        tasks => audit.tasks.iter().map(|task| task.name.question()).collect::<Vec<_>>(),
        whole_scores => model.map(|model| task_scores(&model.scores)),
        forest => task_scores(&audit.forest),
        majority => task_scores(&audit.majority),
        fields => fields(audit),
        rules => rules(audit),
        bytes_alone => figures::bytes_alone(audit),
        fields_alone => figures::fields_alone(audit, whole),
        bytes_used => model.map(|model| figures::bytes_used(audit, model)),
        fields_used => model.map(figures::fields_used),
        occluded => model.map(|model| count(model.samples)),
        beside => model.and_then(findings::beside).map(plain),
        pictured => model.map(|model| count(model.picture_samples)),
        sha256 => &audit.dataset.sha256,
        model_sha256 => model.map(|model| &model.model.sha256),
        version => env!("CARGO_PKG_VERSION"),
    };
    page(include_str!("template.html"), values)
}

fn task_scores(scores: &[TaskScore]) -> Vec<Value> {
    scores
        .iter()
        .map(
            |score| context! { accuracy => percent(score.accuracy), f1 => percent(score.macro_f1) },
        )
        .collect()
}

fn fields(audit: &Audit) -> Value {
    let rows = by_score(audit).into_iter().map(|field| {
        context! {
            field => &field.field,
            place => place(field.place),
            samples => count(field.samples),
            scores => task_scores(&field.scores),
        }
    });
    rows.collect()
}

fn rules(audit: &Audit) -> Value {
    let rows = audit.rules.iter().map(|verdict| {
        let measured = verdict.measured.as_ref();
        context! {
            rule => verdict.rule.name(),
            is_own => verdict.is_own,
            trust => findings::trust(verdict.trust),
            reason => &verdict.reason,
            accuracy => measured.map(|measured| percent(measured.accuracy)),
            macro_f1 => measured.map(|measured| percent(measured.macro_f1)),
        }
    });
    rows.collect()
}
