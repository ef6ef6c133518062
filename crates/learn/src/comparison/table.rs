//! Tables: trials on the same samples, side by side.

use serde::{Deserialize, Serialize};

pub use super::spread::{Estimate, Spread};
use super::{
    mcnemar::McNemar,
    spread::mean,
    trial::{Kind, Settings, Times, Trial},
};
use crate::{
    evaluation::{DatasetFacts, Scores, intervals::Intervals, votes::Votes},
    learner::reconstruction,
    registry::Published,
};

/// Models on one split of one dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// What it is called.
    pub name: String,
    /// The samples.
    pub dataset: DatasetFacts,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
    /// What the names of classes do not say by themselves.
    pub classes_note: Option<String>,
    /// What is wrong with the split whatever is fitted to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leak: Option<String>,
    /// Samples of each class that are scored.
    pub supports: Vec<u64>,
    /// The model that the others are tested against: the most accurate.
    pub best: Option<String>,
    /// The models.
    pub rows: Vec<Row>,
    /// Models that were asked for and have no figures.
    pub left_out: Vec<LeftOut>,
    /// Figures that others have published on this data set.
    pub published: Vec<Published>,
    /// Why what was published on this data set is not among them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_obstacle: Option<String>,
}

/// One model. Figures are those of its first seed, but for [`Row::spread`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// The model, as on the command line.
    pub model: String,
    /// What it is to the others.
    pub kind: Kind,
    /// Whether its paper leaves layers open, so that it is not certain to be its authors'.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_reconstruction: bool,
    /// The seeds, as asked for.
    pub seeds: Vec<u64>,
    /// How many numbers were fitted.
    pub parameters: u64,
    /// The figures.
    pub scores: Scores,
    /// How far they would move.
    pub intervals: Intervals,
    /// Of samples that are packets, the figures of sessions that their packets vote on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub votes: Option<Votes>,
    /// The figures on samples whose slice is not, byte for byte, one of training.
    pub unshared: Option<Scores>,
    /// The figures on samples that are not background.
    pub foreground: Option<Scores>,
    /// The test against the best; none of the best itself.
    pub against_best: Option<McNemar>,
    /// What other seeds give; none of one seed.
    pub spread: Option<Spread>,
    /// `[true class][answered class]`.
    pub confusion: Vec<Vec<u64>>,
    /// What the clock says, the mean over the seeds.
    pub times: Times,
}

/// A model without figures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// The model, as on the command line.
    pub model: String,
    /// Why.
    pub reason: String,
}

/// Trials that cannot be put side by side.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "`{model}` cannot be compared with the others of `{table}`: its {what} is {found}, theirs {wanted}"
)]
pub struct Incomparable {
    /// The table.
    pub table: String,
    /// The model that does not belong there.
    pub model: String,
    /// In what it differs.
    pub what: &'static str,
    /// What it has.
    pub found: String,
    /// What the table is of.
    pub wanted: String,
}

impl Table {
    /// Puts trials side by side; several of one model are its seeds. `labels` are the true ones,
    /// `[samples]`.
    ///
    /// # Errors
    ///
    /// [`Incomparable`] if they are of different samples, byte policies, splits or classes.
    pub fn of(
        name: &str,
        dataset: DatasetFacts,
        classes: Vec<String>,
        labels: &[u32],
        trials: &[Trial],
    ) -> Result<Self, Incomparable> {
        for trial in trials {
            check(name, &dataset, &classes, trial)?;
        }
        let supports = (0..classes.len() as u32)
            .map(|class| labels.iter().filter(|&&label| label == class).count() as u64)
            .collect();
        let models = by_model(trials);
        let best = best(&models);
        let rows = models
            .iter()
            .map(|seeds| {
                let against = best.filter(|best| best.settings.model != seeds[0].settings.model);
                row(seeds, against, labels)
            })
            .collect();
        Ok(Self {
            name: name.to_owned(),
            dataset,
            classes,
            classes_note: None,
            leak: None,
            supports,
            best: best.map(|trial| trial.settings.model.clone()),
            rows,
            left_out: Vec::new(),
            published: Vec::new(),
            published_obstacle: None,
        })
    }

    /// Samples scored.
    pub fn samples(&self) -> u64 {
        self.supports.iter().sum()
    }
}

