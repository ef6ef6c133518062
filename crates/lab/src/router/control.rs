//! What a running router is told, and how: a line of JSON each way through a socket in the lab's folder.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};

use super::fabric::Counters;
use crate::lab::Link;

/// How long a router may take to answer; it does so between two packets.
const PATIENCE: Duration = Duration::from_secs(5);

/// What a router is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Request {
    /// Give a host another link.
    Link {
        /// The host's name.
        host: String,
        /// Its link from now on.
        link: Link,
    },
    /// Let no larger packet through to a host.
    Mtu {
        /// The host's name.
        host: String,
        /// Bytes of an IP packet.
        mtu: u16,
    },
    /// Say what was forwarded and what was lost.
    Counters,
}

/// What it answers.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Reply {
    /// It is so.
    Done,
    /// It knows no such host.
    UnknownHost(String),
    /// The request makes no sense.
    Unclear(String),
    /// What was counted, by host.
    Counters(BTreeMap<String, Counters>),
}

/// Where a lab's router listens.
pub(crate) fn socket(folder: &Path) -> PathBuf {
    folder.join("router.sock")
}

/// Asks the router of a lab and waits for its answer.
pub(super) fn ask(folder: &Path, request: &Request) -> anyhow::Result<Reply> {
    let path = socket(folder);
    let mut stream = UnixStream::connect(&path).with_context(|| {
        format!(
            "the router does not listen on `{}`; take the lab down and up again",
            path.display()
        )
    })?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut line = serde_json::to_string(request)?;
    line.push('\n');
    stream.write_all(line.as_bytes())?;
    let mut answer = String::new();
    BufReader::new(stream)
        .read_line(&mut answer)
        .context("the router does not answer")?;
    let reply = serde_json::from_str(&answer).context("the router's answer makes no sense")?;
    match reply {
        Reply::UnknownHost(host) => bail!("the router knows no host `{host}`"),
        Reply::Unclear(why) => bail!("the router does not understand: {why}"),
        reply => Ok(reply),
    }
}
