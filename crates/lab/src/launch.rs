//! Programs of the catalogue: their files written, their preparation run, started, and waited for until they are up.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, bail};

use crate::{
    catalogue::{Ready, RenderedFile},
    lab::{Job, Lab, Program},
    readiness, shell,
};

/// How long a preparation may take.
const PREPARATION: Duration = Duration::from_secs(90);

/// Lines of a log that an error shows.
const TAIL: usize = 4;

/// A program to be started with everything that it needs.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    /// What it is called.
    pub(crate) name: &'a str,
    /// The host that it runs on.
    pub(crate) host: &'a str,
    /// Its own folder, emptied first.
    pub(crate) folder: PathBuf,
    /// What it says, emptied first.
    pub(crate) log: PathBuf,
    /// Files below its folder.
    pub(crate) files: &'a [RenderedFile],
    /// Its environment.
    pub(crate) environment: BTreeMap<String, String>,
    /// Shell to its end before it starts.
    pub(crate) prepare: Option<&'a str>,
    /// Shell on another host after that, before it starts.
    pub(crate) elsewhere: Option<(&'a str, &'a str)>,
    /// The program, in the foreground.
    pub(crate) command: &'a str,
    /// How it shows that it is up.
    pub(crate) ready: &'a Ready,
}

impl Launch<'_> {
    /// Starts the program and waits until it is up.
    ///
    /// # Errors
    ///
    /// If it does not come up, with the end of its log; nothing of it runs then.
    pub(crate) fn start(&self, lab: &Lab) -> anyhow::Result<Job> {
        let (folder, log) = (&self.folder, &self.log);
        // What an earlier start left (sockets, process numbers, locks) would confuse this one.
        remove(folder)?;
        fs::create_dir_all(folder)
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
        if log.exists() {
            fs::remove_file(log).with_context(|| format!("cannot remove `{}`", log.display()))?;
        }
        write_files(folder, self.files)?;
        if let Some(prepare) = self.prepare {
            self.prepare(lab, prepare)?;
        }
        if let Some((host, script)) = self.elsewhere {
            lab.run_in(host, script)?;
        }
        let mut job = lab.spawn(self.host, &self.program(self.name.to_owned(), self.command))?;
        if let Err(reason) = readiness::wait(self.ready, &mut job, log) {
            job.stop();
            bail!("{reason}; {}", tail(log));
        }
        Ok(job)
    }

    fn prepare(&self, lab: &Lab, script: &str) -> anyhow::Result<()> {
        let name = format!("{} (preparation)", self.name);
        let mut job = lab.spawn(self.host, &self.program(name, script))?;
        match job.wait(PREPARATION) {
            Some(status) if status.success() => Ok(()),
            Some(status) => bail!("its preparation failed ({status}); {}", tail(&self.log)),
            None => bail!(
                "its preparation is not done after {} s; {}",
                PREPARATION.as_secs(),
                tail(&self.log)
            ),
        }
    }

    fn program(&self, name: String, shell: &str) -> Program {
        Program {
            name,
            shell: shell.to_owned(),
            environment: self.environment.clone(),
            folder: self.folder.clone(),
            log: self.log.clone(),
            timeout: None,
            user: None,
        }
    }
}

/// Writes rendered files below a folder, with their permissions and owners.
///
/// # Errors
///
/// If one cannot be written; it is named.
pub(crate) fn write_files(folder: &Path, files: &[RenderedFile]) -> anyhow::Result<()> {
    for file in files {
        let path = folder.join(&file.path);
        let cannot = || format!("cannot write `{}`", path.display());
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(cannot)?;
        }
        fs::write(&path, &file.content).with_context(cannot)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(file.mode)).with_context(cannot)?;
        if let Some(owner) = &file.owner {
            shell::output(Command::new("chown").arg(owner).arg(&path))?;
        }
    }
    Ok(())
}

/// Removes a folder and all in it, if it is there.
///
/// # Errors
///
/// If it stays.
pub(crate) fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove `{}`", folder.display()))
        }
        _ => Ok(()),
    }
}

/// The last lines of a log, on one line.
pub(crate) fn tail(log: &Path) -> String {
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return format!("nothing is said in `{}`", log.display());
    }
    let last = &lines[lines.len().saturating_sub(TAIL)..];
    format!("`{}` ends: {}", log.display(), last.join(" / "))
}
