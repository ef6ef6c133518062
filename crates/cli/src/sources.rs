//! Sources: the captures that a command reads one after another, from files, folders and
//! standard input.

use std::{
    fmt,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicBool, Ordering},
};

use anyhow::bail;
use learn::capture_files;
use traffic::capture::{CaptureError, CaptureReader};

use crate::numbers::{count, counted};

/// One capture to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Source {
    path: PathBuf,
}

/// What the paths stand for: themselves, the captures below them, or standard input.
///
/// All of them before the first is read: a folder without captures hides no other error.
pub(crate) fn sources(paths: &[PathBuf]) -> anyhow::Result<Vec<Source>> {
    let mut sources = Vec::new();
    for path in paths {
        let source = Source { path: path.clone() };
        if source.is_standard_input() {
            if io::stdin().is_terminal() {
                bail!("standard input is a terminal; pipe a capture into it, or name a file");
            }
            sources.push(source);
        } else if path.is_dir() {
            let found = capture_files::find(std::slice::from_ref(path))?;
            if !found.others.is_empty() {
                let number = counted(found.others.len() as u64, "file");
                let path = path.display();
                writeln!(io::stderr(), "{path}: {number} passed over, no captures")?;
            }
            let captures = found.captures.into_iter();
            sources.extend(captures.map(|file| Source { path: file.path }));
        } else {
            sources.push(source);
        }
    }
    Ok(sources)
}

/// Reads one source after another; one that cannot be read to its end is told on standard error
/// and does not keep the others from being read.
///
/// # Errors
///
/// If any source failed, at the end; at once if `read` could not write what it found (a bare
/// [`io::Error`]), or `stop` is set.
pub(crate) fn read_each(
    sources: &[Source],
    stop: &AtomicBool,
    mut read: impl FnMut(&Source) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut failed = 0;
    for source in sources {
        let Err(error) = read(source) else { continue };
        // Whoever reports our failure tells the only error there is, or the last.
        if sources.len() == 1 || error.is::<io::Error>() || stop.load(Ordering::Relaxed) {
            return Err(error);
        }
        failed += 1;
        writeln!(io::stderr(), "error: {error:#}")?;
    }
    if failed > 0 {
        let all = counted(sources.len() as u64, "capture");
        bail!("{} of {all} cannot be read to the end", count(failed));
    }
    Ok(())
}

impl Source {
    /// The path as given, or found below one.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens it, in whichever format and compression it is.
    pub(crate) fn open(&self) -> Result<CaptureReader, CaptureError> {
        if self.is_standard_input() {
            CaptureReader::new(Box::new(io::stdin()))
        } else {
            CaptureReader::open(&self.path)
        }
    }

    /// What may stop it before its end: whoever sets `asked`, except for standard input. The end
    /// of a pipe follows from the end of its writer, which Ctrl-C reaches too.
    pub(crate) fn stop<'a>(&self, asked: &'a AtomicBool) -> &'a AtomicBool {
        static NEVER: AtomicBool = AtomicBool::new(false);
        if self.is_standard_input() {
            &NEVER
        } else {
            asked
        }
    }

    /// An error if it was stopped before its end.
    pub(crate) fn check_read_to_end(&self, asked: &AtomicBool) -> anyhow::Result<()> {
        if self.stop(asked).load(Ordering::Relaxed) {
            bail!("stopped in `{self}`; what follows was not read");
        }
        Ok(())
    }

    fn is_standard_input(&self) -> bool {
        self.path.as_os_str() == "-"
    }
}

/// As people read it.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_standard_input() {
            f.write_str("standard input")
        } else {
            self.path.display().fmt(f)
        }
    }
}
