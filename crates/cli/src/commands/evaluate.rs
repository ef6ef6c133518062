//! `evaluate`: Judge a run on the test samples of its dataset

use std::io::Write;

use clap::Args;

/// Judge a run on the test samples of its dataset
#[derive(Debug, Args)]
pub(crate) struct Evaluate {}

impl Evaluate {
    pub(crate) fn run(&self, _out: &mut dyn Write) -> anyhow::Result<()> {
        todo!()
    }
}
