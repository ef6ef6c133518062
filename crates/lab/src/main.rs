//! `undertone-lab`: real, labelled, encrypted traffic, made on one machine.
#![forbid(unsafe_code)]

#[allow(dead_code, unused_imports, reason = "services and runs come next")]
mod catalogue;
#[allow(dead_code, reason = "runs come next")]
mod certificates;
mod commands;
mod doctor;
#[allow(dead_code, reason = "runs come next")]
mod draws;
mod interrupt;
mod lab;
#[allow(dead_code, reason = "runs come next")]
mod launch;
#[allow(dead_code, reason = "runs come next")]
mod readiness;
mod router;
mod shell;
#[allow(dead_code, reason = "runs come next")]
mod tunnels;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::run()
}
