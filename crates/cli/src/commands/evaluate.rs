//! `evaluate`: how good is a model, and what is that worth?

use std::{
    fs,
    io::{self, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use learn::{
    dataset::{Dataset, Split},
    evaluation::{
        self, Evaluation, Subject,
        opponents::Opponent,
        sharing::Seen,
        unknown::{self, Strangers},
    },
    files,
    model::Model,
    run::Run,
};

use crate::{
    arithmetic::PrecisionArgument,
    report::{self, Format, PictureArguments},
};

/// Score a model on the test samples of a dataset
///
/// Prints the scores and leaves `evaluation.json` and `report.html`, a page to read in a browser,
/// in the run's folder. Scored on another dataset or split, or in int8, it writes files only where
/// `--out` says.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  The run's own test samples; then open runs/quick/report.html:
    undertone evaluate runs/quick

  How it does on captures made elsewhere, of the same classes and byte policy:
    undertone evaluate runs/quick --dataset elsewhere --out runs/quick-elsewhere

  How well it says unknown: to classes that it held out, and to a dataset of other traffic:
    undertone evaluate runs/without-chat --unknown malware

  A model file, figures for another program:
    undertone evaluate model.safetensors --dataset iscx --format json")]
pub(crate) struct Evaluate {
    /// The run's folder, or a model file
    #[arg(value_name = "RUN|MODEL")]
    subject: PathBuf,
    /// The dataset's folder [default: where the run was trained]
    #[arg(long, value_name = "DIR")]
    dataset: Option<PathBuf>,
    /// Which samples
    #[arg(long, value_enum, default_value = "test")]
    split: SplitArgument,
    /// Datasets of traffic that the model was not trained to tell: whether it says so. Of their
    /// samples of the split, those of classes that the model has are left out. What the run held
    /// out with `train --hold-out-classes` is asked about by itself
    #[arg(long, value_name = "DIR,…", value_delimiter = ',')]
    unknown: Vec<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// What the model computes in
    #[arg(long, value_enum, default_value = "float32", value_name = "NUMBERS")]
    precision: PrecisionArgument,
    /// Folder for `evaluation.json` and `report.html` [default: the run's]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pictures: PictureArguments,
    /// Threads; the result does not depend on it [default: as many as the machine runs at once]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// The splits that may be scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SplitArgument {
    /// Touched once, for the figures that are quoted
    Test,
    /// The samples that epoch, temperature and threshold were chosen on
    Validation,
}

impl Evaluate {
    /// Scores, writes the files, prints.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let run = self.subject.is_dir().then(|| Run::at(&self.subject));
        let model_path = run
            .as_ref()
            .map_or_else(|| self.subject.clone(), Run::model_path);
        let model = Model::open(&model_path)
            .and_then(|model| model.with_arithmetic(self.precision.into()))
            .with_context(|| format!("cannot use model `{}`", model_path.display()))?;
        let dataset_path = self.dataset_path(run.as_ref())?;
        let whole = open(&dataset_path)?;
        let trained_on = &model.card().trained_on;
        let is_own = whole.checksum() == trained_on.dataset_sha256;
        let strangers = self.strangers(&model, is_own.then_some(&whole))?;
        let dataset = if is_own {
            whole.without_classes(&trained_on.held_out_classes)?
        } else {
            whole
        };
        let training = if is_own {
            None
        } else {
            training_dataset(run.as_ref(), &model)
        };
        let mut evaluation = self
            .evaluate(
                &model,
                &dataset,
                if is_own {
                    Some(&dataset)
                } else {
                    training.as_ref()
                },
                &strangers,
            )
            .with_context(|| {
                format!(
                    "cannot score `{}` on `{}`",
                    self.subject.display(),
                    dataset_path.display()
                )
            })?;
        if is_own {
            evaluation.opponents = Opponent::all(&dataset, self.split(), self.threads())
                .context("cannot fit what knows next to nothing to the training samples")?;
        }
        let epochs = match &run {
            Some(run) => run.epochs()?,
            None => Vec::new(),
        };
        let page = report::html(&evaluation, &epochs).context("cannot draw the report")?;
        if let Some(folder) = self.folder(run.as_ref(), is_own) {
            write(&folder, &evaluation, &page)
                .with_context(|| format!("cannot write into `{}`", folder.display()))?;
            // Whether anybody reads standard error must not matter here.
            let _ = writeln!(
                io::stderr(),
                "report: {}",
                folder.join("report.html").display()
            );
        }
        self.pictures.write(&page)?;
        match self.format {
            Format::Text => out.write_all(report::text(&evaluation).as_bytes())?,
            Format::Json => out.write_all(evaluation.to_json().as_bytes())?,
            Format::Html => out.write_all(page.as_bytes())?,
        }
        Ok(())
    }

    fn evaluate(
        &self,
        model: &Model,
        dataset: &Dataset,
        training: Option<&Dataset>,
        strangers: &[Strangers],
    ) -> anyhow::Result<Evaluation> {
        let split = self.split();
        let subject = Subject {
            manifest: &dataset.manifest,
            split,
            rows: dataset.split(split),
            seen: training.map(|training| Seen {
                rows: training.split(Split::Train),
                captures: &training.manifest.captures,
            }),
        };
        let threads = self.threads();
        let mut evaluation = evaluation::evaluate(model, subject, threads)?;
        for strangers in strangers {
            let known = &subject.rows.samples;
            let detection = unknown::detection(model, known, strangers, threads)?;
            evaluation.unknown.push(detection);
        }
        Ok(evaluation)
    }

    fn threads(&self) -> usize {
        self.threads
            .map_or_else(super::default_threads, NonZeroUsize::get)
    }

    fn split(&self) -> Split {
        match self.split {
            SplitArgument::Test => Split::Test,
            SplitArgument::Validation => Split::Validation,
        }
    }

    /// What the model does not know: the classes that it held out, and what else was named.
    fn strangers(&self, model: &Model, own: Option<&Dataset>) -> anyhow::Result<Vec<Strangers>> {
        let classes = &model.contract().classes;
        let of = |dataset: &Dataset| Strangers {
            manifest: dataset.manifest.clone(),
            split: self.split(),
            rows: dataset.strangers_to(classes, self.split()),
        };
        let has_held_out = !model.card().trained_on.held_out_classes.is_empty();
        let mut strangers: Vec<Strangers> =
            own.filter(|_| has_held_out).map(of).into_iter().collect();
        for path in &self.unknown {
            strangers.push(of(&open(path)?));
        }
        Ok(strangers)
    }

    fn dataset_path(&self, run: Option<&Run>) -> anyhow::Result<PathBuf> {
        match (&self.dataset, run) {
            (Some(path), _) => Ok(path.clone()),
            (None, Some(run)) => Ok(PathBuf::from(run.dataset()?.path)),
            (None, None) => bail!("a model file alone names no dataset; add `--dataset DIR`"),
        }
    }

    /// Where the files go: a run keeps its own test scores, everything else needs `--out`.
    fn folder(&self, run: Option<&Run>, is_own: bool) -> Option<PathBuf> {
        let is_main = is_own
            && self.split == SplitArgument::Test
            && self.precision == PrecisionArgument::Float32;
        match (&self.out, run) {
            (Some(folder), _) => Some(folder.clone()),
            (None, Some(run)) if is_main => Some(run.folder().to_owned()),
            _ => None,
        }
    }
}

fn open(path: &Path) -> anyhow::Result<Dataset> {
    Dataset::open(path).with_context(|| format!("cannot open dataset `{}`", path.display()))
}

/// The dataset a run was trained on, if it is still where it was and what it was.
fn training_dataset(run: Option<&Run>, model: &Model) -> Option<Dataset> {
    let reference = run?.dataset().ok()?;
    let dataset = Dataset::open(Path::new(&reference.path)).ok()?;
    (dataset.checksum() == model.card().trained_on.dataset_sha256).then_some(dataset)
}

fn write(folder: &Path, evaluation: &Evaluation, page: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    files::write_whole(
        &folder.join("evaluation.json"),
        evaluation.to_json().as_bytes(),
    )?;
    files::write_whole(&folder.join("report.html"), page.as_bytes())
}
