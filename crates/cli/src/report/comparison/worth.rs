//! What the figures of a comparison mean, in plain words.

use learn::{
    comparison::{
        table::{Row, Table},
        trial::Kind,
    },
    evaluation::intervals::Drawn,
    learner::reconstruction,
};

use crate::{
    numbers::{count, counted, percent},
    report::worth::sentence,
};

/// The sentences that belong under every table.
pub(in crate::report) fn sentences(table: &Table) -> Vec<String> {
    let mut sentences = Vec::new();
    let Some(first) = table.rows.first() else {
        return sentences;
    };
    sentences.extend(table.leak.as_deref().map(sentence));
    sentences.extend(against_the_cheap(table));
    sentences.push(interval(first));
    if let Some(best) = &table.best {
        sentences.push(format!(
            "McNemar's test looks at the samples that only one of two models gets right: p is how \
             often models as good as each other would divide them as unevenly as this model and \
             {best}. It takes samples for independent, which those of one capture are not, and is \
             not corrected for the number of models: small differences are smaller than they look."
        ));
    }
    if first.seeds.len() > 1 {
        sentences.push(format!(
            "Figures are of seed {}; the table of seeds has the mean and the standard deviation over \
             all.",
            first.seeds[0]
        ));
    }
    let reconstructed = table
        .rows
        .iter()
        .filter_map(|row| reconstruction(&row.model));
    sentences.extend(reconstructed.map(|sentence| format!("{sentence}.")));
    sentences.extend(votes(table));
    sentences.extend(shared(table));
    let untestable: Vec<&str> = table
        .classes
        .iter()
        .zip(&table.supports)
        .filter(|(_, support)| **support == 0)
        .map(|(class, _)| class.as_str())
        .collect();
    if !untestable.is_empty() {
        sentences.push(format!(
            "Not testable, for want of samples: {}. No average counts them.",
            untestable.join(", ")
        ));
    }
    if !table.published.is_empty() {
        sentences.push(
            "Published figures are those of their papers, of their own experiments: not the same \
             code, and not certain to be the same samples."
                .to_owned(),
        );
    }
    if let Some(obstacle) = &table.published_obstacle {
        sentences.push(format!(
            "There are published figures on this data set, and they do not belong beside these: \
             {obstacle}."
        ));
    }
    sentences.extend(table.classes_note.as_ref().map(|note| format!("{note}.")));
    sentences
}

/// How far the best model is ahead of those that know next to nothing.
fn against_the_cheap(table: &Table) -> Option<String> {
    let most_accurate = |is_wanted: &dyn Fn(&Row) -> bool| {
        let rows = table.rows.iter().filter(|row| is_wanted(row));
        rows.reduce(|best, row| {
            if row.scores.accuracy > best.scores.accuracy {
                row
            } else {
                best
            }
        })
    };
    let cheap = most_accurate(&|row| row.kind == Kind::CheapOpponent)?;
    let best = most_accurate(&|row| row.kind != Kind::CheapOpponent)?;
    let points = (best.scores.accuracy - cheap.scores.accuracy) * 100.0;
    let verdict = if points > 0.0 {
        format!("{points:.2} points more")
    } else {
        format!("{:.2} points less: nothing is gained by it", -points)
    };
    Some(format!(
        "The best of the cheap opponents, {}, gets {} of the answers right; {} gets {}, {verdict}.",
        cheap.model,
        percent(cheap.scores.accuracy),
        best.model,
        percent(best.scores.accuracy),
    ))
}

/// What figures of sessions are, where samples are parts of them.
fn votes(table: &Table) -> Option<String> {
    let sessions = table.rows.iter().find_map(|row| row.votes.as_ref())?;
    let parts = sessions.parts;
    Some(format!(
        "The samples are {parts}. Where all scored {parts} of a session vote on it, there are {}: their \
         figures, in a table of their own, are what compares with models of sessions.",
        counted(sessions.scores.samples, "session"),
    ))
}

fn interval(row: &Row) -> String {
    let intervals = &row.intervals;
    match intervals.drawn {
        Drawn::Groups => format!(
            "The intervals hold 95 % of {} draws of {}: other captures of the same kind would move \
             a score about as far.",
            count(intervals.resamples as u64),
            counted(intervals.units as u64, "group"),
        ),
        Drawn::Samples => format!(
            "There is one group only, so the intervals come from drawing {} one by one: they are \
             too narrow.",
            counted(intervals.units as u64, "sample")
        ),
    }
}

/// What the columns of new slices and without background leave out.
fn shared(table: &Table) -> Option<String> {
    let row = table.rows.first()?;
    let samples = table.samples();
    let of = |scores: Option<learn::evaluation::Scores>| scores.map_or(0, |scores| scores.samples);
    let (unshared, foreground) = (of(row.unshared), of(row.foreground));
    (unshared < samples || foreground < samples).then(|| {
        format!(
            "Of {}, {} have a slice that is not, byte for byte, one of training, and {} are not \
             background: the accuracy on those alone stands in columns of its own.",
            counted(samples, "sample"),
            count(unshared),
            count(foreground),
        )
    })
}
