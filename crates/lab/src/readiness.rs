//! Whether a service is up: it listens, its log says so, or it has had its time.

use std::{
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{catalogue::Ready, lab::Job};

/// How long a service may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often it is looked at.
const TICK: Duration = Duration::from_millis(100);

/// The kernel's number for a socket that listens.
const LISTENS: &str = "0A";

/// Waits until a service is up; says why it is not.
pub(crate) fn wait(ready: &Ready, job: &mut Job, log: &Path) -> Result<(), String> {
    let begun = Instant::now();
    loop {
        if !job.is_running() {
            return Err("it ended before it was up".to_owned());
        }
        let is_up = match ready {
            Ready::Tcp(port) => listens(job.id(), *port),
            Ready::Log(expression) => fs::read(log)
                .is_ok_and(|bytes| expression.is_match(&String::from_utf8_lossy(&bytes))),
            Ready::Seconds(seconds) => begun.elapsed().as_secs_f64() >= *seconds,
        };
        if is_up {
            return Ok(());
        }
        if begun.elapsed() > PATIENCE {
            let seconds = PATIENCE.as_secs();
            return Err(match ready {
                Ready::Tcp(port) => {
                    format!("nothing listens on TCP port {port} after {seconds} s")
                }
                Ready::Log(expression) => {
                    format!("its log does not match `{expression}` after {seconds} s")
                }
                Ready::Seconds(_) => format!("it is not up after {seconds} s"),
            });
        }
        thread::sleep(TICK);
    }
}

/// Whether anything in the namespace of a process listens on this TCP port.
fn listens(process: u32, port: u16) -> bool {
    // A process's own view of the network: no program has to be started in its namespace.
    ["tcp", "tcp6"].into_iter().any(|table| {
        fs::read_to_string(format!("/proc/{process}/net/{table}"))
            .is_ok_and(|text| has_listener(&text, port))
    })
}

/// Whether a table of the kernel's sockets has a listener on this port.
fn has_listener(table: &str, port: u16) -> bool {
    let end = format!(":{port:04X}");
    table.lines().skip(1).any(|line| {
        let mut fields = line.split_whitespace().skip(1);
        let local = fields.next();
        let state = fields.nth(1);
        local.is_some_and(|local| local.ends_with(&end)) && state == Some(LISTENS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `/proc/net/tcp` of a Linux 6.1 has it: a listener on 25, an open connection from 587.
    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:0019 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 23456 1 0000000000000000 100 0 0 10 0
   1: 0100007F:024B 0100007F:C350 01 00000000:00000000 00:00000000 00000000     0        0 23457 1 0000000000000000 20 4 30 10 -1
";

    #[test]
    fn only_a_listener_counts() {
        assert!(has_listener(TABLE, 25));
        assert!(!has_listener(TABLE, 587));
        assert!(!has_listener(TABLE, 50_000));
    }
}
