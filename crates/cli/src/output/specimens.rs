//! Specimens: unknown sessions as captures, for whoever finds out what they are.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::Args;
use learn::files::write_whole;
use traffic::{excerpt::ExcerptLimits, session::Session};

use super::identity::Identity;
use crate::numbers::{count, counted};

/// Whether sessions that are unknown are kept, and how many.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Unknown sessions")]
pub(crate) struct SpecimenArguments {
    /// Keep the first packets of each session that is unknown (64 at most, and 64 KiB) as a pcap
    /// file in this folder, for labelling
    #[arg(long, value_name = "FOLDER")]
    save_unknown: Option<PathBuf>,
    /// The most pcap files in that folder, of 67 KB each at most; what is unknown beyond that is
    /// counted and not kept
    #[arg(
        long,
        default_value = "1000",
        value_name = "FILES",
        requires = "save_unknown"
    )]
    save_unknown_limit: u64,
}

impl SpecimenArguments {
    /// How much of each session must be kept while it is open.
    pub(crate) fn excerpts(&self) -> Option<ExcerptLimits> {
        self.save_unknown.as_ref().map(|_| ExcerptLimits::default())
    }

    /// The folder, made and looked through.
    pub(super) fn open(&self) -> anyhow::Result<Option<Specimens>> {
        let Some(folder) = &self.save_unknown else {
            return Ok(None);
        };
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
        let there = captures_in(folder)
            .with_context(|| format!("cannot read the folder `{}`", folder.display()))?;
        Ok(Some(Specimens {
            folder: folder.clone(),
            room: self.save_unknown_limit.saturating_sub(there),
            kept: 0,
            left_out: 0,
        }))
    }
}

fn captures_in(folder: &Path) -> io::Result<u64> {
    let mut captures = 0;
    for entry in fs::read_dir(folder)? {
        let is_capture = entry?.path().extension().is_some_and(|end| end == "pcap");
        captures += u64::from(is_capture);
    }
    Ok(captures)
}

/// A folder that unknown sessions are kept in.
pub(super) struct Specimens {
    folder: PathBuf,
    /// For how many more.
    room: u64,
    kept: u64,
    left_out: u64,
}

impl Specimens {
    /// Keeps a session, if there is room; one that is there already stays.
    pub(super) fn keep(&mut self, session: &Session) -> anyhow::Result<()> {
        let excerpt = session.excerpt.as_ref();
        let Some(excerpt) = excerpt.filter(|excerpt| excerpt.packets() > 0 && self.room > 0) else {
            self.left_out += 1;
            return Ok(());
        };
        let path = self.folder.join(name_of(session));
        if !path.exists() {
            write_whole(&path, &excerpt.to_pcap())
                .with_context(|| format!("cannot write `{}`", path.display()))?;
            self.room -= 1;
        }
        self.kept += 1;
        Ok(())
    }

    /// How many were kept, and how many not.
    pub(super) fn summary(&self) -> String {
        let kept = counted(self.kept, "unknown session");
        let text = format!("{kept} kept in `{}`", self.folder.display());
        if self.left_out == 0 {
            return text;
        }
        let more = count(self.left_out);
        format!("{text}; {more} more not, for want of room (--save-unknown-limit)")
    }
}

/// When it began, and its `uid` in Zeek's log.
fn name_of(session: &Session) -> String {
    let second: String = session.start.to_string()[..19].replace(['-', ':'], "");
    format!("{second}Z-{}.pcap", Identity::of(session).name())
}
