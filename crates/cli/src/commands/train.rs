//! `train`: Train a network on a dataset

use std::io::Write;

use clap::Args;

/// Train a network on a dataset
#[derive(Debug, Args)]
pub(crate) struct Train {}

impl Train {
    pub(crate) fn run(&self, _out: &mut dyn Write) -> anyhow::Result<()> {
        todo!()
    }
}
