//! The made-up internet: one process that joins the hosts' interfaces.

mod control;
mod fabric;
mod frame;
mod service;
mod tap;
mod wire;

use std::{collections::BTreeMap, path::Path};

use anyhow::bail;

use self::control::{Reply, Request, ask};
pub(crate) use self::{
    control::socket,
    fabric::{Counters, Port},
    frame::Hardware,
    service::{Config, run},
};
use crate::lab::Link;

/// Gives a host of a running lab another link.
///
/// # Errors
///
/// If the router does not run, or does not know the host.
pub(crate) fn set_link(folder: &Path, host: &str, link: &Link) -> anyhow::Result<()> {
    let (host, link) = (host.to_owned(), link.clone());
    ask(folder, &Request::Link { host, link }).map(drop)
}

/// Lets no packet to a host through that is larger.
///
/// # Errors
///
/// If the router does not run, or does not know the host.
pub(crate) fn set_mtu(folder: &Path, host: &str, mtu: u16) -> anyhow::Result<()> {
    let host = host.to_owned();
    ask(folder, &Request::Mtu { host, mtu }).map(drop)
}

/// What a running router has counted, by host.
///
/// # Errors
///
/// If the router does not run.
pub(crate) fn counters(folder: &Path) -> anyhow::Result<BTreeMap<String, Counters>> {
    match ask(folder, &Request::Counters)? {
        Reply::Counters(counters) => Ok(counters),
        _ => bail!("the router does not say what it has counted"),
    }
}
