//! Installing what is missing: with `apt-get`, unpacked beside the system where packages conflict, and with `pip`.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use anyhow::Context;

use super::supplies::{self, Needs};
use crate::{
    launch::remove,
    shell::{attempt, output},
};

/// Installs what this machine lacks of the needs; `say` is told what comes next.
///
/// # Errors
///
/// If a package cannot be had; it is named. What was installed before it stays.
pub(crate) fn install(needs: &Needs, state: &Path, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let missing = needs.missing(state);
    if !missing.packages.is_empty() {
        say(&format!("installing {} packages", missing.packages.len()));
        packages(&missing.packages)?;
    }
    for (service, packages) in &missing.unpacked {
        say(&format!("unpacking the packages of `{service}`"));
        unpack(packages, &supplies::root(state, service))
            .with_context(|| format!("cannot unpack the packages of `{service}`"))?;
    }
    if !missing.python.is_empty() {
        say("making the Python environment");
        python(&missing.python, &supplies::environment(state))
            .context("cannot make the Python environment")?;
    }
    Ok(())
}

/// Installs Debian packages; if one of them cannot be had, all the others still are.
fn packages(names: &BTreeSet<String>) -> anyhow::Result<()> {
    if apt(names).is_ok() {
        return Ok(());
    }
    // One that does not exist or conflicts makes apt-get refuse them all.
    let mut refused = Vec::new();
    for name in names {
        if let Err(error) = apt(&BTreeSet::from([name.clone()])) {
            refused.push(format!("`{name}` ({error:#})"));
        }
    }
    anyhow::ensure!(
        refused.is_empty(),
        "cannot install {}; `apt-get update` may help",
        refused.join(", ")
    );
    Ok(())
}

fn apt(names: &BTreeSet<String>) -> anyhow::Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(["install", "-y", "--no-install-recommends"])
        .args(["-o", "Dpkg::Use-Pty=0", "-o", "DPkg::Lock::Timeout=300"])
        // Nobody is asked, and servers are not started outside of the lab: what Debian's scripts
        // start depends on the run level, and in single-user mode nothing is.
        .env("DEBIAN_FRONTEND", "noninteractive")
        .env("RUNLEVEL", "1")
        .args(names);
    output(&mut command).map(drop)
}

/// Downloads packages and unpacks them into a folder, without installing them.
fn unpack(names: &BTreeSet<String>, root: &Path) -> anyhow::Result<()> {
    remove(root)?;
    let downloads = root.join("downloads");
    fs::create_dir_all(&downloads)
        .with_context(|| format!("cannot make `{}`", downloads.display()))?;
    output(
        Command::new("apt-get")
            .arg("download")
            .args(names)
            .current_dir(&downloads),
    )?;
    for entry in fs::read_dir(&downloads)? {
        let package = entry?.path();
        output(Command::new("dpkg").arg("-x").arg(&package).arg(root))?;
    }
    fs::remove_dir_all(&downloads)?;
    supplies::list(root, names)
}

/// Makes a Python environment with these packages; the system's own are seen from it too.
fn python(names: &BTreeSet<String>, folder: &Path) -> anyhow::Result<()> {
    let interpreter = folder.join("bin/python3");
    let is_whole =
        |path: &Path| attempt(Command::new(path).args(["-m", "pip", "--version"])).is_ok();
    if !is_whole(&interpreter) {
        remove(folder)?;
        output(
            Command::new("/usr/bin/python3")
                .args(["-m", "venv", "--system-site-packages"])
                .arg(folder),
        )?;
    }
    output(
        Command::new(&interpreter)
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(names),
    )?;
    supplies::list(folder, names)
}
