//! `audit`: how little does one need to know to score the same, and what does a model look at?

use std::{
    fs,
    io::{self, Write},
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use learn::{
    audit::{self, Effort, Subject},
    files,
    model::Model,
    run::Run,
};

use crate::report::{self, Format, PictureArguments};

/// Look for shortcuts in a dataset, and for what a model looks at
///
/// For each field of the packets, found by taking them apart, fits a small tree that sees nothing
/// else: what it scores is told without understanding any traffic. Counts what test and training
/// samples share, and tries every split rule on the same samples. Of a run, also takes one field
/// after another from the test slices and asks the model again. Prints what was found and leaves
/// `audit.json` and `audit.html`, a page to read in a browser, in the run's folder or where `--out`
/// says.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  What a dataset gives away:
    undertone audit dataset

  What a run's model looks at, on the dataset it was trained on:
    undertone audit runs/quick

  A model file; a page to read:
    undertone audit model.safetensors --dataset dataset --out audit")]
pub(crate) struct Audit {
    /// A dataset's folder, a run's folder, or a model file
    #[arg(value_name = "RUN|DATASET|MODEL")]
    subject: PathBuf,
    /// The dataset's folder [default: where the run was trained]
    #[arg(long, value_name = "DIR")]
    dataset: Option<PathBuf>,
    /// Another model than the run's; `built-in` is the one that comes with the program
    #[arg(short, long, value_name = "FILE")]
    model: Option<PathBuf>,
    /// The most test samples to take fields from; drawn evenly
    #[arg(long, default_value = "2000", value_name = "COUNT")]
    samples: NonZeroUsize,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// Folder for `audit.json` and `audit.html` [default: the run's]
    #[arg(short, long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    pictures: PictureArguments,
    /// Threads; the result does not depend on it [default: as many as the machine runs at once]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

/// Samples behind the picture of bytes: each costs more than a hundred answers.
const PICTURE_SAMPLES: usize = 200;

/// The name of the model that comes with the program.
const BUILT_IN: &str = "built-in";

impl Audit {
    /// Audits, writes the files, prints.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let threads = self
            .threads
            .map_or_else(super::default_threads, NonZeroUsize::get);
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()?;
        let audit = pool.install(|| self.audit(threads))?;
        let page = report::audit::html(&audit).context("cannot draw the page")?;
        let is_run = is_run(&self.subject);
        if let Some(folder) = self.out.as_deref().or(is_run.then_some(&*self.subject)) {
            let named = || format!("cannot write into `{}`", folder.display());
            write(folder, &audit, &page).with_context(named)?;
            // Whether anybody reads standard error must not matter here.
            let _ = writeln!(
                io::stderr(),
                "report: {}",
                folder.join("audit.html").display()
            );
        }
        self.pictures.write(&page)?;
        match self.format {
            Format::Text => out.write_all(report::audit::text(&audit).as_bytes())?,
            Format::Json => out.write_all(audit.to_json().as_bytes())?,
            Format::Html => out.write_all(page.as_bytes())?,
        }
        Ok(())
    }

    fn audit(&self, threads: usize) -> anyhow::Result<audit::Audit> {
        let folder = self.dataset_folder()?;
        let model = self.model()?;
        let subject = Subject::open(&folder)
            .with_context(|| format!("cannot audit dataset `{}`", folder.display()))?;
        let effort = Effort {
            samples: self.samples.get(),
            picture_samples: PICTURE_SAMPLES.min(self.samples.get()),
            threads,
        };
        // Before the long work: a model that does not fit is told at once.
        let looks = model
            .map(|model| subject.audit_model(&model, effort))
            .transpose()
            .with_context(|| format!("cannot audit a model on `{}`", folder.display()))?;
        Ok(audit::Audit {
            model: looks,
            ..subject.audit()
        })
    }

    fn dataset_folder(&self) -> anyhow::Result<PathBuf> {
        if let Some(folder) = &self.dataset {
            return Ok(folder.clone());
        }
        if is_run(&self.subject) {
            return Ok(PathBuf::from(Run::at(&self.subject).dataset()?.path));
        }
        if self.subject.is_file() {
            bail!("a model file alone names no dataset; add `--dataset DIR`");
        }
        Ok(self.subject.clone())
    }

    fn model(&self) -> anyhow::Result<Option<Model>> {
        let path = match &self.model {
            Some(name) if name.as_os_str() == BUILT_IN => {
                return Ok(Some(super::model::open(None)?.0));
            }
            Some(path) => path.clone(),
            None if is_run(&self.subject) => Run::at(&self.subject).model_path(),
            None if self.subject.is_file() => self.subject.clone(),
            None => return Ok(None),
        };
        Model::open(&path)
            .map(Some)
            .with_context(|| format!("cannot use model `{}`", path.display()))
    }
}

/// Whether a folder is a run's: it has a model.
fn is_run(path: &Path) -> bool {
    path.is_dir() && Run::at(path).model_path().is_file()
}

fn write(folder: &Path, audit: &audit::Audit, page: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    files::write_whole(&folder.join("audit.json"), audit.to_json().as_bytes())?;
    files::write_whole(&folder.join("audit.html"), page.as_bytes())
}
