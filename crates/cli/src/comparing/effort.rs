//! Effort: how much is trained for a comparison, and how it is told.

use std::num::NonZeroUsize;

use anyhow::bail;
use clap::Args;
use learn::recipe::Recipe;

use super::{Competitor, Plan};
use crate::{commands::default_threads, recipes, report::Format};

/// The options that every command has which fits several models.
#[derive(Debug, Args)]
pub(crate) struct Effort {
    /// Epochs, instead of the recipe's
    #[arg(long)]
    epochs: Option<u32>,

    /// Seeds: each model is fitted with each
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "SEED,…",
        default_value = "1"
    )]
    seeds: Vec<u64>,

    /// Threads; the figures do not depend on it [default: as many as the machine runs at once]
    #[arg(long)]
    threads: Option<NonZeroUsize>,

    /// How to print it
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: Format,

    /// Say nothing until the end
    #[arg(short, long)]
    pub(crate) quiet: bool,
}

impl Effort {
    /// The recipe with as many epochs as are asked for.
    ///
    /// # Errors
    ///
    /// If these epochs make no recipe.
    pub(crate) fn shortened(&self, recipe: Recipe) -> anyhow::Result<Recipe> {
        recipes::with_epochs(recipe, self.epochs)
    }

    /// What is to be fitted, once with each seed.
    ///
    /// # Errors
    ///
    /// If a seed is named twice.
    pub(crate) fn plan(&self, competitors: Vec<Competitor>) -> anyhow::Result<Plan> {
        Ok(Plan {
            competitors,
            seeds: distinct(&self.seeds)?,
            threads: self.threads.map_or_else(default_threads, NonZeroUsize::get),
            is_quiet: self.quiet,
        })
    }
}

/// Seeds, of which none may be there twice.
fn distinct(seeds: &[u64]) -> anyhow::Result<Vec<u64>> {
    for (at, seed) in seeds.iter().enumerate() {
        if seeds[..at].contains(seed) {
            bail!("seed {seed} is named twice: the same seed gives the same figures");
        }
    }
    Ok(seeds.to_vec())
}
