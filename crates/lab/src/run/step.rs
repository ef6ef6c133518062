//! One step: a client program started once against one service.

use std::{
    collections::BTreeMap,
    fs,
    io::Write,
    net::Ipv4Addr,
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{
    catalogue::{Plaintext, RenderedStep, Scenario, StepValues, render_step},
    draws::Draws,
    lab::{Lab, Program, Protocol, Redirect},
    launch::{remove, write_files},
    media::write_noise,
    services::{Folders, Instance, Services},
};

/// How long a step may go on after its run's time is up, in seconds.
const OVERTIME: f64 = 6.0;

/// The least time that a step gets, in seconds.
const LEAST: f64 = 3.0;

/// What fails sooner than this has failed at once, in seconds.
const AT_ONCE: f64 = 1.0;

/// How often a waiting step looks whether everything is to stop.
const TICK: Duration = Duration::from_millis(200);

/// Where and with what the steps of one run are taken.
#[derive(Debug)]
pub(super) struct StepGround<'a> {
    pub(super) lab: &'a Lab,
    pub(super) services: &'a Services,
    pub(super) folders: &'a Folders,
    pub(super) scenario: &'a Scenario,
    /// The host that the client is.
    pub(super) client: &'a str,
    /// Its address: the tunnel's, if there is one.
    pub(super) address: Ipv4Addr,
    /// The site that the run talks to.
    pub(super) site: &'a str,
    /// Where steps have their folders.
    pub(super) folder: &'a Path,
    /// What they say.
    pub(super) log: &'a Path,
    /// Held while names of the client change: steps share its table of hosts.
    pub(super) names: Mutex<()>,
}

/// What the sidecar says of a step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct StepNote {
    /// The drawn service.
    pub(crate) service: String,
    /// The host that it runs on.
    pub(crate) site: String,
    /// The host's address.
    pub(crate) address: Ipv4Addr,
    /// The name that the client used for it.
    pub(crate) hostname: String,
    /// Ports of the service as seen on the wire.
    pub(crate) ports: Vec<u16>,
    /// Whether its sessions begin readable: `none` or `preamble`.
    pub(crate) plaintext: String,
    /// How its program ended: 0 is well, 124 is the time-out; absent if a signal ended it.
    pub(crate) exit: Option<i32>,
    /// How long its program ran.
    pub(crate) seconds: f64,
    /// Everything that the scenario notes.
    #[serde(flatten)]
    pub(crate) notes: BTreeMap<String, serde_json::Value>,
}

/// How a step's program ended.
enum End {
    /// There was a wish to stop.
    Stopped,
    /// By itself.
    Ended {
        /// Its exit code; `None` if a signal ended it.
        exit: Option<i32>,
        /// How long it ran.
        seconds: f64,
    },
}

impl StepNote {
    /// Whether its program failed before it can have had a conversation.
    pub(super) fn failed_at_once(&self) -> bool {
        self.exit != Some(0) && self.seconds < AT_ONCE
    }
}

