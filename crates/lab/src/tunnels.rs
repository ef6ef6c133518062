//! Tunnels: their gateways for as long as runs are made, and a client's end for one run.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::Ipv4Addr,
    path::PathBuf,
};

use anyhow::{Context, bail};

use crate::{
    catalogue::{RenderedClient, Tunnel, TunnelValues, render_client, render_server},
    certificates::{authorities, certificate},
    draws::Draws,
    lab::{Host, Job, Lab, Network},
    launch::Launch,
};

/// The gateways that run; dropped, they are stopped.
#[derive(Debug)]
pub(crate) struct Gateways<'a> {
    open: BTreeMap<&'a str, Gateway<'a>>,
}

/// The far end of one kind of tunnel.
#[derive(Debug)]
struct Gateway<'a> {
    tunnel: &'a Tunnel,
    host: Host,
    inside: Network,
    _job: Job,
}

/// A tunnel that is up between a client and its gateway; dropped, it is taken down.
#[derive(Debug)]
pub(crate) struct OpenTunnel<'a> {
    /// The interface on which the traffic inside is seen.
    pub(crate) interface: String,
    /// The client's address inside.
    pub(crate) address: Ipv4Addr,
    /// What was drawn for it: cipher, MTU, …, for the sidecar.
    pub(crate) notes: BTreeMap<String, serde_json::Value>,
    lab: &'a Lab,
    client: String,
    gateway: String,
    job: Option<Job>,
    disconnect: Option<String>,
    dismiss: Option<String>,
}

impl<'a> Gateways<'a> {
    /// Starts the gateways of these kinds, with settings drawn from the seed.
    ///
    /// # Errors
    ///
    /// If one does not come up; it is named, and none runs then.
    pub(crate) fn start(
        lab: &Lab,
        tunnels: &'a BTreeMap<String, Tunnel>,
        kinds: &BTreeSet<String>,
        seed: u64,
    ) -> anyhow::Result<Self> {
        let mut open = BTreeMap::new();
        for kind in kinds {
            let Some(tunnel) = tunnels.get(kind) else {
                let known: Vec<&str> = tunnels.keys().map(String::as_str).collect();
                bail!("no tunnel `{kind}`, expected one of {}", known.join(", "));
            };
            let gateway = Gateway::start(lab, tunnel, seed).with_context(|| {
                format!(
                    "the gateway of `{kind}` does not start on `{}`",
                    tunnel.gateway
                )
            })?;
            open.insert(tunnel.name.as_str(), gateway);
        }
        Ok(Self { open })
    }

    /// Brings a tunnel of that kind up for a client.
    ///
    /// # Errors
    ///
    /// If its gateway does not run, or it does not come up; nothing of it is left then.
    pub(crate) fn open<'b>(
        &self,
        lab: &'b Lab,
        client: &Host,
        kind: &str,
        draws: &Draws,
    ) -> anyhow::Result<OpenTunnel<'b>> {
        let Some(gateway) = self.open.get(kind) else {
            bail!("the gateway of `{kind}` is not started");
        };
        gateway.open(lab, client, draws).with_context(|| {
            format!(
                "no tunnel `{kind}` between `{}` and `{}`",
                client.name, gateway.host.name
            )
        })
    }
}

impl<'a> Gateway<'a> {
    fn start(lab: &Lab, tunnel: &'a Tunnel, seed: u64) -> anyhow::Result<Self> {
        let host = lab.host(&tunnel.gateway)?;
        let inside = host
            .inside
            .with_context(|| format!("`{}` is no gateway", host.name))?;
        let draws = Draws::new(seed, &format!("gateway {}", tunnel.name), 0);
        let (folder, device) = (folder(lab, tunnel, &host), device(lab, &host));
        let values = TunnelValues {
            folder: &folder,
            server_folder: &folder,
            root: &root(lab, tunnel),
            apps: &lab.folder().join("apps"),
            python: &lab.python(),
            host: &host.name,
            number: number(&host),
            gateway: host.address,
            router: host.gateway,
            inside,
            inner: inside.address(1),
            device: &device,
            server_device: &device,
            certificate: &certificate(lab.folder(), draws.seed())?,
            authorities: &authorities(lab.folder()),
        };
        let end = render_server(tunnel, &values, &draws).map_err(mistaken)?;
        let job = Launch {
            name: &format!("{} (gateway)", tunnel.name),
            host: &host.name,
            log: log(lab, tunnel, &host),
            files: &end.files,
            environment: BTreeMap::new(),
            prepare: end.prepare.as_deref(),
            elsewhere: None,
            command: &end.command,
            ready: &tunnel.server.ready,
            folder: folder.clone(),
        }
        .start(lab)?;
        Ok(Self {
            tunnel,
            host,
            inside,
            _job: job,
        })
    }

