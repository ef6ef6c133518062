//! `status`: what is up.

use std::io::Write;

use anyhow::bail;
use clap::Args;

use super::Places;

/// Say what is up
#[derive(Debug, Args)]
pub(crate) struct Status {}

impl Status {
    /// Runs the command.
    pub(crate) fn run(&self, _places: &Places, _out: &mut dyn Write) -> anyhow::Result<()> {
        bail!("this version cannot say what is up yet")
    }
}
