//! The commands that make datasets and look into captures, from outside.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#![expect(
    clippy::print_stderr,
    reason = "a test says what it skipped or counted"
)]

mod agreement;
mod captures;
mod hardening;
mod import;
mod inspect;
mod lab;
#[path = "../lab_captures/mod.rs"]
mod lab_captures;
mod odd;
mod prepare;
mod registry;
mod split;
mod traps;

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    process::Command,
};

/// What the program said and how it ended.
struct Outcome {
    code: i32,
    out: String,
    err: String,
}

/// Runs the program.
fn undertone(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args(arguments.into_iter().map(Into::into))
        .output()
        .unwrap();
    Outcome {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Outcome {
    /// The one line of a failure, with `folder` left out of its paths.
    #[track_caller]
    fn failure(&self, folder: &captures::Folder) -> String {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        let root = folder.path("").display().to_string();
        self.err.trim_end().replace(&root, "")
    }

    /// What a success printed.
    #[track_caller]
    fn success(&self) -> &str {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        &self.out
    }

    /// The manifest that a success printed.
    #[track_caller]
    fn manifest(&self) -> serde_json::Value {
        serde_json::from_str(self.success()).unwrap()
    }
}

/// A folder or file of the public data sets, if this machine has it.
fn public_data(below: &str) -> Option<PathBuf> {
    let found = std::env::var_os("UNDERTONE_DATA").map(|data| Path::new(&data).join(below));
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: no `{below}` under UNDERTONE_DATA");
    }
    found
}
