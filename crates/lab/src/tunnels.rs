//! Tunnels of a client: brought up for a run, taken down after it.

use std::net::Ipv4Addr;

use anyhow::bail;
use rand_chacha::ChaCha8Rng;

use crate::lab::{Host, Job, Lab};

/// A tunnel that is up between a client and its gateway; dropped, it is taken down.
#[derive(Debug)]
pub(crate) struct OpenTunnel {
    /// The interface on which the traffic inside is seen.
    pub(crate) interface: String,
    /// The client's address inside.
    pub(crate) address: Ipv4Addr,
    /// What was drawn for it: cipher, MTU, …, for the sidecar.
    pub(crate) notes: serde_json::Map<String, serde_json::Value>,
    jobs: Vec<Job>,
}

impl OpenTunnel {
    /// Brings a tunnel of that kind (`openvpn-udp`, …) up for a client.
    ///
    /// # Errors
    ///
    /// If the catalogue has no such tunnel, or it does not come up.
    pub(crate) fn open(
        _lab: &Lab,
        client: &Host,
        kind: &str,
        _random: &mut ChaCha8Rng,
    ) -> anyhow::Result<Self> {
        bail!("no tunnel `{kind}` for `{}`", client.name)
    }

    /// Takes the tunnel down and waits until it is.
    pub(crate) fn close(self) {
        for job in self.jobs {
            job.stop();
        }
    }
}