    fn open<'b>(
        &self,
        lab: &'b Lab,
        client: &Host,
        draws: &Draws,
    ) -> anyhow::Result<OpenTunnel<'b>> {
        let tunnel = self.tunnel;
        let folder = folder(lab, tunnel, client);
        let values = TunnelValues {
            folder: &folder,
            server_folder: &self::folder(lab, tunnel, &self.host),
            root: &root(lab, tunnel),
            apps: &lab.folder().join("apps"),
            python: &lab.python(),
            host: &client.name,
            number: number(client),
            gateway: self.host.address,
            router: client.gateway,
            inside: self.inside,
            inner: inner(self.inside, client, draws),
            device: &device(lab, client),
            server_device: &device(lab, &self.host),
            certificate: &certificate(lab.folder(), draws.seed())?,
            authorities: &authorities(lab.folder()),
        };
        let rendered = render_client(tunnel, &values, draws).map_err(mistaken)?;
        let RenderedClient { end, admit, .. } = &rendered;
        let job = Launch {
            name: &tunnel.name,
            host: &client.name,
            log: log(lab, tunnel, client),
            files: &end.files,
            environment: BTreeMap::new(),
            prepare: end.prepare.as_deref(),
            elsewhere: admit.as_deref().map(|admit| (&*self.host.name, admit)),
            command: &end.command,
            ready: &tunnel.client.ready,
            folder: folder.clone(),
        }
        .start(lab);
        // From here on, whatever fails takes down what there is.
        let mut open = OpenTunnel {
            interface: rendered.interface,
            address: Ipv4Addr::UNSPECIFIED,
            notes: rendered.notes,
            lab,
            client: client.name.clone(),
            gateway: self.host.name.clone(),
            job: None,
            disconnect: rendered.disconnect,
            dismiss: rendered.dismiss,
        };
        open.job = Some(job?);
        if let Some(connect) = &rendered.connect {
            lab.run_in(&client.name, connect)?;
        }
        open.address = address_of(lab, &client.name, &open.interface)?;
        Ok(open)
    }
}

impl OpenTunnel<'_> {
    /// Takes the tunnel down and waits until it is.
    pub(crate) fn close(self) {
        drop(self);
    }
}

impl Drop for OpenTunnel<'_> {
    fn drop(&mut self) {
        // Each of them may have nothing left to do, if the tunnel has failed.
        if let Some(script) = &self.disconnect {
            let _ = self.lab.run_in(&self.client, script);
        }
        if let Some(job) = self.job.take() {
            job.stop();
        }
        if let Some(script) = &self.dismiss {
            let _ = self.lab.run_in(&self.gateway, script);
        }
    }
}

/// The folder of one end.
fn folder(lab: &Lab, tunnel: &Tunnel, host: &Host) -> PathBuf {
    lab.folder()
        .join("tunnels")
        .join(&tunnel.name)
        .join(&host.name)
}

/// What one end says.
fn log(lab: &Lab, tunnel: &Tunnel, host: &Host) -> PathBuf {
    let file = format!("{}-{}.log", tunnel.name, host.name);
    lab.folder().join("log/tunnels").join(file)
}

/// Where unpacked packages of a tunnel lie.
fn root(lab: &Lab, tunnel: &Tunnel) -> PathBuf {
    lab.folder().join("root").join(&tunnel.name)
}

/// An interface's name that no other on this machine has: some programs keep a socket of that name outside of the
/// namespace. At most 15 bytes (IFNAMSIZ).
fn device(lab: &Lab, host: &Host) -> String {
    let identity = lab.identity();
    format!("t{}{}", &identity[..identity.len().min(8)], host.name)
}

/// An address inside that no other client has: a /24 each.
fn inner(inside: Network, client: &Host, draws: &Draws) -> Ipv4Addr {
    inside.address(number(client) * 256 + draws.whole(2, 254) as u32)
}

/// The number in a host's name: 1 for `c01`.
fn number(host: &Host) -> u32 {
    let is_letter = |letter: char| !letter.is_ascii_digit();
    host.name.trim_start_matches(is_letter).parse().unwrap_or(0)
}

/// The address that an interface has now.
fn address_of(lab: &Lab, host: &str, interface: &str) -> anyhow::Result<Ipv4Addr> {
    let told = lab.run_in(
        host,
        &format!("ip -4 -oneline address show dev {interface}"),
    )?;
    let mut words = told.split_whitespace().skip_while(|&word| word != "inet");
    let address = words.nth(1).and_then(|word| word.split('/').next());
    address
        .and_then(|address| address.parse().ok())
        .with_context(|| format!("`{interface}` has no address"))
}

fn mistaken(mistake: crate::catalogue::Mistake) -> anyhow::Error {
    anyhow::anyhow!("{mistake}")
}
