//! `train`: fit a network to a dataset.

use std::{fs, io::Write, num::NonZeroUsize, path::PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use learn::{
    dataset::Dataset,
    recipe::{Architecture, ClassWeights, Recipe},
    run::{DatasetReference, Run, Start},
    training::{self, MissingClasses, Outcome, Training},
};

use crate::{
    interrupt,
    numbers::{counted, percent},
    progress::TrainingProgress,
    recipes,
};

/// Train a network on a dataset
///
/// Leaves a run folder: the recipe as run, a line of figures for each epoch, the model of the best
/// epoch and the state of the last. Ctrl-C stops cleanly; `--resume` continues to the same result.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  Twelve epochs, for a processor:
    undertone train iscx --out runs/quick

  As the paper has it, 150 epochs:
    undertone train iscx --out runs/paper --recipe paper

  One half of the network, another seed:
    undertone train iscx --out runs/gru-2 --network gru --seed 2

  Without two classes, to see whether the model knows that it does not know them:
    undertone train lab --out runs/without-chat --hold-out-classes Chat,VPN-Chat

  Continue after Ctrl-C:
    undertone train iscx --out runs/paper --resume

A recipe of your own: copy the recipe.toml of any run, change it, name it with --recipe.")]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct Train {
    /// The dataset's folder, as `prepare` or `import` made it
    dataset: PathBuf,
    /// Folder of the run
    #[arg(short, long, value_name = "RUN")]
    out: PathBuf,
    /// `quick` (12 epochs, falling learning rate), `paper` (150 epochs), `laboratory` (the shipped
    /// model's), `windows` (for `prepare --unit window`), or a TOML file
    ///
    /// [default: quick; with --resume, the run's own]
    #[arg(long, value_name = "NAME|FILE")]
    recipe: Option<String>,
    /// The network, instead of the recipe's (`--help` lists them)
    #[arg(long, value_name = "NAME", long_help = network_help())]
    network: Option<String>,
    /// Epochs, instead of the recipe's
    #[arg(long)]
    epochs: Option<u32>,
    /// Samples of a step, instead of the recipe's
    #[arg(long, value_name = "SAMPLES")]
    batch_size: Option<usize>,
    /// Learning rate, instead of the recipe's
    #[arg(long, value_name = "RATE")]
    learning_rate: Option<f64>,
    /// How much each class weighs in the loss, instead of the recipe's
    #[arg(long, value_enum)]
    class_weights: Option<ClassWeightsArgument>,
    /// Stop after so many epochs without a better one
    #[arg(long, value_name = "EPOCHS")]
    patience: Option<u32>,
    /// Seed of weights, dropout and order, instead of the recipe's
    #[arg(long)]
    seed: Option<u64>,
    /// Threads; the result does not depend on it [default: as many as the machine runs at once]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
    /// Continue a run that was stopped
    #[arg(long, conflicts_with = "force")]
    resume: bool,
    /// Replace a run that is there already
    #[arg(long)]
    force: bool,
    /// Classes to leave out, so that the model knows nothing of them: `evaluate` then tells how well
    /// it says unknown to them
    ///
    /// [default: none; with --resume, the run's own]
    #[arg(long, value_name = "CLASS,…", value_delimiter = ',')]
    hold_out_classes: Vec<String>,
    /// Train although a class has no training samples
    #[arg(long)]
    allow_untestable: bool,
    /// Say nothing until the end
    #[arg(short, long)]
    quiet: bool,
}

/// [`ClassWeights`] on the command line.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum ClassWeightsArgument {
    /// Each sample the same
    None,
    /// Each class the same
    Balanced,
    /// The square root of balanced: half-way between the two
    Sqrt,
}

