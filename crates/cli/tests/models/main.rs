//! The commands that make, score, use and show models, from outside.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod audit;
mod classify;
mod compare;
mod contract;
mod evaluate;
#[cfg(unix)]
mod interrupt;
mod model;
mod reproduce;
mod train;
mod unknown;
mod windows;

use std::{
    ffi::OsStr,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::OnceLock,
};

use tempfile::TempDir;
use traffic::{
    link::LinkType,
    packet::{Direction, Protocol},
    synth::{self, Conversation, Record},
};

/// What the program said and how it ended.
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

/// Runs the program.
fn undertone<I: IntoIterator<Item: AsRef<OsStr>>>(arguments: I) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args(arguments)
        .output()
        .unwrap();
    Outcome::of(output)
}

/// Runs the program with the words of a line; `{}` stands for the folder.
fn run(folder: &Path, line: &str) -> Outcome {
    let folder = folder.to_str().unwrap();
    undertone(
        line.split_whitespace()
            .map(|word| word.replace("{}", folder)),
    )
}

impl Outcome {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The one line of a failure, without the place of its folder.
    #[track_caller]
    fn failure(&self, folder: &Path) -> String {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        self.err.trim_end().replace(folder.to_str().unwrap(), "{}")
    }

    /// What a success printed.
    #[track_caller]
    fn success(&self) -> &str {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        &self.out
    }
}

/// Sessions of one class: the payload tells which.
fn conversations(class: u8, capture: u8, count: u16) -> Vec<Record> {
    let mut records: Vec<Record> = (0..count)
        .flat_map(|number| {
            let salt = (number as u8).wrapping_mul(37).wrapping_add(capture);
            Conversation {
                client: SocketAddr::from(([10, class, capture, 1], 40_000 + number)),
                start_nanoseconds: 1_456_790_400_000_000_000 + i64::from(number) * 1_000_000_000,
                payloads: vec![
                    (
                        Direction::Forward,
                        vec![class * 90 + salt % 11; 120 + usize::from(number)],
                    ),
                    (Direction::Backward, vec![class * 90 + 20; 200]),
                ],
                ..Conversation::default()
            }
            .frames()
        })
        .collect();
    records.sort_by_key(|record| record.nanoseconds);
    records
}

fn pcap(records: &[Record]) -> Vec<u8> {
    synth::pcap(LinkType::ETHERNET, records)
}

/// A DNS question and its answer.
fn name_look_up() -> Vec<Record> {
    let (client, server) = (([10, 0, 0, 1], 50_000).into(), ([10, 0, 0, 53], 53).into());
    let frame = |from: SocketAddr, to: SocketAddr, payload: &[u8]| {
        let datagram = synth::udp(from, to, payload);
        synth::ethernet(&synth::ip(from.ip(), to.ip(), Protocol::Udp, &datagram))
    };
    vec![
        synth::record(
            1_456_790_500_000_000_000,
            frame(client, server, b"\x12\x34question"),
        ),
        synth::record(
            1_456_790_500_010_000_000,
            frame(server, client, b"\x12\x34answer"),
        ),
    ]
}

/// A handshake and nothing after it.
fn handshake() -> Vec<Record> {
    Conversation {
        client: SocketAddr::from(([10, 0, 0, 9], 51_000)),
        start_nanoseconds: 1_456_790_600_000_000_000,
        payloads: vec![],
        ..Conversation::default()
    }
    .frames()
}

/// What every test may look at and none may change: captures, a dataset and a run on it.
struct World {
    folder: TempDir,
}

impl World {
    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }
}

/// Made once for all tests.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let world = World {
            folder: tempfile::tempdir().unwrap(),
        };
        for (class, name) in ["Chat", "VPN-Chat"].into_iter().enumerate() {
            fs::create_dir_all(world.file("data").join(name)).unwrap();
            for capture in 0..3 {
                let path = world
                    .file("data")
                    .join(name)
                    .join(format!("{capture}.pcap"));
                fs::write(path, pcap(&conversations(class as u8, capture, 14))).unwrap();
            }
        }
        let mut mixed = conversations(0, 7, 3);
        mixed.extend(conversations(1, 8, 4));
        mixed.extend(name_look_up());
        mixed.extend(handshake());
        mixed.sort_by_key(|record| record.nanoseconds);
        fs::write(world.file("mixed.pcap"), pcap(&mixed)).unwrap();
        for line in [
            "prepare {}/data --out {}/dataset --name toy --policy ip",
            "prepare {}/data --out {}/payload --policy payload",
            "train {}/dataset --out {}/run --network gru --epochs 6 --threads 1",
        ] {
            run(world.path(), line).success();
        }
        world
    })
}
