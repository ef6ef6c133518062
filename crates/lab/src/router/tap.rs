//! The router's end of a host's interface: a TAP device inside of the host's namespace.

use std::{fs::File, os::fd::AsFd};

use anyhow::Context;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use super::fabric::Port;

/// Makes `eth0` in each host's namespace; the devices live as long as the router.
///
/// # Errors
///
/// If a namespace or `/dev/net/tun` cannot be used; the namespace is named.
pub(super) fn open_all(ports: &[Port]) -> anyhow::Result<Vec<SyncDevice>> {
    let home = File::open("/proc/thread-self/ns/net").context("cannot find our own namespace")?;
    let opened = ports.iter().map(open).collect();
    // Whatever happened, the router itself stays where it was started.
    enter(&home).context("cannot return to our own namespace")?;
    opened
}

fn open(port: &Port) -> anyhow::Result<SyncDevice> {
    let namespace = &port.namespace;
    let path = format!("/run/netns/{namespace}");
    File::open(&path)
        .map_err(anyhow::Error::from)
        .and_then(|file| enter(&file))
        .with_context(|| format!("cannot enter the namespace `{namespace}`"))?;
    let device = DeviceBuilder::new()
        .name("eth0")
        .layer(Layer::L2)
        .inherit_enable_state()
        .build_sync()
        .with_context(|| format!("cannot make a TAP device in the namespace `{namespace}`"))?;
    device.set_nonblocking(true)?;
    Ok(device)
}

fn enter(namespace: &File) -> anyhow::Result<()> {
    let kind = Some(LinkNameSpaceType::Network);
    Ok(move_into_link_name_space(namespace.as_fd(), kind)?)
}
