//! `list`: what the catalogue holds.

use std::io::Write;

use anyhow::bail;
use clap::Args;

use super::Places;

/// List services, scenarios and tunnels
#[derive(Debug, Args)]
pub(crate) struct List {}

impl List {
    /// Lists the catalogue.
    pub(crate) fn run(&self, _places: &Places, _out: &mut dyn Write) -> anyhow::Result<()> {
        bail!("this version cannot list its catalogue yet")
    }
}
