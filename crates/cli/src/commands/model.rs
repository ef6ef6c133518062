//! `model`: what a model says about itself, how a run becomes one to give away, and int8 for it.

mod card_text;
mod export;
mod quantise;

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Args, Subcommand, ValueEnum};
use learn::model::{Contract, card::Card};
use serde::Serialize;

use export::Export;
use quantise::Quantise;

/// Show a model's card, make a model to give away of a run, or measure int8 for one
#[derive(Debug, Args)]
pub(crate) struct Model {
    #[command(subcommand)]
    command: ModelCommand,
}

#[derive(Debug, Subcommand)]
enum ModelCommand {
    Show(Show),
    Export(Export),
    Quantise(Quantise),
}

/// Show a model's card: classes, byte policy, data, scores, limits
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  The model that comes with the program:
    undertone model show

  One of your own:
    undertone model show runs/quick/model.safetensors")]
struct Show {
    /// A model file, or the folder of a run [default: the model that comes with the program]
    model: Option<PathBuf>,
    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Plain words
    Text,
    /// One JSON object
    Json,
}

/// What `model show --format json` prints.
#[derive(Serialize)]
struct Shown<'a> {
    sha256: &'a str,
    weights_sha256: String,
    contract: &'a Contract,
    card: &'a Card,
}

impl Model {
    /// Runs the sub-command.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match &self.command {
            ModelCommand::Show(show) => show.run(out),
            ModelCommand::Export(export) => export.run(out),
            ModelCommand::Quantise(quantise) => quantise.run(out),
        }
    }
}

impl Show {
    fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let (model, _) = open(self.model.as_deref())?;
        match self.format {
            Format::Text => out.write_all(card_text::text(&model).as_bytes())?,
            Format::Json => {
                let shown = Shown {
                    sha256: model.hash(),
                    weights_sha256: model.weights_hash(),
                    contract: model.contract(),
                    card: model.card(),
                };
                serde_json::to_writer_pretty(&mut *out, &shown)?;
                writeln!(out)?;
            }
        }
        Ok(())
    }
}

/// A model by file or run folder, or the one that comes with the program, and how to call it.
pub(crate) fn open(path: Option<&Path>) -> anyhow::Result<(learn::model::Model, String)> {
    if let Some(path) = path {
        let path = if path.is_dir() {
            path.join("model.safetensors")
        } else {
            path.to_owned()
        };
        let name = format!("model `{}`", path.display());
        let model =
            learn::model::Model::open(&path).with_context(|| format!("cannot use {name}"))?;
        return Ok((model, name));
    }
    let model = learn::model::Model::built_in()
        .context("the model that comes with the program is damaged")?;
    Ok((model, "the model that comes with the program".to_owned()))
}
