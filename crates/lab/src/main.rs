//! `undertone-lab`: real, labelled, encrypted traffic, made on one machine.
#![forbid(unsafe_code)]

mod commands;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run()
}
