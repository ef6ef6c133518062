//! The commands that make datasets and look into captures, from outside.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod captures;
mod prepare;

use std::{ffi::OsStr, process::Command};

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
    Outcome {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

impl Outcome {
    /// The one line of a failure.
    #[track_caller]
    fn failure(&self) -> &str {
        assert_eq!(self.code, 1, "{}{}", self.out, self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        self.err.trim_end()
    }

    /// What a success printed.
    #[track_caller]
    fn success(&self) -> &str {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        &self.out
    }
}
