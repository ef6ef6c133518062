//! The running router: frames between devices and fabric, requests in between, until it is told to stop.

use std::{
    fs,
    io::{self, Read, Write},
    os::{
        fd::AsFd,
        unix::net::{UnixListener, UnixStream},
    },
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::setpriority_process,
};
use serde::{Deserialize, Serialize};
use tun_rs::SyncDevice;

use super::{
    control::{Reply, Request},
    fabric::{Fabric, Port},
    tap,
};

/// Better than all that the lab runs: a router that waits for a processor is jitter.
const PRIORITY: i32 = -15;

/// Frames taken from one device before the others have their turn.
const TURN: usize = 32;

/// How long the router sleeps at most, so that it sees that it is told to stop.
const SLEEP: Duration = Duration::from_millis(200);

/// The largest frame of a device.
const FRAME: usize = 65_536;

/// A request longer than this is nonsense, bytes.
const REQUEST: usize = 65_536;

/// What a router is started with, as `up` writes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Config {
    /// What loss and jitter are drawn from.
    pub(crate) seed: u64,
    /// The hosts that it joins.
    pub(crate) ports: Vec<Port>,
}

/// Joins the hosts of a configuration until `stop` is set; listens on `socket`.
///
/// # Errors
///
/// If the configuration makes no sense, or devices or socket cannot be made.
pub(crate) fn run(config: &Path, socket: &Path, stop: &AtomicBool) -> anyhow::Result<()> {
    let text = fs::read(config).with_context(|| format!("cannot read `{}`", config.display()))?;
    let config: Config = serde_json::from_slice(&text)
        .with_context(|| format!("`{}` is no router's configuration", config.display()))?;
    setpriority_process(None, PRIORITY).context("cannot raise the priority; run as root")?;
    let devices = tap::open_all(&config.ports)?;
    let _ = fs::remove_file(socket);
    let listener = UnixListener::bind(socket)
        .with_context(|| format!("cannot listen on `{}`", socket.display()))?;
    listener.set_nonblocking(true)?;
    let mut router = Router {
        fabric: Fabric::new(config.ports, config.seed),
        begun: Instant::now(),
        devices,
        listener,
        callers: Vec::new(),
        buffer: vec![0; FRAME],
    };
    while !stop.load(Ordering::Relaxed) {
        router.turn()?;
    }
    let _ = fs::remove_file(socket);
    Ok(())
}

/// A connection to the control socket, and what has come from it.
struct Caller {
    stream: UnixStream,
    said: Vec<u8>,
}

struct Router {
    fabric: Fabric,
    begun: Instant,
    devices: Vec<SyncDevice>,
    listener: UnixListener,
    callers: Vec<Caller>,
    buffer: Vec<u8>,
}

impl Router {
    /// Delivers what is due, waits for something to happen, and takes it in.
    fn turn(&mut self) -> anyhow::Result<()> {
        while let Some((port, frame)) = self.fabric.deliver(self.begun.elapsed()) {
            // A host that does not take it loses it, as a real one would.
            let _ = self.devices[port].send(&frame);
        }
        let due = self.fabric.next();
        let sleep = due.map_or(SLEEP, |at| {
            at.saturating_sub(self.begun.elapsed()).min(SLEEP)
        });
        let ready = self.wait(sleep)?;
        for (port, _) in (0..self.devices.len())
            .zip(&ready)
            .filter(|(_, ready)| **ready)
        {
            for _ in 0..TURN {
                let length = match self.devices[port].recv(&mut self.buffer) {
                    Ok(length) => length,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    // Somebody has removed the namespace. Going on would be a loop without sleep.
                    Err(error) => bail!("the interface of port {port} is gone: {error}"),
                };
                let now = self.begun.elapsed();
                self.fabric.receive(now, port, &self.buffer[..length]);
            }
        }
        if ready[self.devices.len()..].contains(&true) {
            self.listen();
        }
        Ok(())
    }

    /// Which of devices, listener and callers have something, in this order.
    fn wait(&self, sleep: Duration) -> anyhow::Result<Vec<bool>> {
        let devices = self.devices.iter().map(AsFd::as_fd);
        let callers = self.callers.iter().map(|caller| caller.stream.as_fd());
        let mut sources: Vec<PollFd<'_>> = devices
            .chain([self.listener.as_fd()])
            .chain(callers)
            .map(|source| PollFd::from_borrowed_fd(source, PollFlags::IN))
            .collect();
        let limit = Timespec::try_from(sleep).context("an impossible time")?;
        match poll(&mut sources, Some(&limit)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => bail!("cannot wait for frames: {error}"),
        }
        Ok(sources
            .iter()
            .map(|source| !source.revents().is_empty())
            .collect())
    }

    /// Takes new callers, hears all, and answers those that have said a line.
    fn listen(&mut self) {
        while let Ok((stream, _)) = self.listener.accept() {
            if stream.set_nonblocking(true).is_ok() {
                let said = Vec::new();
                self.callers.push(Caller { stream, said });
            }
        }
        let fabric = &mut self.fabric;
        self.callers.retain_mut(|caller| caller.hear(fabric));
    }
}

impl Caller {
    /// Reads on and answers a whole request; false once there is no more to expect.
    fn hear(&mut self, fabric: &mut Fabric) -> bool {
        let mut buffer = [0; 4096];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(length) => self.said.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        let Some(end) = self.said.iter().position(|&byte| byte == b'\n') else {
            return self.said.len() < REQUEST;
        };
        let reply = match serde_json::from_slice(&self.said[..end]) {
            Ok(request) => answer(fabric, request),
            Err(error) => Reply::Unclear(error.to_string()),
        };
        if let Ok(mut line) = serde_json::to_vec(&reply) {
            line.push(b'\n');
            // The answer fits the socket's buffer; a caller that left does not want it.
            let _ = self.stream.write_all(&line);
        }
        false
    }
}

fn answer(fabric: &mut Fabric, request: Request) -> Reply {
    let mut change = |host: String, change: &dyn Fn(&mut Port)| match fabric.port(&host) {
        Some(port) => {
            change(port);
            Reply::Done
        }
        None => Reply::UnknownHost(host),
    };
    match request {
        Request::Link { host, link } => change(host, &|port| port.link = link.clone()),
        Request::Mtu { host, mtu } => change(host, &|port| port.mtu = mtu),
        Request::Counters => Reply::Counters(fabric.counters()),
    }
}
