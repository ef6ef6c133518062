//! What the catalogue needs: Debian packages, unpacked packages, Python packages.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use super::{Finding, State};
use crate::{
    catalogue::Catalogue,
    shell::{attempt, output},
};

/// The file in a folder of unpacked packages, or of Python packages, that says which they are.
const LIST: &str = "undertone-lab.list";

/// What the catalogue's files ask for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Needs {
    /// Debian packages.
    pub(super) packages: BTreeSet<String>,
    /// Debian packages to be unpacked, by service.
    pub(super) unpacked: BTreeMap<String, BTreeSet<String>>,
    /// Python packages.
    pub(super) python: BTreeSet<String>,
}

impl Needs {
    /// The needs of all files of a catalogue.
    pub(crate) fn of(catalogue: &Catalogue) -> Self {
        let mut needs = Self::default();
        for service in catalogue.services.values() {
            needs.packages.extend(service.packages.iter().cloned());
            if !service.unpack.is_empty() {
                let packages = service.unpack.iter().cloned().collect();
                needs.unpacked.insert(service.name.clone(), packages);
            }
        }
        for scenario in catalogue.scenarios.values() {
            needs.packages.extend(scenario.packages.iter().cloned());
            needs.python.extend(scenario.python.iter().cloned());
        }
        for tunnel in catalogue.tunnels.values() {
            needs.packages.extend(tunnel.packages.iter().cloned());
        }
        if !needs.python.is_empty() {
            needs.packages.insert("python3-venv".to_owned());
        }
        needs
    }

    /// The part of them that this machine does not have.
    pub(super) fn missing(&self, state: &Path) -> Self {
        let installed = installed();
        let lacks = |packages: &BTreeSet<String>, folder: &Path| {
            let there = listed(folder);
            !packages.iter().all(|package| there.contains(package))
        };
        Self {
            packages: self.packages.difference(&installed).cloned().collect(),
            unpacked: self
                .unpacked
                .iter()
                .filter(|(service, packages)| lacks(packages, &root(state, service)))
                .map(|(service, packages)| (service.clone(), packages.clone()))
                .collect(),
            python: if lacks(&self.python, &environment(state)) {
                self.python.clone()
            } else {
                BTreeSet::new()
            },
        }
    }
}

/// Where the unpacked packages of a service lie.
pub(super) fn root(state: &Path, service: &str) -> PathBuf {
    state.join("root").join(service)
}

/// Where the lab's Python environment lies.
pub(super) fn environment(state: &Path) -> PathBuf {
    state.join("python")
}

/// The packages that a folder says it has.
fn listed(folder: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(folder.join(LIST)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// Writes down which packages a folder has: last of all, so that a list means that all are there.
pub(super) fn list(folder: &Path, packages: &BTreeSet<String>) -> anyhow::Result<()> {
    let lines: Vec<&str> = packages.iter().map(String::as_str).collect();
    crate::lab::write_whole(&folder.join(LIST), lines.join("\n").as_bytes())
}

/// The Debian packages that are installed.
fn installed() -> BTreeSet<String> {
    let mut query = Command::new("dpkg-query");
    query.args(["-W", "-f", "${db:Status-Status} ${Package}\n"]);
    let told = output(&mut query).unwrap_or_default();
    told.lines()
        .filter_map(|line| line.strip_prefix("installed "))
        .map(str::to_owned)
        .collect()
}

/// The line that installs packages.
pub(super) fn install_line(packages: &[&str]) -> String {
    format!(
        "apt-get install -y --no-install-recommends {}",
        packages.join(" ")
    )
}

/// What there is of the needs.
pub(super) fn findings(needs: &Needs, state: &Path) -> Vec<Finding> {
    if attempt(Command::new("dpkg-query").arg("--version")).is_err() {
        return vec![Finding::new(
            State::Missing,
            "packages of the catalogue",
            "there is no `dpkg-query`: this is no Debian or Ubuntu",
            "install the programs of the catalogue in your system's way",
        )];
    }
    let missing = needs.missing(state);
    let counted = |count: usize| format!("all {count}");
    let packages: Vec<&str> = missing.packages.iter().map(String::as_str).collect();
    let subject = "packages of the catalogue";
    let mut findings = vec![if packages.is_empty() {
        Finding::good(subject, counted(needs.packages.len()))
    } else {
        let found = format!("{} of {} are missing", packages.len(), needs.packages.len());
        Finding::new(State::Missing, subject, found, install_line(&packages))
    }];
    let subject = "unpacked packages";
    findings.push(if missing.unpacked.is_empty() {
        Finding::good(subject, counted(needs.unpacked.len()))
    } else {
        let services: Vec<&str> = missing.unpacked.keys().map(String::as_str).collect();
        Finding::new(
            State::Missing,
            subject,
            format!("missing for {}", services.join(", ")),
            "undertone-lab doctor --install",
        )
    });
    let subject = "Python packages";
    findings.push(if missing.python.is_empty() {
        Finding::good(subject, counted(needs.python.len()))
    } else {
        let names: Vec<&str> = missing.python.iter().map(String::as_str).collect();
        Finding::new(
            State::Missing,
            subject,
            format!("no environment with {}", names.join(", ")),
            "undertone-lab doctor --install",
        )
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().copied().map(str::to_owned).collect()
    }

    #[test]
    fn what_is_written_down_is_not_missing_and_a_new_need_is() {
        let state = tempfile::tempdir().unwrap();
        let mut needs = Needs {
            packages: set(&["dpkg", "no-such-package"]),
            unpacked: BTreeMap::from([("exim".to_owned(), set(&["exim4-base"]))]),
            python: set(&["aioquic"]),
        };
        let missing = needs.missing(state.path());
        assert_eq!(missing.unpacked, needs.unpacked);
        assert_eq!(missing.python, needs.python);
        assert!(missing.packages.contains("no-such-package"));

        for folder in [root(state.path(), "exim"), environment(state.path())] {
            fs::create_dir_all(&folder).unwrap();
            list(&folder, &set(&["exim4-base", "aioquic"])).unwrap();
        }
        let missing = needs.missing(state.path());
        assert!(missing.unpacked.is_empty() && missing.python.is_empty());

        needs.python.insert("httpx[http2]".to_owned());
        assert_eq!(needs.missing(state.path()).python, needs.python);
    }
}
