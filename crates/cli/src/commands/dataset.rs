//! `dataset`: which public data sets are known, and what is known of them.

mod text;

use std::io::Write;

use clap::{Args, Subcommand};
use learn::registry::{self, Registry};

use crate::preparing::Format;

/// Tell what is known of public data sets
///
/// Which capture is of which class, label maps of fewer classes, what is disputed, known faults,
/// how to get them, checksums where they are known, published scores. `prepare --registry NAME`
/// makes a dataset of one.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  Which there are:
    undertone dataset list
  All about one, and which file is of which class:
    undertone dataset show iscx-vpn-2016 --files
  For another program:
    undertone dataset show vnat --format json")]
pub(crate) struct Dataset {
    #[command(subcommand)]
    command: DatasetCommand,
}

#[derive(Debug, Subcommand)]
enum DatasetCommand {
    List(List),
    Show(Show),
}

/// Name the data sets that are known
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  For people:
    undertone dataset list
  For another program:
    undertone dataset list --format json")]
struct List {
    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// Tell all that is known of one
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  Label maps, faults, how to get it:
    undertone dataset show ustc-tfc-2016
  Which file is of which class, too:
    undertone dataset show iscx-vpn-2016 --files")]
struct Show {
    /// Its name
    #[arg(value_parser = super::prepare::known_registry)]
    name: &'static Registry,

    /// Also each file with its class
    #[arg(long)]
    files: bool,

    /// How to print it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Dataset {
    /// Runs the sub-command.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match &self.command {
            DatasetCommand::List(list) => list.run(out),
            DatasetCommand::Show(show) => show.run(out),
        }
    }
}

impl List {
    fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self.format {
            Format::Text => out.write_all(text::list(registry::all()).as_bytes())?,
            Format::Json => {
                let names: Vec<&str> = registry::all()
                    .iter()
                    .map(|one| one.name.as_str())
                    .collect();
                serde_json::to_writer_pretty(&mut *out, &names)?;
                writeln!(out)?;
            }
        }
        Ok(())
    }
}

impl Show {
    fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match self.format {
            Format::Text => {
                out.write_all(text::about(self.name).as_bytes())?;
                if self.files {
                    out.write_all(text::files(self.name).as_bytes())?;
                }
            }
            Format::Json => {
                serde_json::to_writer_pretty(&mut *out, self.name)?;
                writeln!(out)?;
            }
        }
        Ok(())
    }
}
