//! What a score is worth, in plain words.

use learn::{
    evaluation::{DatasetFacts, Evaluation, intervals::Drawn},
    learner::reconstruction,
    rejection::Rule,
};

use crate::{
    numbers::{count, counted, percent, share},
    unknowns::condition,
};

/// The rule of a split, its seed, and what it held out.
pub(super) fn split_words(dataset: &DatasetFacts) -> String {
    let held_out = if dataset.held_out.is_empty() {
        String::new()
    } else {
        format!(", held out {}", dataset.held_out.join(", "))
    };
    format!(
        "rule {}, seed {}{held_out}",
        dataset.split_rule, dataset.split_seed
    )
}

/// The sentences that belong under every score.
pub(super) fn sentences(evaluation: &Evaluation) -> Vec<String> {
    let mut sentences = vec![split(evaluation), interval(evaluation)];
    let reconstruction = reconstruction(&evaluation.model.network);
    sentences.extend(reconstruction.map(|sentence| format!("{sentence}.")));
    sentences.extend(opponents(evaluation));
    sentences.extend(votes(evaluation));
    sentences.extend(sharing(evaluation));
    sentences.push(background(evaluation));
    sentences.extend(preamble(evaluation));
    sentences.push(rejection(evaluation));
    if !evaluation.untestable.is_empty() {
        sentences.push(format!(
            "Not testable, for want of samples: {}. No average counts them.",
            evaluation.untestable.join(", ")
        ));
    }
    let classes: Vec<String> = evaluation
        .classes
        .iter()
        .map(|row| row.class.clone())
        .collect();
    let note = evaluation.model.trained_on.vpn_note(&classes);
    sentences.extend(note.map(|note| format!("{note}.")));
    sentences
}

fn split(evaluation: &Evaluation) -> String {
    let is_own = evaluation.dataset.sha256 == evaluation.model.trained_on.dataset_sha256;
    if !is_own {
        return format!(
            "The model was trained on another dataset, `{}`: the score says how well it carries over.",
            evaluation.model.trained_on.dataset
        );
    }
    if let Some(leak) = &evaluation.leak {
        return sentence(leak);
    }
    match &evaluation.sharing {
        Some(sharing) if sharing.groups == 0 && !evaluation.dataset.held_out.is_empty() => {
            let rule = &evaluation.dataset.split_rule;
            format!(
                "Whole {rule}s were held out ({}), and no lab run is on both sides: the score says \
                 how the model does on a {rule} it has never seen, in the same laboratory.",
                evaluation.dataset.held_out.join(", ")
            )
        }
        Some(sharing) if sharing.groups == 0 && evaluation.dataset.split_rule == "time" => {
            "Whole recordings were held out, and all of them began after the last that training \
             saw: the score says how the model does on what comes later in the same laboratory."
                .to_owned()
        }
        Some(sharing) if sharing.groups == 0 && evaluation.dataset.split_rule == "run" => {
            "Whole lab runs were held out: the score says how the model does on new runs of the \
             sites, applications and tunnels that it knows."
                .to_owned()
        }
        Some(sharing) if sharing.groups == 0 && sharing.captures.unwrap_or(0) == 0 => {
            "Whole capture groups were held out: the score says how the model does on captures it \
             has never seen, made in the same laboratory."
                .to_owned()
        }
        _ => "Sessions of one capture group are on both sides of the split: the score says how \
              well the model knows these captures, not how it does on traffic of another day, \
              place or application."
            .to_owned(),
    }
}

/// What knows next to nothing, on the same samples.
fn opponents(evaluation: &Evaluation) -> Option<String> {
    let opponents = &evaluation.opponents;
    let best = (opponents.iter()).max_by(|one, other| one.accuracy.total_cmp(&other.accuracy))?;
    let each: Vec<String> = opponents
        .iter()
        .map(|opponent| format!("{} {}", opponent.model, percent(opponent.accuracy)))
        .collect();
    let points = (evaluation.scores.accuracy - best.accuracy) * 100.0;
    let verdict = if points > 0.0 {
        format!("{points:.2} points more than the best of these")
    } else {
        format!("no more than {}, which needs no network", best.model)
    };
    Some(format!(
        "Cheap opponents, fitted to the same training samples, are right this often: {}. The model          is right about {}: {verdict}.",
        each.join(", "),
        percent(evaluation.scores.accuracy),
    ))
}

/// What packets say of their sessions.
fn votes(evaluation: &Evaluation) -> Option<String> {
    let votes = evaluation.votes.as_ref()?;
    let parts = votes.parts;
    Some(format!(
        "The samples are {parts}. Where all scored {parts} of a session vote on it, {} of {} get \
         their class, macro-F1 {}: this is what compares with models of sessions.",
        percent(votes.scores.accuracy),
        counted(votes.scores.samples, "session"),
        percent(votes.scores.macro_averages.f1),
    ))
}

