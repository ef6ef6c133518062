//! `up`: bring the lab up.

use std::{
    io::Write,
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

use anyhow::{Context, bail};
use clap::Args;

use super::{Places, say};
use crate::{
    catalogue::Catalogue,
    certificates, interrupt,
    lab::{self, Claim, Lab, Plan, Role, State},
    media, router,
};

/// Bring the lab up: namespaces, router, servers
///
/// Needs root. What is there already is left as it is; what fails takes down what it began.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Clients, each of which a worker of `run` can use
    #[arg(long, default_value_t = 12, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=99))]
    clients: u8,

    /// What addresses, links, certificates and settings are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Up {
    /// Brings the lab up, or says that it is.
    pub(crate) fn run(&self, places: &Places, out: &mut dyn Write) -> anyhow::Result<()> {
        let begun = Instant::now();
        let folder = &lab::absolute(places.state())?;
        let stop = interrupt::flag().context("cannot watch for Ctrl-C")?;
        crate::doctor::require_ground()?;
        let _claim = Claim::take(folder)?;
        if self.is_up(folder)? {
            writeln!(out, "the lab in `{}` is up already", folder.display())?;
            return Ok(());
        }
        if let Some(removed) = lab::remove(folder)? {
            say(&format!(
                "removed what an earlier lab left: {} processes, {} namespaces",
                removed.processes, removed.namespaces
            ));
        }
        let made = self.make(places, folder, &stop).map_err(|error| {
            // Ctrl-C reaches the programs that work for us as well: what they say of it is beside the point.
            if stop.load(Ordering::Relaxed) {
                anyhow::anyhow!("interrupted")
            } else {
                error
            }
        });
        if made.is_err() {
            say("taking down what was started");
            lab::remove(folder).context("cannot take down what was started")?;
        }
        let lab = made?;
        writeln!(
            out,
            "the lab in `{}` is up: {} hosts, {} of them clients ({:.1} s)",
            folder.display(),
            lab.hosts().len(),
            lab.clients().len(),
            begun.elapsed().as_secs_f64()
        )?;
        Ok(())
    }

    /// Whether the lab that is asked for is up.
    fn is_up(&self, folder: &Path) -> anyhow::Result<bool> {
        let state = State::load(folder)?.filter(|state| state.is_complete);
        let Some(state) = state.filter(|_| router::counters(folder).is_ok()) else {
            return Ok(false);
        };
        let hosts = state.hosts.iter();
        let clients = hosts.filter(|host| host.role == Role::Client).count();
        if (clients, state.seed) != (usize::from(self.clients), self.seed) {
            bail!(
                "a lab of {clients} clients and seed {} is up in `{}`; take it down first",
                state.seed,
                folder.display()
            );
        }
        Ok(true)
    }

    fn make(&self, places: &Places, folder: &Path, stop: &AtomicBool) -> anyhow::Result<Lab> {
        let proceed = || {
            anyhow::ensure!(!stop.load(Ordering::Relaxed), "interrupted");
            Ok(())
        };
        let catalogue = Catalogue::load(places.catalogue.as_deref())?;
        if !(catalogue.services.is_empty() && catalogue.tunnels.is_empty()) {
            certificates::complete(folder, self.seed, &say, &proceed)?;
            media::complete(folder, self.seed, &say)?;
        }
        let plan = Plan {
            clients: usize::from(self.clients),
            gateways: catalogue.gateways(),
            seed: self.seed,
        };
        say("hosts and router");
        let lab = Lab::create(folder, &plan, &proceed)?;
        proceed()?;
        lab.complete()?;
        Ok(lab)
    }
}
