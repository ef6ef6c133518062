//! `down`: take the lab down.

use std::io::Write;

use anyhow::Context;
use clap::Args;

use super::Places;
use crate::lab::{self, Claim};

/// Take the lab down: its processes and namespaces, and no others
///
/// Certificates, media and logs stay for the next `up`.
#[derive(Debug, Args)]
pub(crate) struct Down {}

impl Down {
    /// Takes the lab down, or says that there is none.
    pub(crate) fn run(places: &Places, out: &mut dyn Write) -> anyhow::Result<()> {
        let folder = &lab::absolute(places.state())?;
        let nothing = || format!("nothing to do: no lab is up in `{}`", folder.display());
        if !folder.exists() {
            return Ok(writeln!(out, "{}", nothing())?);
        }
        let _claim = Claim::take(folder)?;
        match lab::remove(folder).context("cannot take the lab down")? {
            None => writeln!(out, "{}", nothing())?,
            Some(removed) => writeln!(
                out,
                "the lab in `{}` is down: {} processes ended, {} namespaces removed",
                folder.display(),
                removed.processes,
                removed.namespaces
            )?,
        }
        Ok(())
    }
}
