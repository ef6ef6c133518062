//! `doctor`: say what this machine can and cannot do.

use std::io::Write;

use anyhow::bail;
use clap::Args;

use super::Places;

/// Say what this machine can and cannot do
#[derive(Debug, Args)]
pub(crate) struct Doctor {}

impl Doctor {
    /// Runs the command.
    pub(crate) fn run(&self, _places: &Places, _out: &mut dyn Write) -> anyhow::Result<()> {
        bail!("this version cannot examine this machine yet")
    }
}
