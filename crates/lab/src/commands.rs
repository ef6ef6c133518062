//! What can be asked for; a file a command.

use std::process::ExitCode;

use clap::Parser;

/// Makes real, labelled, encrypted traffic on one machine.
#[derive(Debug, Parser)]
#[command(name = "undertone-lab", version)]
struct Arguments {}

/// Runs the command that the arguments name.
pub(crate) fn run() -> ExitCode {
    Arguments::parse();
    ExitCode::SUCCESS
}
