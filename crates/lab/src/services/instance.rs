//! A service that runs on one host.

use std::{collections::BTreeMap, net::Ipv4Addr, path::PathBuf};

use super::{Failure, Folders, Place, Round};
use crate::{
    catalogue::{ServiceValues, render_service},
    certificates::certificate,
    draws::Draws,
    lab::{Job, Lab},
    launch::{Launch, tail},
};

/// A service that is up on one host; dropped, it is stopped.
#[derive(Debug)]
pub(crate) struct Instance {
    /// Which service.
    pub(crate) service: String,
    /// Which host.
    pub(crate) host: String,
    /// The host's address.
    pub(crate) address: Ipv4Addr,
    /// Its own folder.
    pub(crate) folder: PathBuf,
    /// What it listens on.
    pub(crate) ports: Vec<u16>,
    log: PathBuf,
    job: Job,
}

impl Instance {
    /// Why it does not run any more, if it does not.
    pub(super) fn failure(&mut self) -> Option<Failure> {
        (!self.job.is_running()).then(|| Failure {
            service: self.service.clone(),
            host: self.host.clone(),
            reason: format!("it has ended by itself; {}", tail(&self.log)),
        })
    }

    /// Ends it and everything that it started.
    pub(super) fn stop(self) {
        self.job.stop();
    }
}

/// Writes the files of a service, prepares and starts it, and waits until it is up.
pub(super) fn start(
    lab: &Lab,
    place: &Place<'_>,
    addresses: &BTreeMap<String, Vec<Ipv4Addr>>,
    round: Round,
) -> anyhow::Result<Instance> {
    let Place {
        service,
        host,
        address,
    } = *place;
    let folders = Folders::new(lab.folder());
    let (folder, log) = (
        folders.service(&service.name, host),
        folders.service_log(&service.name, host),
    );
    let draws = Draws::new(
        round.seed,
        &format!("service {} {host}", service.name),
        round.number,
    );
    let certificate = certificate(lab.folder(), draws.seed())?;
    let rendered = render_service(
        service,
        &ServiceValues {
            folder: &folder,
            root: &folders.root(&service.name),
            apps: &folders.apps(),
            media: &folders.media(),
            address,
            host,
            certificate: &certificate,
            python: &folders.python(),
            addresses,
        },
        &draws,
    )
    .map_err(|mistake| anyhow::anyhow!("{mistake}"))?;
    let job = Launch {
        name: &service.name,
        host,
        folder: folder.clone(),
        log: log.clone(),
        files: &rendered.files,
        environment: rendered.environment,
        prepare: rendered.prepare.as_deref(),
        elsewhere: None,
        command: &rendered.command,
        ready: &service.ready,
    }
    .start(lab)?;
    Ok(Instance {
        service: service.name.clone(),
        host: host.to_owned(),
        address,
        folder,
        ports: service.ports.iter().map(|port| port.number).collect(),
        log,
        job,
    })
}