impl Train {
    /// Trains until done or stopped; the run's place and its best epoch go to `out`.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let run = Run::at(&self.out);
        let recipe = self.recipe(&run)?;
        let dataset = Dataset::open(&self.dataset)
            .with_context(|| format!("cannot open dataset `{}`", self.dataset.display()))?
            .without_classes(&self.held_out(&run)?)
            .with_context(|| format!("cannot train on `{}`", self.dataset.display()))?;
        let place = fs::canonicalize(&self.dataset).unwrap_or_else(|_| self.dataset.clone());
        let training = Training {
            recipe,
            run,
            start: self.start(),
            dataset: DatasetReference::new(&dataset, &place),
            missing_classes: if self.allow_untestable {
                MissingClasses::Allow
            } else {
                MissingClasses::Refuse
            },
            threads: self
                .threads
                .map_or_else(super::default_threads, NonZeroUsize::get),
        };
        let stop = interrupt::flag().context("cannot watch for Ctrl-C")?;
        let mut progress = TrainingProgress::new(self.quiet);
        let outcome = training::train(&training, &dataset, &mut progress, &stop)
            .with_context(|| format!("cannot train `{}`", self.out.display()))?;
        drop(progress);
        self.tell(out, &outcome)
    }

    /// The classes to leave out.
    fn held_out(&self, run: &Run) -> anyhow::Result<Vec<String>> {
        if self.resume && self.hold_out_classes.is_empty() && run.is_there() {
            return Ok(run.dataset()?.held_out_classes);
        }
        Ok(self.hold_out_classes.clone())
    }

    fn start(&self) -> Start {
        match (self.resume, self.force) {
            (true, _) => Start::Resume,
            (false, true) => Start::Over,
            (false, false) => Start::New,
        }
    }

    /// The recipe by name, file or run, with the changes that flags make to it.
    fn recipe(&self, run: &Run) -> anyhow::Result<Recipe> {
        let mut recipe = match &self.recipe {
            Some(name) => recipes::read(name)?,
            None if self.resume => run
                .recipe()
                .with_context(|| format!("cannot resume `{}`", self.out.display()))?,
            None => recipes::read("quick")?,
        };
        if let Some(network) = &self.network {
            recipe.network = network.parse()?;
        }
        recipe = recipes::with_epochs(recipe, self.epochs)?;
        recipe.batch_size = self.batch_size.unwrap_or(recipe.batch_size);
        if let Some(rate) = self.learning_rate {
            // The minimum keeps its proportion, so that a lower rate alone is never a contradiction.
            recipe.minimum_learning_rate *= rate / recipe.learning_rate;
            recipe.learning_rate = rate;
        }
        if let Some(weights) = self.class_weights {
            recipe.class_weights = match weights {
                ClassWeightsArgument::None => ClassWeights::None,
                ClassWeightsArgument::Balanced => ClassWeights::Balanced,
                ClassWeightsArgument::Sqrt => ClassWeights::Sqrt,
            };
        }
        recipe.patience = self.patience.or(recipe.patience);
        recipe.seed = self.seed.unwrap_or(recipe.seed);
        recipe.validate()?;
        Ok(recipe)
    }

    fn tell(&self, out: &mut dyn Write, outcome: &Outcome) -> anyhow::Result<()> {
        match outcome {
            Outcome::Finished { epochs, best } => {
                writeln!(
                    out,
                    "best of {}: {}, validation accuracy {}, macro-F1 {}, loss {:.4}",
                    counted(u64::from(*epochs), "epoch"),
                    best.epoch,
                    percent(best.validation_accuracy),
                    percent(best.validation_macro_f1),
                    best.validation_loss,
                )?;
                writeln!(out, "model: {}", Run::at(&self.out).model_path().display())?;
                Ok(())
            }
            Outcome::Stopped { epoch, step } => bail!(
                "stopped in epoch {epoch} after step {step}, nothing is lost; continue with \
                 `undertone train {} --out {} --resume`",
                self.dataset.display(),
                self.out.display(),
            ),
        }
    }
}

/// Help on `--network`: every network with what it looks at.
fn network_help() -> String {
    let networks = Architecture::ALL.map(|network| format!("\n- {network}: {}", network.summary()));
    format!("The network, instead of the recipe's:{}", networks.concat())
}