impl StepGround<'_> {
    /// Takes one step; `None` if there was a wish to stop.
    pub(super) fn take(
        &self,
        name: &str,
        draws: &Draws,
        seconds_left: f64,
        wish: &AtomicBool,
    ) -> anyhow::Result<Option<StepNote>> {
        let instances: Vec<&Instance> = self.services.of(self.scenario, self.site).collect();
        anyhow::ensure!(
            !instances.is_empty(),
            "none of its services runs on `{}`",
            self.site
        );
        let instance = *draws.pick(&instances);
        let folder = self.folder.join(name);
        let step = self.render(instance, &folder, draws, seconds_left)?;
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
        write_files(&folder, &step.files)?;
        for file in &step.random_files {
            write_noise(&file.path, file.bytes, &Draws::new(file.seed, "noise", 0))?;
        }
        {
            let _held = self.names.lock().unwrap_or_else(PoisonError::into_inner);
            self.lab
                .resolve(self.client, &step.hostname, instance.address)?;
        }
        let _redirects = self.redirect(&step)?;
        let limit = (seconds_left + OVERTIME)
            .min(f64::from(self.scenario.timeout))
            .max(LEAST);
        let end = self.start_and_wait(name, &step, &folder, limit, wish)?;
        remove(&folder)?;
        Ok(match end {
            End::Stopped => None,
            End::Ended { exit, seconds } => Some(self.note(instance, step, exit, seconds)),
        })
    }

    fn render(
        &self,
        instance: &Instance,
        folder: &Path,
        draws: &Draws,
        seconds_left: f64,
    ) -> anyhow::Result<RenderedStep> {
        let values = StepValues {
            service: &instance.service,
            site: &instance.host,
            address: instance.address,
            service_folder: &instance.folder,
            taken_ports: &self.services.ports_at(&instance.host),
            addresses: self.services.addresses(),
            client: self.address,
            folder,
            apps: &self.folders.apps(),
            media: &self.folders.media(),
            python: &self.folders.python(),
            seconds: seconds_left,
        };
        render_step(self.scenario, &values, draws).map_err(|mistake| anyhow::anyhow!("{mistake}"))
    }

    fn redirect(&self, step: &RenderedStep) -> anyhow::Result<Vec<Redirect>> {
        step.redirects
            .iter()
            .map(|redirect| {
                let protocol = if redirect.is_udp {
                    Protocol::Udp
                } else {
                    Protocol::Tcp
                };
                self.lab
                    .redirect(self.site, protocol, redirect.from, redirect.to)
            })
            .collect()
    }

    /// Starts the program and waits until it has ended.
    fn start_and_wait(
        &self,
        name: &str,
        step: &RenderedStep,
        folder: &Path,
        limit: f64,
        wish: &AtomicBool,
    ) -> anyhow::Result<End> {
        self.write_log(&format!("## {name}: {}\n", step.command.trim()))?;
        let program = Program {
            name: format!("{} {name}", self.scenario.application),
            shell: step.command.clone(),
            environment: BTreeMap::from([(
                "TMPDIR".to_owned(),
                folder.to_string_lossy().into_owned(),
            )]),
            folder: folder.to_owned(),
            log: self.log.to_owned(),
            timeout: Some(Duration::from_secs_f64(limit)),
            user: None,
        };
        let mut job = self.lab.spawn(self.client, &program)?;
        let begun = Instant::now();
        let status = loop {
            if let Some(status) = job.wait(TICK) {
                break Some(status);
            }
            if wish.load(Ordering::Relaxed) {
                job.stop();
                return Ok(End::Stopped);
            }
            // `timeout` ends the program; this is for the case that even it does not end.
            if begun.elapsed().as_secs_f64() > limit + 5.0 {
                break None;
            }
        };
        let seconds = begun.elapsed().as_secs_f64();
        // What the program left running behind goes too.
        job.stop();
        let exit = status.and_then(|status| status.code());
        let shown = exit.map_or("by a signal".to_owned(), |exit| format!("with {exit}"));
        self.write_log(&format!("## {name}: ended {shown} after {seconds:.1} s\n"))?;
        Ok(End::Ended { exit, seconds })
    }

    fn write_log(&self, line: &str) -> anyhow::Result<()> {
        let cannot = || format!("cannot write `{}`", self.log.display());
        if let Some(parent) = self.log.parent() {
            fs::create_dir_all(parent).with_context(cannot)?;
        }
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log)
            .and_then(|mut file| file.write_all(line.as_bytes()))
            .with_context(cannot)
    }

    fn note(
        &self,
        instance: &Instance,
        step: RenderedStep,
        exit: Option<i32>,
        seconds: f64,
    ) -> StepNote {
        let mut notes = step.notes;
        let said = notes.remove("plaintext");
        let plaintext = match (said, self.scenario.plaintext) {
            (Some(serde_json::Value::String(said)), _) => said,
            (_, Plaintext::Preamble) => "preamble".to_owned(),
            // A step that draws it notes where there is something to read.
            (_, Plaintext::None | Plaintext::Drawn) => "none".to_owned(),
        };
        // The fields of a note come first; a scenario cannot replace them.
        for taken in [
            "service", "site", "address", "hostname", "ports", "exit", "seconds",
        ] {
            notes.remove(taken);
        }
        StepNote {
            service: instance.service.clone(),
            site: instance.host.clone(),
            address: instance.address,
            hostname: step.hostname,
            ports: step.ports,
            plaintext,
            exit,
            seconds: (seconds * 1000.0).round() / 1000.0,
            notes,
        }
    }
}
