//! `top` on a terminal, which `tmux` makes.

use std::{
    path::{Path, PathBuf},
    process::Command,
    thread::sleep,
    time::{Duration, Instant},
};

use crate::{sample, undertone};

const PROGRAM: &str = env!("CARGO_BIN_EXE_undertone");

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A terminal of its own, on a server of its own.
struct Tmux {
    folder: tempfile::TempDir,
    settings_before: String,
}

impl Tmux {
    /// A shell in a terminal, or a word on why there is none.
    fn start() -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            println!("skipped: there is no tmux");
            return None;
        }
        let mut tmux = Self {
            folder: tempfile::tempdir().unwrap(),
            settings_before: String::new(),
        };
        tmux.ask(&["new-session", "-d", "-x", "110", "-y", "30", "sh"]);
        tmux.settings_before = tmux.settings("before");
        Some(tmux)
    }

    fn ask(&self, arguments: &[&str]) -> String {
        let output = Command::new("tmux")
            .arg("-S")
            .arg(self.file("socket"))
            .args(["-f", "/dev/null", "-u"])
            .args(arguments)
            .output()
            .unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {err}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn press(&self, keys: &str) {
        self.ask(&["send-keys", keys]);
    }

    fn enter(&self, line: &str) {
        self.ask(&["send-keys", "-l", line]);
        self.press("Enter");
    }

    fn shown(&self) -> String {
        self.ask(&["capture-pane", "-p"])
    }

    #[track_caller]
    fn wait_for(&self, text: &str) -> String {
        let start = Instant::now();
        loop {
            let shown = self.shown();
            if shown.contains(text) {
                return shown;
            }
            assert!(start.elapsed() < PATIENCE, "no `{text}` in:\n{shown}");
            sleep(Duration::from_millis(50));
        }
    }

    /// Runs `top` on a capture until that has been read, with its number in a file.
    fn top(&self, capture: &Path) {
        let id = self.file("id").display().to_string();
        let capture = capture.display();
        self.enter(&format!(
            "clear; sh -c 'echo $$ > {id}; exec {PROGRAM} top {capture}'"
        ));
        self.wait_for("[read to its end]");
    }

    /// That no picture of ours is left, and the terminal has the settings that it had.
    #[track_caller]
    fn assert_given_back(&self) {
        let shown = self.wait_for("frames read");
        assert!(!shown.contains("Sessions by"), "{shown}");
        let settings = self.settings("after");
        assert_eq!(settings, self.settings_before);
    }

    /// How lines are read and what keys do, as the terminal has it.
    fn settings(&self, name: &str) -> String {
        let file = self.file(name);
        self.enter(&format!(
            "clear; stty -a > {}; echo writ''ten",
            file.display()
        ));
        // The line that was typed has it in two parts.
        self.wait_for("written");
        std::fs::read_to_string(file).unwrap()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

impl Drop for Tmux {
    fn drop(&mut self) {
        self.ask(&["kill-server"]);
    }
}

#[test]
fn a_capture_is_shown_and_keys_change_what_is_shown() {
    let Some(tmux) = Tmux::start() else { return };
    tmux.top(&sample("sample.pcap"));
    let shown = tmux.wait_for("42 told");
    assert!(shown.contains("3,254 frames"), "{shown}");
    assert!(shown.contains("Sessions by latest"), "{shown}");
    tmux.press("s");
    tmux.wait_for("Sessions by bytes");
    tmux.press("c");
    let shown = tmux.wait_for("Sessions of ");
    assert!(!shown.contains("Sessions of all"), "{shown}");
    tmux.press("a");
    tmux.wait_for("Sessions by bytes");
    tmux.press("?");
    tmux.wait_for("sort by another column");
    tmux.press("x");
    tmux.press("p");
    tmux.wait_for("[paused]");
    tmux.press("q");
    tmux.assert_given_back();
}

#[test]
fn the_terminal_is_given_back_after_control_c_and_a_signal() {
    let Some(tmux) = Tmux::start() else { return };
    tmux.top(&sample("sample.pcap"));
    tmux.press("C-c");
    tmux.assert_given_back();
    tmux.top(&sample("sample.pcap"));
    let id = std::fs::read_to_string(tmux.file("id")).unwrap();
    let sent = Command::new("kill").args(["-TERM", id.trim()]).status();
    assert!(sent.unwrap().success());
    tmux.assert_given_back();
}

#[test]
fn a_pipe_that_stands_still_does_not_keep_the_screen_open() {
    let Some(tmux) = Tmux::start() else { return };
    let capture = sample("sample.pcap").display().to_string();
    let fifo = tmux.file("fifo").display().to_string();
    // The shell holds the other end open and writes no more.
    tmux.enter(&format!(
        "mkfifo {fifo}; exec 9<>{fifo}; cat {capture} >&9 &"
    ));
    tmux.enter(&format!("clear; {PROGRAM} top - < {fifo}"));
    let shown = tmux.wait_for("3,254 frames");
    assert!(shown.contains("standard input  [following]"), "{shown}");
    tmux.press("q");
    tmux.assert_given_back();
}

#[test]
fn without_a_terminal_other_commands_are_named() {
    let capture = sample("sample.pcap");
    let output = undertone(&["top", capture.to_str().unwrap()])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("not a terminal"), "{err}");
    assert!(
        err.contains("`undertone classify`") && err.contains("`undertone live`"),
        "{err}"
    );
    assert!(output.stdout.is_empty());
}
