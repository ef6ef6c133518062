//! `undertone`: what encrypted traffic is doing, without decrypting it.

mod arithmetic;
mod asking;
mod commands;
mod comparing;
mod cutting;
mod following;
mod http;
mod interrupt;
mod making;
mod metrics;
mod numbers;
mod output;
mod overview;
mod preparing;
mod progress;
mod recipes;
mod report;
mod reproducing;
mod sampling;
mod showing;
mod sources;
mod unknowns;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::{Parser, Subcommand};

#[cfg(feature = "top")]
use crate::commands::top::Top;
use crate::commands::{
    audit::Audit, calibrate::Calibrate, classify::Classify, compare::Compare, dataset::Dataset,
    evaluate::Evaluate, explain::Explain, import::Import, inspect::Inspect, live::Live,
    model::Model, prepare::Prepare, reproduce::Reproduce, serve::Serve, split::Split, train::Train,
};

/// Tell what encrypted traffic is doing, without decrypting it
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Classify(Classify),
    Live(Live),
    #[cfg(feature = "top")]
    Top(Top),
    Serve(Serve),
    Inspect(Inspect),
    Prepare(Prepare),
    Import(Import),
    Split(Split),
    Train(Train),
    Evaluate(Evaluate),
    Compare(Compare),
    Reproduce(Reproduce),
    Dataset(Dataset),
    Audit(Audit),
    Explain(Explain),
    Calibrate(Calibrate),
    Model(Model),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut out = io::BufWriter::new(io::stdout().lock());
    let outcome = match &arguments.command {
        Command::Classify(command) => command.run(&mut out),
        Command::Live(command) => command.run(&mut out),
        #[cfg(feature = "top")]
        Command::Top(command) => command.run(&mut out),
        Command::Serve(command) => command.run(&mut out),
        Command::Inspect(command) => command.run(&mut out),
        Command::Prepare(command) => command.run(&mut out),
        Command::Import(command) => command.run(&mut out),
        Command::Split(command) => command.run(&mut out),
        Command::Train(command) => command.run(&mut out),
        Command::Evaluate(command) => command.run(&mut out),
        Command::Compare(command) => command.run(&mut out),
        Command::Reproduce(command) => command.run(&mut out),
        Command::Dataset(command) => command.run(&mut out),
        Command::Audit(command) => command.run(&mut out),
        Command::Explain(command) => command.run(&mut out),
        Command::Calibrate(command) => command.run(&mut out),
        Command::Model(command) => command.run(&mut out),
    };
    let outcome = outcome.and_then(|()| Ok(out.flush()?));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing sensible is left to do if standard error is gone too.
            let _ = writeln!(io::stderr(), "error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Whether whoever read our output has seen enough: that is success.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let of_output = cause.downcast_ref().map(io::Error::kind);
        // An error of JSON does not name the one of its output as its source.
        let of_json = || {
            cause
                .downcast_ref()
                .and_then(serde_json::Error::io_error_kind)
        };
        of_output.or_else(of_json) == Some(io::ErrorKind::BrokenPipe)
    })
}
