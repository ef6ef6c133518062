//! `check`: is the catalogue right, before anything is started?

use std::io::Write;

use clap::Args;

use super::Places;
use crate::catalogue::{Catalogue, check_rendering};

/// Check every file of the catalogue, and render its templates
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The first seed to render with
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// How many seeds to render with, one after another: what one draw skips, another reaches
    #[arg(long, default_value_t = 50, value_name = "N")]
    seeds: u64,
}

impl Check {
    /// Says that all is well, or every mistake on a line of its own.
    pub(crate) fn run(&self, places: &Places, out: &mut dyn Write) -> anyhow::Result<()> {
        let catalogue = Catalogue::load(places.catalogue.as_deref())?;
        for number in 0..self.seeds {
            check_rendering(&catalogue, self.seed.wrapping_add(number))?;
        }
        writeln!(
            out,
            "{} services and {} scenarios, rendered with {} seeds: no mistakes",
            catalogue.services.len(),
            catalogue.scenarios.len(),
            self.seeds
        )?;
        Ok(())
    }
}
