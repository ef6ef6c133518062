//! An audit as text.

use learn::audit::{Audit, FieldPlace, FieldScore, TaskScore};

use super::{
    super::{Plain, text::wrapped, worth::split_words},
    findings::{self, sentences},
};
use crate::numbers::{count, percent, short};

/// Columns of sentences.
const WIDTH: usize = 96;

/// The whole audit, in tables and sentences.
pub(crate) fn text(audit: &Audit) -> String {
    let mut text = String::new();
    let mut parts = vec![heading(audit), fields(audit)];
    parts.extend(occlusion(audit));
    parts.push(rules(audit));
    for part in parts {
        text += part.trim_end();
        text += "\n\n";
    }
    text += "What was found\n";
    for sentence in sentences(audit) {
        text += &wrapped(&sentence.replace('*', ""), WIDTH);
    }
    text
}

fn heading(audit: &Audit) -> String {
    let dataset = &audit.dataset;
    let model = audit.model.as_ref().map_or_else(String::new, |audited| {
        let model = &audited.model;
        format!(
            "model    {}, epoch {} ({})\n",
            model.name,
            model.epoch,
            short(&model.sha256)
        )
    });
    format!(
        "{model}dataset  {} ({}), policy {}, slices of {} bytes\n\
         split    {}; {} samples to fit to, {} to test on\n",
        dataset.name,
        short(&dataset.sha256),
        dataset.policy,
        dataset.slice_length,
        split_words(dataset),
        count(audit.train_samples),
        count(audit.test_samples),
    )
}

/// Accuracy and macro-F1 of each task.
fn figures(scores: &[TaskScore]) -> impl Iterator<Item = String> {
    scores
        .iter()
        .flat_map(|score| [percent(score.accuracy), percent(score.macro_f1)])
}

fn fields(audit: &Audit) -> String {
    let mut titles = vec!["samples"];
    for task in &audit.tasks {
        titles.extend([task.name.question(), "F1"]);
    }
    let mut table = Plain::new(&["from", ""], &titles);
    let mut add = |name: &str, place: &str, samples: String, scores: &[TaskScore]| {
        let row: Vec<String> = std::iter::once(samples).chain(figures(scores)).collect();
        table.add(&[name, place], &row);
    };
    if let Some(model) = &audit.model {
        add("the model", "", String::new(), &model.scores);
    }
    add("all bytes, a forest", "", String::new(), &audit.forest);
    add("nothing", "", String::new(), &audit.majority);
    for field in by_score(audit) {
        let samples = count(field.samples);
        add(&field.field, place(field.place), samples, &field.scores);
    }
    format!("What is told by one field alone: accuracy and macro-F1 of a small tree\n{table}")
}

/// Where a field is, in words.
pub(super) fn place(place: FieldPlace) -> &'static str {
    match place {
        FieldPlace::Slice => "in the slice",
        FieldPlace::Zeroed => "zeroed",
        FieldPlace::Beside => "beside it",
    }
}

/// The fields, those that tell most of the class first.
pub(super) fn by_score(audit: &Audit) -> Vec<&FieldScore> {
    let mut fields: Vec<&FieldScore> = audit.fields.iter().collect();
    let accuracy = |field: &FieldScore| field.scores.first().map_or(0.0, |score| score.accuracy);
    fields.sort_by(|one, other| accuracy(other).total_cmp(&accuracy(one)));
    fields
}

fn occlusion(audit: &Audit) -> Option<String> {
    let model = audit.model.as_ref()?;
    let titles = [
        "samples",
        "zeroed",
        "F1",
        "exchanged",
        "F1",
        "answers changed",
    ];
    let mut table = Plain::new(&["without"], &titles);
    let whole = [
        percent(model.unoccluded.accuracy),
        percent(model.unoccluded.macro_f1),
    ];
    table.add(
        &["nothing"],
        &[&[count(model.samples)][..], &whole, &whole].concat(),
    );
    for field in &model.fields {
        let [zeroed, exchanged] = [field.zeroed, field.exchanged].map(|occluded| {
            [
                percent(occluded.score.accuracy),
                percent(occluded.score.macro_f1),
            ]
        });
        let changed = percent(field.exchanged.changed);
        table.add(
            &[&field.field],
            &[&[count(field.samples)][..], &zeroed, &exchanged, &[changed]].concat(),
        );
    }
    let beside = findings::beside(model).map_or_else(String::new, |beside| {
        wrapped(
            &format!("Of what is read beside the slice: {beside}."),
            WIDTH,
        )
    });
    Some(format!(
        "What the model still scores without one field: zeroed, or with other samples' values\n\
         {table}{beside}"
    ))
}

fn rules(audit: &Audit) -> String {
    let titles = ["tested", "accuracy", "macro-F1", "slices shared"];
    let mut table = Plain::new(&["rule", "verdict"], &titles);
    let mut reasons = String::new();
    for verdict in &audit.rules {
        let own = if verdict.is_own { " (yours)" } else { "" };
        let name = format!("{}{own}", verdict.rule.name());
        let measured = verdict.measured.as_ref().map_or_else(Vec::new, |measured| {
            vec![
                count(measured.test),
                percent(measured.accuracy),
                percent(measured.macro_f1),
                count(measured.shared_slices),
            ]
        });
        table.add(&[&name, findings::trust(verdict.trust)], &measured);
        let reason = format!("{}: {}.", verdict.rule.name(), verdict.reason);
        reasons += &wrapped(&reason, WIDTH);
    }
    format!("Which split can be trusted: the same forest under each rule\n{table}{reasons}")
}
