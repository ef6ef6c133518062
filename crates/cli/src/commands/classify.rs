//! `classify`: Say what the sessions of captures are doing

use std::io::Write;

use clap::Args;

/// Say what the sessions of captures are doing
#[derive(Debug, Args)]
pub(crate) struct Classify {}

impl Classify {
    pub(crate) fn run(&self, _out: &mut dyn Write) -> anyhow::Result<()> {
        todo!()
    }
}
