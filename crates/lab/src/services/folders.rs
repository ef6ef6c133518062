//! Where services and steps find things in the state folder.

use std::path::{Path, PathBuf};

/// The folders of a lab's state folder that templates name.
#[derive(Debug, Clone)]
pub(crate) struct Folders {
    state: PathBuf,
}

impl Folders {
    /// Those of a lab.
    pub(crate) fn new(state: &Path) -> Self {
        Self {
            state: state.to_owned(),
        }
    }

    /// Programs of the catalogue.
    pub(crate) fn apps(&self) -> PathBuf {
        self.state.join("apps")
    }

    /// Sound, video and files to serve.
    pub(crate) fn media(&self) -> PathBuf {
        self.state.join("media")
    }

    /// Where the unpacked packages of a service lie.
    pub(crate) fn root(&self, service: &str) -> PathBuf {
        self.state.join("root").join(service)
    }

    /// The Python interpreter of the lab's environment, or the system's where there is none.
    pub(crate) fn python(&self) -> PathBuf {
        let own = self.state.join("python/bin/python3");
        if own.exists() {
            own
        } else {
            PathBuf::from("/usr/bin/python3")
        }
    }

    /// A service's own folder on a host.
    pub(crate) fn service(&self, service: &str, host: &str) -> PathBuf {
        self.state
            .join("services")
            .join(format!("{service}-{host}"))
    }

    /// What a service on a host says.
    pub(crate) fn service_log(&self, service: &str, host: &str) -> PathBuf {
        self.state.join("log").join(format!("{service}-{host}.log"))
    }

    /// Where a run's captures and steps live until they are judged.
    pub(crate) fn run(&self, run: &str) -> PathBuf {
        self.state.join("runs").join(run)
    }

    /// What the steps of a run say.
    pub(crate) fn run_log(&self, run: &str) -> PathBuf {
        self.state
            .join("log")
            .join("runs")
            .join(format!("{run}.log"))
    }
}
