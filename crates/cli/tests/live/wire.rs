//! A wire: frames sent over a pair of virtual interfaces, in a network namespace of their own.
//!
//! Needs root; elsewhere it says that it skips. The namespace ends with the processes in it.

use std::{
    env, fs,
    io::{BufRead, BufReader, Read},
    path::Path,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use pcap::{Active, Capture, Error, Precision};
use serde_json::Value;
use traffic::capture::CaptureReader;

use crate::{at, output_of, records, sample, undertone};

/// Set in the namespace.
const INSIDE: &str = "UNDERTONE_TEST_ON_WIRE";

#[test]
fn what_comes_by_wire_gets_the_verdicts_of_classify_and_every_frame_is_counted() {
    if env::var_os(INSIDE).is_some() {
        return;
    }
    let has_namespaces = Command::new("unshare")
        .args(["--net", "ip", "link"])
        .output();
    if !has_namespaces.is_ok_and(|output| output.status.success()) {
        println!("skipped: no network namespaces; it needs root, `unshare` and `ip`");
        return;
    }
    let status = Command::new("unshare")
        .arg("--net")
        .arg(env::current_exe().unwrap())
        .args(["--exact", "wire::inside", "--nocapture"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success());
}

/// What the test above runs in its namespace; elsewhere nothing.
#[test]
fn inside() {
    if env::var_os(INSIDE).is_none() {
        return;
    }
    make_wire();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recorded.pcap");
    let frames = frames_of(&sample("sample.pcap"));
    let mut child = undertone(&["live", "near", "--format", "json", "--progress", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut err = BufReader::new(child.stderr.take().unwrap());
    let mut talk = String::new();
    err.read_line(&mut talk).unwrap();
    assert!(talk.starts_with("capturing from `near`"), "{talk}");
    // Open before the first frame is sent.
    let recording = open("near");
    let recorder = {
        let (path, count) = (path.clone(), frames.len());
        thread::spawn(move || record(recording, &path, count))
    };
    let mut sender = open("far");
    for (number, frame) in frames.iter().enumerate() {
        sender.sendpacket(frame.as_slice()).unwrap();
        if number % 32 == 0 {
            thread::sleep(Duration::from_millis(5));
        }
    }
    recorder.join().unwrap();
    let id = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let output = child.wait_with_output().unwrap();
    err.read_to_string(&mut talk).unwrap();
    assert_eq!(output.status.code(), Some(0), "{talk}");
    let last = talk.lines().last().unwrap();
    // Of early verdicts some may have been left out: this is not the pace of the recording.
    let counted = "3,254 frames of 3,254 read; 0 frames lost by the kernel, 0 by the interface";
    assert!(last.starts_with(counted), "{talk}");
    assert!(!last.contains("without a verdict"), "{talk}");
    let online = records(&String::from_utf8(output.stdout).unwrap());
    let path = path.to_str().unwrap();
    let offline = records(&output_of(&[
        "classify", path, "--format", "json", "--quiet",
    ]));
    assert_eq!(compared(at(&online, "end")), compared(at(&offline, "end")));
    assert_eq!(offline.len(), 42);
    assert!(at(&online, "first").len() > 30);
}

/// Two interfaces: what one sends the other receives, and nobody else speaks.
fn make_wire() {
    let script = "set -e
        ip link add far mtu 65535 type veth peer name near mtu 65535
        for name in near far; do
            sysctl -qw net.ipv6.conf.$name.disable_ipv6=1 || true
            ip link set $name arp off up
        done";
    let made = Command::new("sh").args(["-c", script]).output().unwrap();
    let err = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{err}");
}

fn open(name: &str) -> Capture<Active> {
    let capture = Capture::from_device(name).unwrap();
    let capture = capture.promisc(true).precision(Precision::Nano);
    capture.timeout(10).open().unwrap().setnonblock().unwrap()
}

/// Writes so many frames to a file, as they come.
fn record(mut capture: Capture<Active>, path: &Path, count: usize) {
    let mut file = capture.savefile(path).unwrap();
    let mut seen = 0;
    let mut naps = 0;
    while seen < count {
        match capture.next_packet() {
            Ok(packet) => {
                file.write(&packet);
                seen += 1;
            }
            Err(Error::TimeoutExpired) => {
                naps += 1;
                assert!(naps < 30_000, "{seen} of {count} frames came");
                thread::sleep(Duration::from_millis(1));
            }
            Err(error) => panic!("{error}"),
        }
    }
    file.flush().unwrap();
}

fn frames_of(path: &Path) -> Vec<Vec<u8>> {
    let mut reader = CaptureReader::new(Box::new(fs::File::open(path).unwrap())).unwrap();
    let mut frames = Vec::new();
    while let Some(frame) = reader.next_frame().unwrap() {
        frames.push(frame.bytes.to_vec());
    }
    frames
}

/// Records in an order of their own, without what depends on when they were asked for.
fn compared(records: Vec<&Value>) -> Vec<String> {
    let mut compared: Vec<String> = records
        .into_iter()
        .map(|record| {
            let mut record = record.clone();
            let fields = record.as_object_mut().unwrap();
            fields.remove("capture");
            // Silence may have ended what a file has end with itself.
            fields.remove("end_reason");
            record.to_string()
        })
        .collect();
    compared.sort();
    compared
}
