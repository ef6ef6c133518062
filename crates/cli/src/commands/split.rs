//! `split`: Split a dataset anew by another rule or seed

use std::io::Write;

use clap::Args;

/// Split a dataset anew by another rule or seed
#[derive(Debug, Args)]
pub(crate) struct Split {}

impl Split {
    pub(crate) fn run(&self, _out: &mut dyn Write) -> anyhow::Result<()> {
        todo!()
    }
}
