//! The screens from outside: `top` on a terminal, `serve` by HTTP and in a browser.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#![expect(clippy::print_stdout, reason = "a test that skips says so")]

mod browser;
mod http;
mod serve;
#[cfg(feature = "top")]
mod top;

use std::{
    path::{Path, PathBuf},
    process::Command,
};

fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../samples")
        .join(name)
        .canonicalize()
        .unwrap()
}

/// The program with these arguments.
fn undertone(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
    command.args(arguments);
    command
}
