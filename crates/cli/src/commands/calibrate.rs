//! `calibrate`: when is a model to say *unknown*?

use std::{
    io::Write,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use learn::{
    dataset::{Dataset, Rows, Split},
    model::Model,
    rejection::{self, Fitting, Rule},
    run::Run,
};

use crate::{numbers::percent, unknowns};

/// Fit the rule by which a model says unknown, without training it again
///
/// Three rules can be had: a confidence below a threshold (softmax, what training leaves), the
/// energy of the logits, the distance of a session's features to those of the nearest class. The
/// threshold is set on the validation samples, so that no more than the stated share of the right
/// answers becomes unknown; class means and covariance come from the training samples. The rule and
/// its parameters are kept in the model's file; weights do not change.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  The distance, at one right answer in twenty; the run's model is replaced:
    undertone calibrate runs/quick

  The best of the three on traffic that the model does not know:
    undertone calibrate runs/quick --unknown others

  At one in a hundred, into another file:
    undertone calibrate runs/quick --rule energy --false-unknowns 0.01 --out careful.safetensors")]
pub(crate) struct Calibrate {
    /// The run's folder, or a model file
    #[arg(value_name = "RUN|MODEL")]
    subject: PathBuf,
    /// The dataset that the model was trained on [default: where the run was trained]
    #[arg(long, value_name = "DIR")]
    dataset: Option<PathBuf>,
    /// A dataset of traffic that the model was not trained to tell; the rule is chosen by its
    /// validation samples of classes that the model does not have
    #[arg(long, value_name = "DIR", conflicts_with = "rule")]
    unknown: Option<PathBuf>,
    /// The rule [default: the best on --unknown, else distance, or softmax where a network has no
    /// features in front of its head]
    #[arg(long, value_enum)]
    rule: Option<RuleArgument>,
    /// The share of right answers to validation samples that may become unknown
    #[arg(long, value_name = "SHARE", default_value = "0.05", value_parser = share)]
    false_unknowns: f64,
    /// Where the model goes [default: the run's own]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Threads; the result does not depend on it [default: as many as the machine runs at once]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// [`Rule`] on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum RuleArgument {
    /// The largest probability of a class
    Softmax,
    /// The logarithm of the sum of the exponentials of the logits
    Energy,
    /// The distance of the features to the nearest class
    Distance,
}

impl From<RuleArgument> for Rule {
    fn from(rule: RuleArgument) -> Self {
        match rule {
            RuleArgument::Softmax => Self::Softmax,
            RuleArgument::Energy => Self::Energy,
            RuleArgument::Distance => Self::Distance,
        }
    }
}

impl Calibrate {
    /// Fits, writes the model, tells the rule.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let run = self.subject.is_dir().then(|| Run::at(&self.subject));
        let path = run
            .as_ref()
            .map_or_else(|| self.subject.clone(), Run::model_path);
        let model =
            Model::open(&path).with_context(|| format!("cannot use model `{}`", path.display()))?;
        let dataset_path = match (&self.dataset, &run) {
            (Some(path), _) => path.clone(),
            (None, Some(run)) => PathBuf::from(run.dataset()?.path),
            (None, None) => bail!("a model file alone names no dataset; add `--dataset DIR`"),
        };
        let place = match (&self.out, &run) {
            (Some(place), _) => place.clone(),
            (None, Some(run)) => run.model_path(),
            (None, None) => bail!("a model file is not replaced; say where with `--out FILE`"),
        };
        let whole = open(&dataset_path)?;
        let held_out = &model.card().trained_on.held_out_classes;
        let dataset = whole.without_classes(held_out)?;
        let unknown = match &self.unknown {
            Some(path) => Some(strangers(path, &model)?),
            None => None,
        };
        let fitting = Fitting {
            rule: self.rule.map(Rule::from),
            false_unknowns: self.false_unknowns,
            unknown: unknown.as_ref().map(|rows| &rows.samples),
            threads: self
                .threads
                .map_or_else(super::default_threads, NonZeroUsize::get),
        };
        let model = rejection::fit(&model, &dataset, fitting)
            .with_context(|| format!("cannot calibrate `{}`", self.subject.display()))?;
        model
            .save(&place)
            .with_context(|| format!("cannot write `{}`", place.display()))?;
        self.tell(out, &model, &place)
    }

    fn tell(&self, out: &mut dyn Write, model: &Model, place: &Path) -> anyhow::Result<()> {
        let rejection = model.contract().rejection.as_ref();
        for score in rejection.map_or(&[][..], |rejection| &rejection.chosen_by) {
            writeln!(out, "{}: AUROC {:.4}", score.rule, score.auroc)?;
        }
        writeln!(
            out,
            "unknown {}, which {} of the right answers on validation may be",
            unknowns::condition(model.rejection_rule()),
            percent(self.false_unknowns)
        )?;
        writeln!(out, "model: {}", place.display())?;
        Ok(())
    }
}

/// Samples to choose by of classes that the model does not have.
fn strangers(path: &Path, model: &Model) -> anyhow::Result<Rows> {
    let dataset = open(path)?;
    let manifest = &dataset.manifest;
    model
        .check_slices(&manifest.policy, manifest.slice_length)
        .with_context(|| format!("cannot use dataset `{}`", path.display()))?;
    let rows = dataset.strangers_to(&model.contract().classes, Split::Validation);
    if rows.samples.labels.is_empty() {
        bail!(
            "dataset `{}` has no validation samples of classes that the model does not know",
            path.display()
        );
    }
    Ok(rows)
}

fn open(path: &Path) -> anyhow::Result<Dataset> {
    Dataset::open(path).with_context(|| format!("cannot open dataset `{}`", path.display()))
}

fn share(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|share| (0.0..1.0).contains(share))
        .ok_or_else(|| "give a share from 0 to below 1".to_owned())
}
