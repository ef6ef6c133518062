//! Small labelled captures, made anew for each test.

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use tempfile::TempDir;
use traffic::{
    link::LinkType,
    packet::Direction,
    synth::{self, Conversation},
};

/// A folder of captures and what tests make of them; gone at the end of the test.
pub(crate) struct Folder(TempDir);

impl Folder {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A path below it, as an argument.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Writes a capture of `count` sessions whose bytes `seed` decides.
    pub(crate) fn capture(&self, name: &str, seed: u8, count: u16) -> &Self {
        self.file(name, &capture(seed, count))
    }

    /// Writes any file.
    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> &Self {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
        self
    }

    /// Two classes of two captures each, ten sessions a capture, in a folder for each class.
    pub(crate) fn two_classes() -> Self {
        let folder = Self::new();
        folder
            .capture("data/Chat/a.pcap", 1, 10)
            .capture("data/Chat/b.pcap", 2, 10)
            .capture("data/Email/c.pcap", 3, 10)
            .capture("data/Email/d.pcap", 4, 10);
        folder
    }

    /// What lies in a folder, by name.
    pub(crate) fn entries(&self, name: &str) -> Vec<String> {
        entries(&self.path(name))
    }
}

pub(crate) fn entries(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name();
    let mut names: Vec<String> = entries
        .map(|entry| name(entry).into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A pcap of `count` TCP sessions that differ in their port and payload.
pub(crate) fn capture(seed: u8, count: u16) -> Vec<u8> {
    let conversation = |number: u16| Conversation {
        client: SocketAddr::from(([10, 0, seed, 1], 40_000 + number)),
        start_nanoseconds: 1_456_790_400_000_000_000 + i64::from(number) * 1_000_000_000,
        payloads: vec![
            (Direction::Forward, vec![seed; 50 + usize::from(number)]),
            (Direction::Backward, vec![seed ^ 0xff; 200]),
        ],
        ..Conversation::default()
    };
    let frames: Vec<_> = (0..count)
        .flat_map(|number| conversation(number).frames())
        .collect();
    synth::pcap(LinkType::ETHERNET, &frames)
}