fn interval(evaluation: &Evaluation) -> String {
    let intervals = &evaluation.intervals;
    let dataset = &evaluation.dataset;
    let is_of_runs = dataset.split_rule == "run" || !dataset.held_out.is_empty();
    match intervals.drawn {
        Drawn::Groups if is_of_runs => format!(
            "The intervals hold 95 % of {} draws of {}: other runs of the same kind would move the \
             score about as far. What other sites, applications or tunnels would do, they do not say.",
            count(intervals.resamples as u64),
            counted(intervals.units as u64, "lab run")
        ),
        Drawn::Groups => format!(
            "The intervals hold 95 % of {} draws of {}: other captures of the same kind would \
             move the score about as far.",
            count(intervals.resamples as u64),
            counted(intervals.units as u64, "capture group")
        ),
        Drawn::Samples => format!(
            "There is one capture group only, so the intervals come from drawing {} one by one: \
             they are too narrow.",
            counted(intervals.units as u64, "sample")
        ),
    }
}

fn sharing(evaluation: &Evaluation) -> Vec<String> {
    let samples = evaluation.scores.samples;
    let Some(sharing) = &evaluation.sharing else {
        return vec![
            "The training samples were not at hand: what the two have in common is not known."
                .to_owned(),
        ];
    };
    let mut sentences = Vec::new();
    if sharing.slices == 0 {
        sentences.push("No slice is, byte for byte, one of training's.".to_owned());
    } else {
        let rest = sharing
            .unshared
            .as_ref()
            .map_or_else(String::new, |scores| {
                format!(
                    "; on the other {} the model's accuracy is {}, its macro-F1 {}",
                    count(scores.samples),
                    percent(scores.accuracy),
                    percent(scores.macro_averages.f1)
                )
            });
        sentences.push(format!(
            "{} of {} ({}) {} also in training, byte for byte: looking up what is there gets {} \
             right without any model{rest}.",
            count(sharing.slices),
            counted(samples, "slice"),
            share(sharing.slices, samples),
            if sharing.slices == 1 { "is" } else { "are" },
            share(sharing.look_up_right, sharing.slices),
        ));
    }
    let captures = sharing.captures.map_or_else(String::new, |captures| {
        format!("{} their capture, ", share(captures, samples))
    });
    sentences.push(format!(
        "{} of the samples share their five-tuple with a training sample, {captures}{} their \
         capture group.",
        share(sharing.five_tuples, samples),
        share(sharing.groups, samples),
    ));
    if sharing.conflicting_samples + sharing.conflicting_five_tuples > 0 {
        sentences.push(format!(
            "{} {} a slice that also occurs under another label, and {} {} more than one label: \
             no model can be sure of those.",
            counted(sharing.conflicting_samples, "sample"),
            if sharing.conflicting_samples == 1 {
                "has"
            } else {
                "have"
            },
            counted(sharing.conflicting_five_tuples, "five-tuple"),
            if sharing.conflicting_five_tuples == 1 {
                "carries"
            } else {
                "carry"
            },
        ));
    }
    sentences
}

fn background(evaluation: &Evaluation) -> String {
    let background = &evaluation.background;
    let samples = evaluation.scores.samples;
    match (background.samples, &background.foreground) {
        (0, _) => {
            "No sample is background (name look-ups, service discovery and the like).".to_owned()
        }
        (_, None) => "Every sample is background: the labels mean none of them.".to_owned(),
        (_, Some(foreground)) => format!(
            "{} of {} ({}) {} background (name look-ups, service discovery and the like), \
             which carries the label of its capture without being that traffic. Without it: \
             accuracy {}, macro-F1 {} on {}.",
            count(background.samples),
            counted(samples, "sample"),
            share(background.samples, samples),
            if background.samples == 1 { "is" } else { "are" },
            percent(foreground.accuracy),
            percent(foreground.macro_averages.f1),
            counted(foreground.samples, "sample"),
        ),
    }
}

fn preamble(evaluation: &Evaluation) -> Option<String> {
    let preamble = evaluation.preamble.as_ref()?;
    let samples = evaluation.scores.samples;
    let begin = if preamble.samples == 1 {
        "begins"
    } else {
        "begin"
    };
    let without = match &preamble.without {
        Some(scores) => format!(
            "Without: accuracy {}, macro-F1 {} on {}.",
            percent(scores.accuracy),
            percent(scores.macro_averages.f1),
            counted(scores.samples, "sample"),
        ),
        None => "There are no others.".to_owned(),
    };
    Some(format!(
        "{} of {} ({}) {begin} in plaintext (STARTTLS, or the greeting of SSH or FTP), which tells \
         what follows. {without}",
        count(preamble.samples),
        counted(samples, "sample"),
        share(preamble.samples, samples),
    ))
}

/// The rule by which the model says unknown, and its threshold.
pub(super) fn rule_of(evaluation: &Evaluation) -> (Rule, f64) {
    (evaluation.model.rejection, evaluation.model.threshold)
}

/// Words as a sentence.
pub(super) fn sentence(words: &str) -> String {
    format!("{}.", capitalised(words))
}

/// Words as they begin a sentence.
fn capitalised(words: &str) -> String {
    let mut letters = words.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn rejection(evaluation: &Evaluation) -> String {
    let point = evaluation.rejection.at_threshold;
    format!(
        "{} the model says *unknown*: to {} of these samples. Of the others, {} are answered right.",
        capitalised(&condition(rule_of(evaluation))),
        percent(1.0 - point.coverage),
        percent(1.0 - point.risk),
    )
}
