//! `undertone-lab`: real, labelled, encrypted traffic, made on one machine.
#![forbid(unsafe_code)]

mod catalogue;
mod certificates;
mod commands;
mod doctor;
mod draws;
mod interrupt;
mod lab;
mod launch;
mod media;
mod readiness;
mod router;
mod run;
mod services;
mod shell;
mod tunnels;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run()
}
