//! A capture in progress on one interface of a client.

use std::{
    fs,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;

use crate::lab::{Job, Lab, Program};

/// How long `tcpdump` may take until it listens.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often that is looked at.
const TICK: Duration = Duration::from_millis(20);

/// `tcpdump` at work; dropped, it is stopped.
#[derive(Debug)]
pub(super) struct PacketCapture {
    job: Job,
    path: PathBuf,
}

impl PacketCapture {
    /// Starts to capture all of IPv4 on an interface, whole packets, into `folder`; returns once
    /// no packet is missed any more.
    pub(super) fn start(
        lab: &Lab,
        host: &str,
        interface: &str,
        folder: &Path,
    ) -> anyhow::Result<Self> {
        let path = folder.join(format!("{interface}.pcap"));
        let log = folder.join(format!("{interface}.log"));
        let program = Program {
            name: format!("capture of {interface}"),
            // Whole packets, since where a header ends is known only afterwards; written at
            // once, so that the end of the run needs no waiting.
            shell: format!(
                "exec tcpdump -Z root -q -n -i {interface} -s 0 -B 8192 -U -w '{}' ip",
                path.display()
            ),
            folder: folder.to_owned(),
            log: log.clone(),
            ..Program::default()
        };
        let mut job = lab.spawn(host, &program)?;
        let begun = Instant::now();
        loop {
            let said = fs::read_to_string(&log).unwrap_or_default();
            if said.contains("listening on") {
                return Ok(Self { job, path });
            }
            if !job.is_running() || begun.elapsed() > PATIENCE {
                let last = said.lines().last().unwrap_or("nothing was said");
                bail!("tcpdump does not capture on `{interface}`: {last}");
            }
            thread::sleep(TICK);
        }
    }

    /// Ends it; the file that it wrote.
    pub(super) fn stop(self) -> PathBuf {
        self.job.stop();
        self.path
    }
}
