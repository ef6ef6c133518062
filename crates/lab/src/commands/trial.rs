//! `try`: one scenario once, for those who write one.

use std::io::Write;

use anyhow::bail;
use clap::Args;

use super::Places;

/// Run one scenario once and show what it says
#[derive(Debug, Args)]
pub(crate) struct Trial {}

impl Trial {
    /// Runs the scenario.
    pub(crate) fn run(&self, _places: &Places, _out: &mut dyn Write) -> anyhow::Result<()> {
        bail!("this version cannot run scenarios yet")
    }
}
