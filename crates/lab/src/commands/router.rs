//! `router`: the process behind the lab's internet; `up` starts it.

use std::path::PathBuf;

use clap::Args;

/// Join the hosts' interfaces; started by `up`
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct RunRouter {
    /// The router's ports, as `up` wrote them
    config: PathBuf,
}

impl RunRouter {
    /// Forwards until it is told to stop.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        anyhow::bail!("`{}` cannot be routed yet", self.config.display())
    }
}
