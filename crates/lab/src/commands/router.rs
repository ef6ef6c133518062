//! `router`: the process behind the lab's internet; `up` starts it.

use std::path::PathBuf;

use clap::Args;

use crate::{interrupt, router};

/// Join the hosts' interfaces; started by `up`
#[derive(Debug, Args)]
#[command(hide = true)]
pub(crate) struct RunRouter {
    /// The hosts to join, as `up` wrote them
    config: PathBuf,

    /// Where to listen for requests
    socket: PathBuf,
}

impl RunRouter {
    /// Forwards until it is told to stop.
    pub(crate) fn run(&self) -> anyhow::Result<()> {
        let stop = interrupt::flag()?;
        router::run(&self.config, &self.socket, &stop)
    }
}
