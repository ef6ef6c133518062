//! Ctrl-C while a capture is read: noticed at once, and what was found until then is told.

use std::{
    ffi::OsStr,
    fs,
    io::Write,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::{conversations, pcap, world};

/// Has the program read a pipe that stays open, so that the capture has no end of its own, and
/// interrupts it. It must say so, and `told` on standard output.
#[track_caller]
fn check(arguments: &[&OsStr], told: &str) {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
    assert!(made.success());
    let child = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args(arguments)
        .arg(&fifo)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id().to_string();
    let reader = thread::spawn(move || child.wait_with_output().unwrap());
    let mut writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    let capture = pcap(&conversations(0, 9, 400));
    writer.write_all(&capture).unwrap();
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    // What comes after the signal lets it notice; then nobody reads any more.
    let is_gone = (0..1000).any(|_| {
        thread::sleep(Duration::from_millis(1));
        writer.write_all(&capture[24..]).is_err()
    });
    drop(writer);
    let output = reader.join().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(is_gone, "{err}");
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("what follows was not read"), "{err}");
    let out = String::from_utf8(output.stdout).unwrap();
    assert!(out.contains(told), "{out}");
}

#[test]
fn classify_is_stopped_between_sessions() {
    let model = world().file("run");
    let arguments = ["classify", "--session-end", "timeout", "--model"].map(OsStr::new);
    check(&[&arguments[..], &[model.as_os_str()]].concat(), "\n all ");
}

#[test]
fn classify_is_stopped_although_no_session_ends_before_the_capture() {
    let model = world().file("run");
    let arguments = ["classify", "--session-end", "capture", "--model"].map(OsStr::new);
    check(&[&arguments[..], &[model.as_os_str()]].concat(), "\n all ");
}

#[test]
fn inspect_is_stopped_although_no_session_ends_before_the_capture() {
    let arguments = ["inspect", "--session-end", "capture"].map(OsStr::new);
    check(&arguments, "  sessions    ");
}
