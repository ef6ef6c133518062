//! `try`: one scenario once, for those who write one.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::{Context, bail};
use clap::Args;
use traffic::session::Session;

use super::{Places, say};
use crate::{
    catalogue::{Catalogue, Scenario, unpack},
    certificates,
    draws::Draws,
    interrupt,
    lab::{Claim, Lab},
    media,
    run::{RunPlan, Stage, congestion_controls, execute, judge},
    services::{Folders, Round, Services},
    tunnels::Gateways,
};

/// Run one step of a scenario and show what it says and what is seen of it
///
/// Starts the services that the scenario needs, and stops them afterwards.
#[derive(Debug, Args)]
pub(crate) struct Trial {
    /// The application, as in its scenario file
    #[arg(value_name = "APPLICATION")]
    scenario: String,

    /// Only with this service, instead of any that the scenario names
    #[arg(long)]
    service: Option<String>,

    /// Only on this site or peer
    #[arg(long)]
    site: Option<String>,

    /// Through this tunnel
    #[arg(long, value_name = "KIND")]
    tunnel: Option<String>,

    /// What is drawn; another seed takes other branches of the templates
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// How many steps, one after another
    #[arg(long, default_value_t = 1, value_name = "N")]
    steps: usize,

    /// Seconds that the step has, instead of the drawn length of a run
    #[arg(long)]
    seconds: Option<f64>,

    /// The client's host
    #[arg(long, default_value = "c01", value_name = "HOST")]
    client: String,

    /// Keep the captures as they were made in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

impl Trial {
    /// Runs the scenario.
    pub(crate) fn run(&self, places: &Places, out: &mut dyn Write) -> anyhow::Result<()> {
        let mut catalogue = Catalogue::load(places.catalogue.as_deref())?;
        self.narrow(&mut catalogue)?;
        let scenario = &catalogue.scenarios[&self.scenario];
        let stop = interrupt::flag().context("cannot watch for Ctrl-C")?;
        let lab = Lab::open(places.state())?;
        let _claim = Claim::take(lab.folder())?;
        let proceed = || {
            anyhow::ensure!(!stop.load(Ordering::Relaxed), "interrupted");
            Ok(())
        };
        certificates::complete(lab.folder(), lab.seed(), &say, &proceed)?;
        media::complete(lab.folder(), lab.seed(), &say)?;
        let folders = Folders::new(lab.folder());
        unpack(places.catalogue.as_deref(), &folders.apps())?;
        let wanted = catalogue.services_for(std::iter::once(scenario));
        let round = Round {
            seed: self.seed,
            number: 0,
        };
        let names: Vec<&str> = wanted.iter().map(String::as_str).collect();
        say(&format!("starting {}", names.join(", ")));
        let (mut services, failures) = Services::start(&lab, &catalogue, &wanted, round)?;
        for failure in &failures {
            say(&format!("warning: {failure}"));
        }
        let kinds = self.tunnel.iter().cloned().collect();
        let gateways = Gateways::start(&lab, &catalogue.tunnels, &kinds, self.seed)?;
        let stage = Stage {
            lab: &lab,
            services: &services,
            gateways: &gateways,
            folders: &folders,
            stop: &stop,
        };
        let outcome = self.take(&stage, scenario, &stop, out);
        for failure in services.ended() {
            say(&format!("warning: {failure}"));
        }
        services.stop();
        outcome
    }

    /// Leaves only what is to be tried.
    fn narrow(&self, catalogue: &mut Catalogue) -> anyhow::Result<()> {
        let Some(scenario) = catalogue.scenarios.get_mut(&self.scenario) else {
            let names: Vec<&str> = catalogue.scenarios.keys().map(String::as_str).collect();
            bail!(
                "no scenario `{}`; there are {}",
                self.scenario,
                names.join(", ")
            );
        };
        if let Some(service) = &self.service {
            if !scenario.services.contains(service) {
                bail!(
                    "`{}` does not use `{service}`, but {}",
                    self.scenario,
                    scenario.services.join(", ")
                );
            }
            scenario.services = vec![service.clone()];
        }
        Ok(())
    }

    fn take(
        &self,
        stage: &Stage<'_>,
        scenario: &Scenario,
        stop: &AtomicBool,
        out: &mut dyn Write,
    ) -> anyhow::Result<()> {
        let sites: Vec<&str> = stage.services.sites_of(scenario).into_iter().collect();
        let draws = Draws::new(self.seed, "try", 0);
        let site = match &self.site {
            Some(site) if sites.contains(&site.as_str()) => site.as_str(),
            Some(site) => bail!(
                "nothing of it runs on `{site}`, but on {}",
                sites.join(", ")
            ),
            None if sites.is_empty() => bail!("none of its services is up"),
            None => draws.pick(&sites),
        };
        let mut plan = RunPlan::of_scenario(
            self.seed,
            0,
            scenario,
            site,
            self.tunnel.clone(),
            &congestion_controls(),
            &draws,
        );
        plan.name = format!("try-{}", self.scenario);
        plan.parallel = 1;
        plan.most_steps = self.steps;
        if let Some(seconds) = self.seconds {
            plan.seconds = seconds;
        }
        say(&format!(
            "site {site}, at most {:.0} s, {} link, MTU {}",
            plan.seconds, plan.link.kind, plan.settings.mtu
        ));
        let executed = execute(stage, &plan, scenario, &self.client)?;
        let Some(executed) = executed else {
            debug_assert!(stop.load(Ordering::Relaxed));
            bail!("interrupted");
        };
        let said = fs::read(&executed.log).unwrap_or_default();
        out.write_all(&said)?;
        writeln!(out, "\nnotes: {}", serde_json::to_string(&executed.notes)?)?;
        for observed in &executed.observed {
            if let Some(keep) = &self.keep {
                fs::create_dir_all(keep)?;
                let name = observed.capture.file_name().unwrap_or_default();
                fs::copy(&observed.capture, keep.join(name))?;
            }
            let judgement = judge(&observed.capture, &observed.expected)?;
            writeln!(
                out,
                "\n{}: {} accepted, {} left out",
                observed.expected.view.name(),
                judgement.accepted.len(),
                judgement.rejected.len()
            )?;
            for session in &judgement.accepted {
                writeln!(out, "  accepted      {}", line(session))?;
            }
            for (session, rejection) in &judgement.rejected {
                writeln!(out, "  {:<13} {}", rejection.name(), line(session))?;
            }
        }
        Ok(())
    }
}

/// A session on one line.
fn line(session: &Session) -> String {
    format!(
        "{}  {} packets, {} payload bytes, {:.1} s",
        session.five_tuple,
        session.packets,
        session.payload_bytes,
        session.end.nanoseconds_since(session.start) as f64 / 1e9
    )
}
