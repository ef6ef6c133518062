//! `prepare`: Make a dataset from labelled captures

use std::io::Write;

use clap::Args;

/// Make a dataset from labelled captures
#[derive(Debug, Args)]
pub(crate) struct Prepare {}

impl Prepare {
    pub(crate) fn run(&self, _out: &mut dyn Write) -> anyhow::Result<()> {
        todo!()
    }
}
