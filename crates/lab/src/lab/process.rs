//! Processes that the lab started, known by number and start time: numbers are used again.

use std::fs;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use serde::{Deserialize, Serialize};

/// One process, and no later one with its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Process {
    /// Its number.
    pub(crate) pid: u32,
    /// When the kernel started it, in ticks since boot.
    pub(crate) start: u64,
}

/// What the kernel says of a process.
struct Entry {
    state: char,
    session: u32,
    start: u64,
}

impl Process {
    /// The process that has this number now.
    pub(crate) fn of(pid: u32) -> Option<Self> {
        let start = entry(pid)?.start;
        Some(Self { pid, start })
    }

    /// Whether it still runs; one that only waits to be collected does not.
    pub(crate) fn is_running(self) -> bool {
        entry(self.pid).is_some_and(|entry| entry.start == self.start && entry.state != 'Z')
    }

    /// The processes that run in the session that it leads: itself, and what it started.
    ///
    /// A session outlives its leader, and its number stays taken as long as it has members: if another process has
    /// the number now, there are none left.
    pub(crate) fn session(self) -> Vec<Self> {
        if entry(self.pid).is_some_and(|entry| entry.start != self.start) {
            return Vec::new();
        }
        let members = numbers().filter_map(|pid| {
            let entry = entry(pid)?;
            let is_member =
                entry.session == self.pid && entry.start >= self.start && entry.state != 'Z';
            let start = entry.start;
            is_member.then_some(Self { pid, start })
        });
        members.collect()
    }

    /// Sends it a signal; says whether it was there to get it.
    pub(crate) fn signal(self, signal: Signal) -> bool {
        // The descriptor holds the process while its start time is looked at.
        let held = i32::try_from(self.pid)
            .ok()
            .and_then(Pid::from_raw)
            .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let Some(held) = held else { return false };
        self.is_running() && pidfd_send_signal(&held, signal).is_ok()
    }
}

/// The processes that were started with this variable in their environment, or inherited it.
pub(crate) fn with_variable(name: &str, value: &str) -> Vec<Process> {
    let wanted = format!("{name}={value}");
    numbers()
        .filter_map(|pid| {
            let process = Process::of(pid)?;
            let environment = fs::read(format!("/proc/{pid}/environ")).ok()?;
            let is_ours = environment
                .split(|&byte| byte == 0)
                .any(|variable| variable == wanted.as_bytes());
            (is_ours && process.is_running()).then_some(process)
        })
        .collect()
}

/// The numbers of all processes.
fn numbers() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

fn entry(pid: u32) -> Option<Entry> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Fields 3, 6 and 22 of `/proc/PID/stat` (proc(5)); the name before them may hold anything.
fn parse(stat: &str) -> Option<Entry> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    let session = fields.nth(2)?.parse().ok()?;
    Some(Entry {
        state,
        session,
        start: fields.nth(15)?.parse().ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, id};

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let stat = "41 (a) b) S 1 40 39 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 777 9 9";
        let entry = parse(stat).unwrap();
        assert_eq!((entry.state, entry.session, entry.start), ('S', 39, 777));
    }

    #[test]
    fn a_process_with_another_start_time_is_another_process() {
        let this = Process::of(id()).unwrap();
        assert!(this.is_running());
        let earlier = Process {
            start: this.start - 1,
            ..this
        };
        assert!(!earlier.is_running());
        assert!(!earlier.signal(Signal::KILL));
    }

    #[test]
    fn a_variable_finds_what_was_started_with_it() {
        let mut child = Command::new("sleep")
            .arg("20")
            .env("UNDERTONE_TEST", "a7")
            .spawn()
            .unwrap();
        // Until the program has taken the place of its parent's copy, it has the old environment.
        let found = (0..100).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            with_variable("UNDERTONE_TEST", "a7")
                .iter()
                .any(|process| process.pid == child.id())
        });
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(found);
        assert_eq!(with_variable("UNDERTONE_TEST", "a7"), []);
    }
}
