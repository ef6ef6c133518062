//! `inspect`: Count packets and sessions of captures, and say what was skipped

use std::io::Write;

use clap::Args;

/// Count packets and sessions of captures, and say what was skipped
#[derive(Debug, Args)]
pub(crate) struct Inspect {}

impl Inspect {
    pub(crate) fn run(&self, _out: &mut dyn Write) -> anyhow::Result<()> {
        todo!()
    }
}