/// Refuses a trial on other samples, and says first what people choose: a checksum explains little.
fn check(
    table: &str,
    dataset: &DatasetFacts,
    classes: &[String],
    trial: &Trial,
) -> Result<(), Incomparable> {
    let Settings {
        model,
        dataset: found,
        classes: found_classes,
        ..
    } = &trial.settings;
    let split = |facts: &DatasetFacts| format!("{} (seed {})", facts.split_rule, facts.split_seed);
    let pairs = [
        ("data set", found.name.clone(), dataset.name.clone()),
        ("byte policy", found.policy.clone(), dataset.policy.clone()),
        (
            "slice length",
            found.slice_length.to_string(),
            dataset.slice_length.to_string(),
        ),
        (
            "list of classes",
            found_classes.join(", "),
            classes.join(", "),
        ),
        ("split", split(found), split(dataset)),
        (
            "samples' checksum",
            found.sha256.clone(),
            dataset.sha256.clone(),
        ),
    ];
    for (what, found, wanted) in pairs {
        if found != wanted {
            return Err(Incomparable {
                table: table.to_owned(),
                model: model.clone(),
                what,
                found,
                wanted,
            });
        }
    }
    Ok(())
}

/// The trials of each model, in the order in which models first occur.
fn by_model(trials: &[Trial]) -> Vec<Vec<&Trial>> {
    let mut models: Vec<Vec<&Trial>> = Vec::new();
    for trial in trials {
        let same = |seeds: &&mut Vec<&Trial>| seeds[0].settings.model == trial.settings.model;
        match models.iter_mut().find(same) {
            Some(seeds) => seeds.push(trial),
            None => models.push(vec![trial]),
        }
    }
    models
}

/// The most accurate first seed; of equal ones the higher macro-F1, then the earlier.
fn best<'a>(models: &[Vec<&'a Trial>]) -> Option<&'a Trial> {
    let key = |trial: &Trial| (trial.scores.accuracy, trial.scores.macro_averages.f1);
    models
        .iter()
        .map(|seeds| seeds[0])
        .reduce(|best, trial| if key(trial) > key(best) { trial } else { best })
}

