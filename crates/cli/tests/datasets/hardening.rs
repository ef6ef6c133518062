//! Hostile input and sudden ends: memory stays bounded, and what is there is whole.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use traffic::link::LinkType;

use crate::{
    Outcome,
    captures::{Folder, entries},
};

/// Packets of a flood.
const PACKETS: u32 = 600_000;

/// What a process may have of addresses, in KiB. A quarter of a million open sessions take some 250 MB; all
/// that the floods begin would take twice as much and more.
const ADDRESSES: u32 = 420_000;

/// An IPv4 packet.
fn packet(source: u32, protocol: u8, fragment: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend((20 + payload.len() as u16).to_be_bytes());
    bytes.extend((source as u16).to_be_bytes());
    bytes.extend(fragment.to_be_bytes());
    bytes.extend([64, protocol, 0, 0]);
    bytes.extend((0x0A00_0000 + source).to_be_bytes());
    bytes.extend([192, 168, 0, 1]);
    bytes.extend(payload);
    bytes
}

/// The SYN of a connection that nobody goes on with.
fn syn(source: u32) -> Vec<u8> {
    let mut segment = vec![0xC0, 0x00, 0x01, 0xBB];
    segment.extend(source.to_be_bytes());
    segment.extend([0, 0, 0, 0, 0x50, 0x02, 0xFF, 0xFF, 0, 0, 0, 0]);
    packet(source, 6, 0, &segment)
}

/// The first fragment of a datagram whose others never come.
fn fragment(source: u32) -> Vec<u8> {
    packet(source, 17, 0x2000, &[0; 8])
}

/// What `inspect` says of a flood that it reads from a pipe, in little memory.
fn flooded(make: fn(u32) -> Vec<u8>) -> Outcome {
    let program = env!("CARGO_BIN_EXE_undertone");
    let line = format!("ulimit -v {ADDRESSES}; exec {program} inspect - --format json");
    let mut child = Command::new("sh")
        .args(["-c", &line])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let writer = thread::spawn(move || {
        let mut bytes = vec![0xD4, 0xC3, 0xB2, 0xA1, 2, 0, 4, 0];
        bytes.extend([0; 8]);
        bytes.extend(65_535_u32.to_le_bytes());
        bytes.extend(LinkType::RAW.0.to_le_bytes());
        for number in 0..PACKETS {
            let packet = make(number);
            for value in [1_700_000_000 + number / 100_000, number % 100_000 * 10] {
                bytes.extend(value.to_le_bytes());
            }
            for _ in 0..2 {
                bytes.extend((packet.len() as u32).to_le_bytes());
            }
            bytes.extend(packet);
            if bytes.len() > 1 << 16 {
                pipe.write_all(&bytes)?;
                bytes.clear();
            }
        }
        pipe.write_all(&bytes)
    });
    let output = child.wait_with_output().unwrap();
    let outcome = Outcome {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    };
    let written = writer.join().unwrap();
    assert!(written.is_ok(), "{}", outcome.err);
    outcome
}

#[test]
#[cfg(target_os = "linux")]
fn half_open_sessions_without_end_are_counted_in_bounded_memory() {
    let found = flooded(syn).manifest();
    assert_eq!(found["tally"]["packets"], PACKETS, "{found}");
    assert_eq!(found["empty_sessions"], PACKETS, "{found}");
    let evicted = found["tally"]["ends"]["evicted"].as_u64();
    assert_eq!(evicted, Some(u64::from(PACKETS) - 250_000), "{found}");
}

#[test]
#[cfg(target_os = "linux")]
fn fragments_whose_others_never_come_are_counted_in_bounded_memory() {
    let found = flooded(fragment).manifest();
    let tally = &found["tally"];
    assert_eq!(tally["frames"], PACKETS, "{found}");
    assert_eq!(tally["packets"], 0, "{found}");
    let skips = tally["skips"].as_object().unwrap();
    let skipped: u64 = skips.values().map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(skipped, u64::from(PACKETS), "{found}");
}

/// Runs `prepare` to the end, or kills it as soon as it has begun to write.
fn prepare(folder: &Folder, out: &str, is_killed: bool) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .arg("prepare")
        .arg(folder.path("data"))
        .arg("--out")
        .arg(folder.path(out))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let has_begun = || {
        entries(&folder.path("made"))
            .iter()
            .any(|name| name.starts_with('.'))
    };
    while is_killed && !has_begun() && child.try_wait().unwrap().is_none() {
        thread::sleep(Duration::from_micros(100));
    }
    if is_killed {
        child.kill().unwrap();
    }
    assert_eq!(child.wait().unwrap().success(), !is_killed);
}

#[test]
fn a_prepare_that_is_killed_leaves_no_dataset_and_the_next_makes_the_same() {
    let folder = Folder::new();
    for (number, class) in (0_u8..).zip(["Chat", "Email", "VoIP", "P2P"]) {
        folder.capture(&format!("data/{class}/a.pcap"), number, 2000);
    }
    fs::create_dir(folder.path("made")).unwrap();
    prepare(&folder, "made/dataset", true);
    assert!(!folder.path("made/dataset").exists());
    prepare(&folder, "made/dataset", false);
    prepare(&folder, "made/other", false);
    for name in ["manifest.json", "samples.parquet"] {
        let read = |out: &str| fs::read(folder.path(&format!("made/{out}/{name}"))).unwrap();
        assert!(read("dataset") == read("other"), "{name}");
    }
}
