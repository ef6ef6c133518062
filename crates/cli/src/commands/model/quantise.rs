//! `model quantise`: ranges for int8 beside a model's weights.

use std::{
    io::Write,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use learn::{dataset::Dataset, quantisation::quantise, run::Run};

use super::card_text::int8_sentence;

/// Measure ranges for int8 on validation samples, and write them beside the model's weights
///
/// The weights stay as they are, and so does every answer in float32; `--precision int8` of
/// `classify` and `evaluate` then computes the convolutions, on the slice and over packets, in bytes.
/// What that does to the answers is measured on the same samples and told on the card.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  undertone model quantise runs/standard --out model.safetensors
  undertone classify capture.pcap --model model.safetensors --precision int8")]
pub(super) struct Quantise {
    /// The run's folder, or a model file
    #[arg(value_name = "RUN|MODEL")]
    subject: PathBuf,
    /// The dataset's folder [default: where the run was trained]
    #[arg(long, value_name = "DIR")]
    dataset: Option<PathBuf>,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// Threads; the result does not depend on it [default: as many as the machine runs at once]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

impl Quantise {
    /// Writes the model; what was measured, its place and its checksum go to `out`.
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let (model, name) = super::open(Some(&self.subject))?;
        let path = self.dataset_path()?;
        let dataset = Dataset::open(&path)
            .with_context(|| format!("cannot open dataset `{}`", path.display()))?;
        let threads = self
            .threads
            .map_or_else(super::super::default_threads, NonZeroUsize::get);
        let model = quantise(model, &dataset, threads)
            .with_context(|| format!("cannot measure {name} on `{}`", path.display()))?;
        model
            .save(&self.out)
            .with_context(|| format!("cannot write {name} to `{}`", self.out.display()))?;
        if let Some(int8) = &model.card().int8 {
            writeln!(out, "int8: {}", int8_sentence(int8))?;
        }
        writeln!(out, "{}: {}", self.out.display(), model.hash())?;
        Ok(())
    }

    fn dataset_path(&self) -> anyhow::Result<PathBuf> {
        match &self.dataset {
            Some(path) => Ok(path.clone()),
            None if self.subject.is_dir() => {
                Ok(Path::new(&Run::at(&self.subject).dataset()?.path).to_owned())
            }
            None => bail!("a model file alone names no dataset; add `--dataset DIR`"),
        }
    }
}