fn row(seeds: &[&Trial], best: Option<&Trial>, labels: &[u32]) -> Row {
    let first = seeds[0];
    let of =
        |value: fn(&Trial) -> f64| -> Vec<f64> { seeds.iter().map(|trial| value(trial)).collect() };
    Row {
        model: first.settings.model.clone(),
        kind: first.settings.kind,
        is_reconstruction: reconstruction(&first.settings.model).is_some(),
        seeds: seeds.iter().map(|trial| trial.settings.seed).collect(),
        parameters: first.parameters,
        scores: first.scores,
        intervals: first.intervals.clone(),
        votes: first.votes.clone(),
        unshared: first.unshared,
        foreground: first.foreground,
        against_best: best.map(|best| McNemar::of(labels, &first.answers, &best.answers)),
        spread: (seeds.len() > 1).then(|| Spread {
            accuracy: Estimate::of(&of(|trial| trial.scores.accuracy)),
            macro_f1: Estimate::of(&of(|trial| trial.scores.macro_averages.f1)),
            weighted_f1: Estimate::of(&of(|trial| trial.scores.weighted_averages.f1)),
        }),
        confusion: first.confusion.clone(),
        times: Times {
            training_seconds: mean(&of(|trial| trial.times.training_seconds)),
            samples_per_second: mean(&of(|trial| trial.times.samples_per_second)),
        },
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        comparison::trial::SCHEMA,
        evaluation::{confusion::ConfusionMatrix, intervals},
    };

    const LABELS: [u32; 6] = [0, 0, 0, 1, 1, 1];

    fn facts() -> DatasetFacts {
        DatasetFacts {
            name: "toy".to_owned(),
            sha256: "abc".to_owned(),
            policy: "paper".to_owned(),
            slice_length: 784,
            split_rule: "session".to_owned(),
            split_seed: 0,
            held_out: Vec::new(),
        }
    }

    fn classes() -> Vec<String> {
        vec!["Chat".to_owned(), "Email".to_owned()]
    }

    fn trial(model: &str, seed: u64, answers: [u32; 6]) -> Trial {
        let matrix = ConfusionMatrix::of(2, &LABELS, &answers);
        let groups = ["a", "b", "c", "d", "e", "f"];
        Trial {
            schema: SCHEMA,
            settings: Settings {
                model: model.to_owned(),
                kind: Kind::Network,
                seed,
                recipe: String::new(),
                dataset: facts(),
                classes: classes(),
            },
            parameters: 7,
            scores: Scores::of(&matrix).unwrap(),
            intervals: intervals::bootstrap(2, &LABELS, &answers, &groups, 1).unwrap(),
            votes: None,
            unshared: None,
            foreground: None,
            confusion: matrix.rows(),
            answers: answers.to_vec(),
            times: Times {
                training_seconds: seed as f64,
                samples_per_second: 100.0,
            },
        }
    }

    /// One model that gets half of its samples right.
    pub(in crate::comparison) fn small() -> Table {
        table(&[trial("gru", 1, [0, 0, 1, 1, 0, 0])]).unwrap()
    }

    fn table(trials: &[Trial]) -> Result<Table, Incomparable> {
        Table::of("toy", facts(), classes(), &LABELS, trials)
    }

    #[test]
    fn the_most_accurate_is_best_and_the_others_are_tested_against_it() {
        let found = table(&[
            trial("gru", 1, [0, 0, 1, 1, 0, 0]),
            trial("resnet", 1, [0, 0, 0, 1, 1, 0]),
        ])
        .unwrap();
        assert_eq!(found.best.as_deref(), Some("resnet"));
        assert_eq!(found.supports, [3, 3]);
        assert_eq!(found.rows[1].against_best, None);
        let test = found.rows[0].against_best.unwrap();
        // Samples 2 and 4 are the ones that only `resnet` gets right.
        assert_eq!((test.only_first, test.only_second), (0, 2));
        assert!((test.p - 0.5).abs() < 1e-12);
    }

    #[test]
    fn several_seeds_are_one_row_with_their_mean_and_deviation() {
        let found = table(&[
            trial("gru", 1, [0, 0, 0, 1, 1, 0]),
            trial("gru", 2, [0, 0, 0, 1, 1, 1]),
        ])
        .unwrap();
        assert_eq!(found.rows.len(), 1);
        let row = &found.rows[0];
        assert_eq!(row.seeds, [1, 2]);
        // The figures are those of the first seed, whatever the second brings.
        assert!((row.scores.accuracy - 5.0 / 6.0).abs() < 1e-12);
        let accuracy = row.spread.unwrap().accuracy;
        assert!((accuracy.mean - 11.0 / 12.0).abs() < 1e-12);
        // Two values 1/6 apart: the deviation is 1/6 / sqrt(2).
        assert!((accuracy.deviation - 1.0 / 6.0 / 2_f64.sqrt()).abs() < 1e-12);
        assert!((row.times.training_seconds - 1.5).abs() < 1e-12);
    }

    #[test]
    fn of_equally_accurate_models_the_higher_macro_f1_is_best_then_the_earlier() {
        let found = table(&[
            trial("one", 1, [0, 0, 0, 0, 0, 1]),
            trial("two", 1, [0, 0, 1, 1, 1, 0]),
            trial("three", 1, [0, 0, 1, 1, 1, 0]),
        ])
        .unwrap();
        assert_eq!(found.best.as_deref(), Some("two"));
    }

    /// The refusal of a trial that differs.
    #[track_caller]
    fn check_refused(change: impl Fn(&mut Settings), expected: &str) {
        let mut other = trial("gru", 1, LABELS);
        change(&mut other.settings);
        let error = table(&[trial("resnet", 1, LABELS), other]).unwrap_err();
        let expected = format!("`gru` cannot be compared with the others of `toy`: its {expected}");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn what_was_scored_on_other_samples_is_refused() {
        check_refused(
            |settings| settings.dataset.policy = "ip".to_owned(),
            "byte policy is ip, theirs paper",
        );
        check_refused(
            |settings| settings.classes = vec!["VPN".to_owned(), "NonVPN".to_owned()],
            "list of classes is VPN, NonVPN, theirs Chat, Email",
        );
        check_refused(
            |settings| settings.dataset.split_seed = 1,
            "split is session (seed 1), theirs session (seed 0)",
        );
        check_refused(
            |settings| settings.dataset.sha256 = "def".to_owned(),
            "samples' checksum is def, theirs abc",
        );
    }
}
