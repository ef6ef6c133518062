//! `undertone-lab`: real, labelled, encrypted traffic, made on one machine.
#![forbid(unsafe_code)]

mod commands;
mod interrupt;
mod lab;
mod router;
mod shell;
mod tunnels;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run()
}
