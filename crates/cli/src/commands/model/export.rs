//! `model export`: a run's model with a card that tells its scores.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use learn::{
    dataset::Dataset,
    drift,
    evaluation::Evaluation,
    model::card::{Card, CardScore, Measured},
    recipe::Recipe,
};

use super::super::default_threads;

/// Make a model to give away: a run's best epoch with a card that tells its scores
///
/// An evaluation counts as the model's own if it was made with the same weights. One made with
/// other weights is taken if they were trained by the same recipe (the seed may differ), network
/// and byte policy: that is how a card tells what happens on held-out captures, which needs weights
/// that never saw them. The card says which is which.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Example:
  undertone model export runs/standard --out model.safetensors --name \"undertone default\" \\
    --evaluation \"standard split=runs/standard/evaluation.json\" \\
    --evaluation \"held-out captures=runs/held-out/evaluation.json\" \\
    --notes notes.txt --licence \"MIT OR Apache-2.0\"")]
pub(super) struct Export {
    /// The run's folder, or a model file
    #[arg(value_name = "RUN")]
    run: PathBuf,
    /// File to write
    #[arg(short, long, value_name = "FILE")]
    out: PathBuf,
    /// What to call the model [default: its network and dataset]
    #[arg(long)]
    name: Option<String>,
    /// A score for the card, under a name; may be given several times [default: those that the
    /// card has]
    #[arg(long = "evaluation", value_name = "NAME=FILE", value_parser = named_file)]
    evaluations: Vec<(String, PathBuf)>,
    /// A further limit for the card; may be given several times
    #[arg(long = "limit", value_name = "SENTENCE")]
    limits: Vec<String>,
    /// A text file with anything else worth knowing [default: what the card says]
    #[arg(long, value_name = "FILE")]
    notes: Option<PathBuf>,
    /// The dataset that it was trained on, for a model whose card has no reference yet: how its
    /// validation samples are distributed, which `live` measures drift by. Samples of another
    /// dataset serve if they are like its own; the card says whose they are
    #[arg(long, value_name = "DIR")]
    dataset: Option<PathBuf>,
    /// Under which licence the model may be used [default: what the card says]
    #[arg(long)]
    licence: Option<String>,
}

impl Export {
    /// Writes the model; its place and checksum go to `out`.
    pub(super) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let (model, name) = super::open(Some(&self.run))?;
        let mut card = model.card().clone();
        if !self.evaluations.is_empty() {
            card.scores = self
                .evaluations
                .iter()
                .map(|(title, path)| {
                    score(title, path, &model)
                        .with_context(|| format!("cannot take evaluation `{}`", path.display()))
                })
                .collect::<anyhow::Result<_>>()?;
        }
        let notes = match &self.notes {
            Some(path) => fs::read_to_string(path)
                .with_context(|| format!("cannot read notes `{}`", path.display()))?,
            None => card.notes.clone(),
        };
        for limit in &self.limits {
            if !card.limits.contains(limit) {
                card.limits.push(limit.clone());
            }
        }
        let card = Card {
            name: self.name.clone().unwrap_or(card.name),
            notes: notes.trim_end().to_owned(),
            licence: self.licence.clone().unwrap_or(card.licence),
            ..card
        };
        let mut model = model.with_card(card);
        if let Some(path) = &self.dataset {
            model = referred(model, path)
                .with_context(|| format!("cannot measure {name} on `{}`", path.display()))?;
        }
        model
            .save(&self.out)
            .with_context(|| format!("cannot write {name} to `{}`", self.out.display()))?;
        writeln!(out, "{}: {}", self.out.display(), model.hash())?;
        Ok(())
    }
}

/// The model with a reference for drift on its card.
fn referred(model: learn::model::Model, path: &Path) -> anyhow::Result<learn::model::Model> {
    let held_out = &model.card().trained_on.held_out_classes;
    let dataset = Dataset::open(path)?.without_classes(held_out)?;
    Ok(drift::refer(model, &dataset, default_threads())?)
}

/// The evaluation in short, if it says something about this model.
fn score(title: &str, path: &Path, model: &learn::model::Model) -> anyhow::Result<CardScore> {
    let evaluation = Evaluation::from_json(&fs::read_to_string(path)?)?;
    if !evaluation.model.arithmetic.is_float32() {
        bail!(
            "it was measured in {}; scores on a card are those of float32",
            evaluation.model.arithmetic
        );
    }
    if evaluation.model.weights_sha256 == model.weights_hash() {
        return Ok(CardScore::new(title, Measured::TheseWeights, &evaluation));
    }
    if evaluation.dataset.policy != model.contract().policy {
        bail!(
            "it is about byte policy `{}`, the model's is `{}`",
            evaluation.dataset.policy,
            model.contract().policy
        );
    }
    let with_any_seed = |recipe: &Recipe| Recipe {
        seed: 0,
        ..recipe.clone()
    };
    if with_any_seed(&evaluation.model.recipe) != with_any_seed(&model.card().recipe) {
        bail!("it is about other weights, trained by another recipe");
    }
    Ok(CardScore::new(title, Measured::SameRecipe, &evaluation))
}

fn named_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((name, path)) if !name.is_empty() && !path.is_empty() => {
            Ok((name.to_owned(), path.into()))
        }
        _ => Err("give a name and a file: `NAME=FILE`".to_owned()),
    }
}
