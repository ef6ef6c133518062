//! What can be asked for; a file a command.

pub(crate) mod check;
pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod list;
pub(crate) mod router;
pub(crate) mod run;
pub(crate) mod status;
pub(crate) mod trial;
pub(crate) mod tunnels;
pub(crate) mod up;

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use clap::{Args, Parser, Subcommand, ValueEnum};

use self::{
    check::Check, doctor::Doctor, down::Down, list::List, router::RunRouter, run::Run,
    status::Status, trial::Trial, tunnels::Tunnels, up::Up,
};

/// Make real, labelled, encrypted traffic on one machine
#[derive(Debug, Parser)]
#[command(name = "undertone-lab", version, propagate_version = true)]
struct Arguments {
    #[command(flatten)]
    places: Places,

    #[command(subcommand)]
    command: Command,
}

/// Where the lab lives, and what it reads.
#[derive(Debug, Clone, Args)]
pub(crate) struct Places {
    /// Folder of the lab; each folder is a lab of its own
    #[arg(long, global = true, value_name = "DIR", default_value = crate::lab::DEFAULT_FOLDER)]
    pub(crate) state: PathBuf,

    /// Catalogue of services, scenarios and tunnels, instead of the one inside the program
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) catalogue: Option<PathBuf>,
}

impl Places {
    /// The folder of the lab.
    pub(crate) fn state(&self) -> &Path {
        &self.state
    }
}

/// How a command answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    Text,
    /// For programs
    Json,
}

#[derive(Debug, Subcommand)]
enum Command {
    Doctor(Doctor),
    Up(Up),
    Run(Run),
    Try(Trial),
    Down(Down),
    Status(Status),
    List(List),
    Tunnels(Tunnels),
    Check(Check),
    Router(RunRouter),
}

/// Runs the command that the arguments name.
pub(crate) fn run() -> ExitCode {
    let arguments = Arguments::parse();
    let places = &arguments.places;
    let mut out = io::stdout().lock();
    let outcome = match &arguments.command {
        Command::Doctor(command) => command.run(places, &mut out),
        Command::Up(command) => command.run(places, &mut out),
        Command::Run(command) => command.run(places, &mut out),
        Command::Try(command) => command.run(places, &mut out),
        Command::Down(Down {}) => Down::run(places, &mut out),
        Command::Status(command) => command.run(places, &mut out),
        Command::List(command) => command.run(places, &mut out),
        Command::Tunnels(command) => command.run(places, &mut out),
        Command::Check(command) => command.run(places, &mut out),
        Command::Router(command) => command.run(),
    };
    match outcome.and_then(|()| Ok(out.flush()?)) {
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
    error
        .chain()
        .any(|cause| cause.downcast_ref().map(io::Error::kind) == Some(io::ErrorKind::BrokenPipe))
}

/// Says a line of progress; whether anybody reads it must not stop the work.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
