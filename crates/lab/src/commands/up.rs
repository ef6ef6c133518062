//! `up`: bring the lab up.

use std::io::Write;

use anyhow::bail;
use clap::Args;

use super::Places;

/// Bring the lab up
#[derive(Debug, Args)]
pub(crate) struct Up {}

impl Up {
    /// Runs the command.
    pub(crate) fn run(&self, _places: &Places, _out: &mut dyn Write) -> anyhow::Result<()> {
        bail!("this version cannot bring a lab up yet")
    }
}
