//! `import`: Make a dataset from files of other projects

use std::io::Write;

use clap::Args;

/// Make a dataset from files of other projects
#[derive(Debug, Args)]
pub(crate) struct Import {}

impl Import {
    pub(crate) fn run(&self, _out: &mut dyn Write) -> anyhow::Result<()> {
        todo!()
    }
}
