//! `model`: Look into a model file

use std::io::Write;

use clap::Args;

/// Look into a model file
#[derive(Debug, Args)]
pub(crate) struct Model {}

impl Model {
    pub(crate) fn run(&self, _out: &mut dyn Write) -> anyhow::Result<()> {
        todo!()
    }
}
