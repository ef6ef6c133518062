//! Comparing: every model that was asked for is fitted and scored on every split, one after another.

mod competitor;
mod effort;
mod pace;
mod place;
mod watch;

use std::{
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use learn::{
    comparison::{
        table::{LeftOut, Table},
        trial::{Times, Trial},
    },
    dataset::{Dataset, Split},
    evaluation::{Answers, DatasetFacts, Subject, leak, sharing::Seen},
    learner::{Fitted, Fitting, FittingSet, LearnerError},
    model::card::TrainedOn,
    training::TrainingError,
};

pub(crate) use self::{
    competitor::Competitor,
    effort::Effort,
    place::{Splitting, TablePlace, places},
};
use self::{pace::Pace, watch::Watch};
use crate::numbers::{duration, percent};

/// What is fitted to each dataset, and how.
pub(crate) struct Plan {
    /// The models.
    pub(crate) competitors: Vec<Competitor>,
    /// A trial of each model for each of these.
    pub(crate) seeds: Vec<u64>,
    /// Threads; the figures do not depend on it.
    pub(crate) threads: usize,
    /// Say nothing but what is wrong.
    pub(crate) is_quiet: bool,
}

/// Whether a comparison came to its end.
pub(crate) enum End {
    /// All trials are done.
    Finished,
    /// Ctrl-C; the same command goes on.
    Stopped,
}

/// How one trial ended.
enum Outcome {
    Done(Box<Trial>),
    LeftOut(String),
    Stopped,
}

/// Fits and scores everything; `show` gets all tables, the last one growing, after each trial.
///
/// # Errors
///
/// If a dataset or a folder cannot be used, or holds results of other settings.
pub(crate) fn compare(
    plan: &Plan,
    places: &[TablePlace],
    stop: &AtomicBool,
    show: &mut dyn FnMut(&[Table]) -> anyhow::Result<()>,
) -> anyhow::Result<End> {
    let mut pace = Pace::new(plan, places);
    let mut tables = Vec::new();
    for place in places {
        let dataset = open(&place.dataset)?;
        check_sides(&dataset, &place.dataset)?;
        tables.push(place.table(&dataset, &[], Vec::new())?);
        let (mut trials, mut left_out) = (Vec::new(), Vec::new());
        for competitor in &plan.competitors {
            for &seed in &plan.seeds {
                let asked = Asked {
                    plan,
                    place,
                    dataset: &dataset,
                    competitor,
                    seed,
                };
                match asked.attempt(&mut pace, stop)? {
                    Outcome::Done(trial) => trials.push(*trial),
                    Outcome::LeftOut(reason) => {
                        let model = competitor.name().to_owned();
                        left_out.push(LeftOut { model, reason });
                        pace.skip_model(competitor.name());
                        break;
                    }
                    Outcome::Stopped => return Ok(End::Stopped),
                }
            }
            if let Some(last) = tables.last_mut() {
                *last = place.table(&dataset, &trials, left_out.clone())?;
            }
            show(&tables)?;
        }
    }
    Ok(End::Finished)
}

fn open(path: &Path) -> anyhow::Result<Dataset> {
    Dataset::open(path).with_context(|| format!("cannot open dataset `{}`", path.display()))
}

/// All three sides are needed: to fit, to choose, to score.
fn check_sides(dataset: &Dataset, path: &Path) -> anyhow::Result<()> {
    for side in Split::ALL {
        if dataset.split(side).samples.labels.is_empty() {
            bail!(
                "dataset `{}` has no {side} samples; split it in three (see `undertone split --help`)",
                path.display()
            );
        }
    }
    Ok(())
}

/// One trial that was asked for.
struct Asked<'a> {
    plan: &'a Plan,
    place: &'a TablePlace,
    dataset: &'a Dataset,
    competitor: &'a Competitor,
    seed: u64,
}

