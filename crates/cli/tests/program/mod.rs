//! The program and the sample captures, for tests from outside.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// A capture that comes with the program.
pub(crate) fn sample(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../samples")
        .join(name)
        .canonicalize()
        .unwrap()
}

/// The program with these arguments.
pub(crate) fn undertone(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
    command.args(arguments);
    command
}
