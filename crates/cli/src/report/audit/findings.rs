//! What an audit found, in plain words.

use learn::audit::{Audit, FieldPlace, FieldScore, ModelAudit, TaskName, Trust};

use super::super::worth::sentence;
use crate::numbers::{count, counted, percent, share};

/// Fields worth a sentence: at most so many a task.
const MOST_FIELDS: usize = 3;
/// Pairs of classes that are named.
const MOST_PAIRS: usize = 6;
/// The part of the way from always the same answer to the whole score that makes a field one.
const WORTH_SAYING: f64 = 0.25;
/// The share of right answers in a question of two that leaves nothing to find out.
const GIVEN_AWAY: f64 = 0.95;

/// The sentences that belong under an audit.
pub(super) fn sentences(audit: &Audit) -> Vec<String> {
    let mut sentences = Vec::new();
    for task in 0..audit.tasks.len() {
        sentences.extend(fields(audit, task));
    }
    sentences.extend(given_away(audit));
    sentences.extend(byte(audit));
    sentences.extend(model(audit));
    sentences.extend(repeated(audit));
    sentences.extend(conflicts(audit));
    sentences.push(background(audit));
    sentences.extend(audit.leak.as_deref().map(sentence));
    sentences.extend(audit.note.iter().map(|note| format!("{note}.")));
    sentences
}

/// The score that fields are held against, and whose it is.
pub(super) fn whole(audit: &Audit, task: usize) -> (&'static str, f64) {
    match &audit.model {
        Some(model) => ("the model's", model.scores[task].accuracy),
        None => (
            "a random forest's on all bytes",
            audit.forest[task].accuracy,
        ),
    }
}

/// A share as points of a hundred.
fn points(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

fn fields(audit: &Audit, task: usize) -> Vec<String> {
    let (of_whom, whole) = whole(audit, task);
    let majority = audit.majority[task].accuracy;
    let name = audit.tasks[task].name;
    let mut telling: Vec<&FieldScore> = audit
        .fields
        .iter()
        .filter(|field| field.place == FieldPlace::Slice && field.field != "padding")
        .filter(|field| field.scores[task].accuracy - majority > WORTH_SAYING * (whole - majority))
        .collect();
    telling.sort_by(|one, other| {
        other.scores[task]
            .accuracy
            .total_cmp(&one.scores[task].accuracy)
    });
    telling
        .iter()
        .take(MOST_FIELDS)
        .map(|field| {
            let question = match name {
                TaskName::Class => String::new(),
                name => format!("Asked only for {}: ", article(name)),
            };
            format!(
                "{question}{} of your {} points ({of_whom}) can be had from `{}` alone; {} by \
                 always answering the same.",
                points(field.scores[task].accuracy),
                points(whole),
                field.field,
                points(majority),
            )
        })
        .collect()
}

fn article(name: TaskName) -> &'static str {
    match name {
        TaskName::Class => "the class",
        TaskName::Tunnel => "tunnel or not",
        TaskName::Activity => "the activity",
    }
}

/// What is known beside the slice and answers a question by itself.
fn given_away(audit: &Audit) -> Vec<String> {
    let mut sentences = Vec::new();
    for (number, task) in audit.tasks.iter().enumerate() {
        for field in &audit.fields {
            let score = field.scores[number].accuracy;
            if field.place == FieldPlace::Beside && score >= GIVEN_AWAY {
                sentences.push(format!(
                    "`{}`, which is in no slice, answers {} right to {}: whatever in a slice goes \
                     with it gives the answer away.",
                    field.field,
                    percent(score),
                    article(task.name)
                ));
            }
        }
    }
    sentences
}

fn byte(audit: &Audit) -> Option<String> {
    let told: Vec<String> = audit
        .bytes
        .best
        .iter()
        .map(|best| {
            format!(
                "byte {} ({}) tells {} right in {}",
                best.offset,
                best.field,
                article(best.task),
                percent(best.accuracy)
            )
        })
        .collect();
    (!told.is_empty()).then(|| format!("One byte at a fixed place: {}.", told.join("; ")))
}

fn model(audit: &Audit) -> Option<String> {
    let model = audit.model.as_ref()?;
    let told: Vec<String> = model
        .fields
        .iter()
        .take(MOST_FIELDS)
        .map(|field| {
            format!(
                "`{}` ({} without it, {} with others' values)",
                field.field,
                points(field.zeroed.score.accuracy),
                points(field.exchanged.score.accuracy)
            )
        })
        .collect();
    (!told.is_empty()).then(|| {
        format!(
            "Of {} points on {}, the model loses most without {}.",
            points(model.unoccluded.accuracy),
            counted(model.samples, "sample"),
            told.join(", ")
        )
    })
}