impl Asked<'_> {
    /// The trial that is there already, or a new one.
    fn attempt(&self, pace: &mut Pace, stop: &AtomicBool) -> anyhow::Result<Outcome> {
        let folder = self.place.trial(self.competitor.name(), self.seed);
        let settings = self.competitor.settings(self.seed, &self.dataset.manifest);
        let found = Trial::resume(&folder, &settings).with_context(|| {
            format!(
                "cannot use `{}`; name another --out, or remove that folder",
                folder.display()
            )
        })?;
        let name = self.competitor.name();
        if let Some(trial) = found {
            pace.done(name, trial.times.training_seconds);
            return Ok(Outcome::Done(Box::new(trial)));
        }
        if stop.load(Ordering::Relaxed) {
            return Ok(Outcome::Stopped);
        }
        let what = format!("{name}, seed {}, on {}", self.seed, self.place.name);
        let mut watch = Watch::begin(&what, &folder, pace, self.plan.is_quiet)?;
        let learner = self.competitor.learner(&folder, &self.place.dataset);
        let fitted = learner.fit(
            FittingSet::of(self.dataset),
            &mut Fitting {
                seed: self.seed,
                threads: self.plan.threads,
                stop,
                progress: &mut watch,
            },
        );
        let scored = fitted.and_then(|fitted| {
            watch.fitted();
            let (answers, samples_per_second) = self.answer(fitted.as_ref())?;
            Ok((fitted.parameters() as u64, answers, samples_per_second))
        });
        let training_seconds = watch.end();
        let (parameters, answers, samples_per_second) = match scored {
            Ok(scored) => scored,
            Err(LearnerError::Stopped) => return Ok(Outcome::Stopped),
            Err(error) => {
                return match reason_to_leave_out(&error) {
                    Some(reason) => {
                        watch::say(self.plan.is_quiet, &format!("  left out: {reason}"));
                        Ok(Outcome::LeftOut(reason))
                    }
                    None => Err(error).with_context(|| format!("cannot compare {what}")),
                };
            }
        };
        let times = Times {
            training_seconds,
            samples_per_second,
        };
        let trial = Trial::of(settings, parameters, answers, self.subject(), times)?;
        // What is read back is what another run of the command would find: digits that JSON rounds
        // away are in no table.
        let trial = trial
            .save(&folder)
            .and_then(|()| Trial::resume(&folder, &trial.settings))
            .with_context(|| format!("cannot write into `{}`", folder.display()))?
            .unwrap_or(trial);
        pace.done(name, training_seconds);
        watch::say(
            self.plan.is_quiet,
            &format!(
                "  accuracy {}, macro-F1 {}, fitted in {}; {pace}",
                percent(trial.scores.accuracy),
                percent(trial.scores.macro_averages.f1),
                duration(Duration::from_secs_f64(training_seconds)),
            ),
        );
        Ok(Outcome::Done(Box::new(trial)))
    }

    fn subject(&self) -> Subject<'_> {
        Subject {
            manifest: &self.dataset.manifest,
            split: Split::Test,
            rows: self.dataset.split(Split::Test),
            seen: Some(Seen {
                rows: self.dataset.split(Split::Train),
                captures: &self.dataset.manifest.captures,
            }),
        }
    }

    /// The answers to the test rows, and how many a second. Fast models are asked several times:
    /// one short moment says little.
    fn answer(&self, fitted: &dyn Fitted) -> Result<(Answers, f64), LearnerError> {
        const LONG_ENOUGH: Duration = Duration::from_millis(300);
        const MOST: u32 = 10;
        let rows = self.dataset.split(Split::Test);
        let begun = Instant::now();
        let mut rounds = 0;
        let probabilities = loop {
            let found = fitted.probabilities(&self.dataset.manifest, rows, self.plan.threads)?;
            rounds += 1;
            if rounds == MOST || begun.elapsed() > LONG_ENOUGH {
                break found;
            }
        };
        let answered = rows.samples.labels.len() as f64 * f64::from(rounds);
        let seconds = begun.elapsed().as_secs_f64().max(f64::EPSILON);
        Ok((probabilities.answers(), answered / seconds))
    }
}

/// Why a model has no figures on this dataset; none if something else is wrong, which ends all.
fn reason_to_leave_out(error: &LearnerError) -> Option<String> {
    use TrainingError::{
        DamagedState, MissingClasses, NoSamples, OtherDataset, OtherRecipe, Recipe, Run, State,
        TooFewClasses,
    };
    let is_of_the_model = match error {
        LearnerError::MissingInput { .. } | LearnerError::NotFinite => true,
        LearnerError::Training(error) => !matches!(
            error,
            Run(_)
                | Recipe(_)
                | State(_)
                | DamagedState(_)
                | OtherRecipe { .. }
                | OtherDataset { .. }
                | MissingClasses(_)
                | NoSamples(_)
                | TooFewClasses(_)
        ),
        _ => false,
    };
    is_of_the_model.then(|| error.to_string())
}

impl TablePlace {
    /// The table of these trials.
    fn table(
        &self,
        dataset: &Dataset,
        trials: &[Trial],
        left_out: Vec<LeftOut>,
    ) -> anyhow::Result<Table> {
        let manifest = &dataset.manifest;
        let mut table = Table::of(
            &self.name,
            DatasetFacts::of(manifest),
            manifest.classes.clone(),
            &dataset.split(Split::Test).samples.labels,
            trials,
        )?;
        let note = TrainedOn::from(manifest).vpn_note(&manifest.classes);
        table.classes_note = note.map(str::to_owned);
        table.leak = leak::of(manifest);
        table.left_out = left_out;
        let published = learn::comparison::published::of(manifest);
        table.published = published.figures;
        table.published_obstacle = published.obstacle;
        Ok(table)
    }
}
