//! `down`: take the lab down.

use std::io::Write;

use anyhow::bail;
use clap::Args;

use super::Places;

/// Take the lab down
#[derive(Debug, Args)]
pub(crate) struct Down {}

impl Down {
    /// Runs the command.
    pub(crate) fn run(&self, _places: &Places, _out: &mut dyn Write) -> anyhow::Result<()> {
        bail!("this version cannot take a lab down yet")
    }
}
