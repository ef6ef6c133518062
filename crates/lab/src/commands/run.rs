//! `run`: labelled captures of everything the catalogue knows.

use std::io::Write;

use anyhow::bail;
use clap::Args;

use super::Places;

/// Make labelled captures
#[derive(Debug, Args)]
pub(crate) struct Run {}

impl Run {
    /// Makes the captures.
    pub(crate) fn run(&self, _places: &Places, _out: &mut dyn Write) -> anyhow::Result<()> {
        bail!("this version cannot run scenarios yet")
    }
}