fn repeated(audit: &Audit) -> Vec<String> {
    let samples = audit.test_samples;
    let mut sentences = Vec::new();
    let mut before = None;
    for repeated in &audit.repeated {
        // A wider set of zeroed fields that finds no more says nothing new.
        if before == Some(repeated.samples) {
            continue;
        }
        before = Some(repeated.samples);
        let how = if repeated.zeroed.is_empty() {
            "byte for byte".to_owned()
        } else {
            format!("once {} are zeroed", repeated.zeroed.join(", "))
        };
        sentences.push(if repeated.samples == 0 {
            format!("No test slice is also in training {how}.")
        } else {
            format!(
                "{} of {} ({}) {} also in training {how}.",
                count(repeated.samples),
                counted(samples, "test slice"),
                share(repeated.samples, samples),
                if repeated.samples == 1 { "is" } else { "are" }
            )
        });
    }
    let sharing = &audit.sharing;
    sentences.push(format!(
        "{} of the test samples share their five-tuple with a training sample, {} their capture \
         group.",
        share(sharing.five_tuples, samples),
        share(sharing.groups, samples)
    ));
    sentences
}

fn conflicts(audit: &Audit) -> Vec<String> {
    let name = |class: u32| &audit.tasks[0].answers[class as usize];
    let mut sentences = Vec::new();
    if audit.sharing.conflicting_samples > 0 {
        sentences.push(format!(
            "{} a slice that also occurs under another label: no model can be sure of those.",
            if audit.sharing.conflicting_samples == 1 {
                "1 test sample has".to_owned()
            } else {
                format!(
                    "{} test samples have",
                    count(audit.sharing.conflicting_samples)
                )
            }
        ));
    }
    let all: u64 = audit.conflicts.iter().map(|one| one.five_tuples).sum();
    if all > 0 {
        let worst: Vec<String> = audit
            .conflicts
            .iter()
            .take(MOST_PAIRS)
            .map(|conflict| {
                let [one, other] = conflict.classes.map(name);
                format!("{one} and {other} ({})", count(conflict.five_tuples))
            })
            .collect();
        sentences.push(format!(
            "Pairs of classes that claim the same five-tuples, {} in all: {}{}.",
            count(all),
            worst.join(", "),
            if audit.conflicts.len() > MOST_PAIRS {
                ", …"
            } else {
                ""
            },
        ));
    }
    sentences
}

fn background(audit: &Audit) -> String {
    let background = &audit.background;
    let samples = audit.test_samples;
    match (background.samples, &background.foreground) {
        (0, _) => "No test sample is background.".to_owned(),
        (_, None) => "Every test sample is background: the labels mean none of them.".to_owned(),
        (_, Some(foreground)) => {
            let mut most: Vec<(usize, f64)> = background
                .by_class
                .iter()
                .zip(&audit.support)
                .map(|(&part, &whole)| part as f64 / whole.max(1) as f64)
                .enumerate()
                .collect();
            most.sort_by(|one, other| other.1.total_cmp(&one.1));
            let most: Vec<String> = most
                .iter()
                .take(3)
                .map(|&(class, part)| {
                    format!("{} of {}", percent(part), audit.tasks[0].answers[class])
                })
                .collect();
            format!(
                "{} of {} ({}) are background, which carries the label of its capture: {}. The \
                 forest's accuracy is {} with it and {} without.",
                count(background.samples),
                counted(samples, "test sample"),
                share(background.samples, samples),
                most.join(", "),
                percent(audit.forest[0].accuracy),
                percent(foreground.accuracy),
            )
        }
    }
}

/// What *zeroed* means of all that the model reads beside the slice; none if that is nothing.
pub(super) fn beside(model: &ModelAudit) -> Option<String> {
    let words = [
        ("packet-lengths", "all packets as if empty"),
        ("packet-directions", "all as if the client's"),
        ("packet-gaps", "all as if at once"),
        ("packet-slices", "the first packets' own slices of zeros"),
        ("statistics", "the whole session's numbers, all 0"),
    ];
    let told: Vec<String> = words
        .iter()
        .filter(|(name, _)| model.fields.iter().any(|field| field.field == *name))
        .map(|(name, meaning)| format!("`{name}` zeroed is {meaning}"))
        .collect();
    (!told.is_empty()).then(|| told.join(", "))
}

/// A verdict in a word.
pub(super) fn trust(trust: Trust) -> &'static str {
    match trust {
        Trust::Trusted => "can be trusted",
        Trust::Doubtful => "doubtful",
        Trust::Untrusted => "not to be trusted",
        Trust::Impossible => "not possible",
    }
}
