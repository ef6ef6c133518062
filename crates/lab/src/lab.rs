//! A lab: hosts in network namespaces, joined by a router, and the programs that run on them.

mod claim;
mod creation;
mod host;
mod job;
mod link;
mod namespace;
mod network;
mod process;
mod redirect;
mod removal;
mod settings;
mod state;

use std::{
    net::Ipv4Addr,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use anyhow::{Context, bail};

pub(crate) use self::{
    claim::Claim,
    host::{Host, Role},
    job::{Job, PATH, Program, Record},
    link::Link,
    network::Network,
    redirect::{Protocol, Redirect},
    removal::remove,
    settings::Settings,
    state::{State, write_whole},
};

/// Where the lab lives unless told otherwise.
pub(crate) const DEFAULT_FOLDER: &str = "/var/lib/undertone-lab";

/// A lab that is up.
///
/// Threads share it: each works with a client of its own.
#[derive(Debug)]
pub(crate) struct Lab {
    folder: PathBuf,
    state: Mutex<State>,
}

/// What to make a lab of.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// How many clients there are, one for each worker.
    pub(crate) clients: usize,
    /// How many far ends of tunnels there are, one for each kind.
    pub(crate) gateways: usize,
    /// What addresses and links are drawn from.
    pub(crate) seed: u64,
}

impl Lab {
    /// The lab of a folder, which is up.
    ///
    /// # Errors
    ///
    /// If there is none, or its router does not run any more.
    pub(crate) fn open(folder: &Path) -> anyhow::Result<Self> {
        let folder = &absolute(folder)?;
        let state = State::load(folder)?.filter(|state| state.is_complete);
        let Some(state) = state else {
            bail!(
                "no lab is up in `{}`; start one with `undertone-lab up`",
                folder.display()
            );
        };
        // A router that was killed took the hosts' interfaces with it.
        crate::router::counters(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            state: Mutex::new(state),
        })
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Eight hexadecimal digits that no other lab has.
    pub(crate) fn identity(&self) -> String {
        self.state().identity.clone()
    }

    /// The Python interpreter of the lab's own environment, or the system's where there is none.
    pub(crate) fn python(&self) -> PathBuf {
        let own = self.folder.join("python/bin/python3");
        if own.exists() {
            own
        } else {
            PathBuf::from("/usr/bin/python3")
        }
    }

    /// What it was drawn from.
    pub(crate) fn seed(&self) -> u64 {
        self.state().seed
    }

    /// All its hosts.
    pub(crate) fn hosts(&self) -> Vec<Host> {
        self.state().hosts.clone()
    }

    /// The host of that name.
    ///
    /// # Errors
    ///
    /// If there is none.
    pub(crate) fn host(&self, name: &str) -> anyhow::Result<Host> {
        let state = self.state();
        let host = state.hosts.iter().find(|host| host.name == name);
        let Some(host) = host else {
            let names: Vec<&str> = state.hosts.iter().map(|host| &*host.name).collect();
            bail!("no host is called `{name}`; there are {}", names.join(", "));
        };
        Ok(host.clone())
    }

    /// The hosts whose traffic is captured.
    pub(crate) fn clients(&self) -> Vec<Host> {
        let mut hosts = self.hosts();
        hosts.retain(|host| host.role == Role::Client);
        hosts
    }

    /// Gives a host another link; the router keeps to it from its next packet on.
    ///
    /// # Errors
    ///
    /// If the router does not answer.
    pub(crate) fn set_link(&self, host: &str, link: Link) -> anyhow::Result<()> {
        let host = self.host(host)?;
        crate::router::set_link(&self.folder, &host.name, &link)?;
        let mut state = self.state();
        state.links.insert(host.name, link);
        state.save(&self.folder)
    }

    /// Gives a client another address of its network; `number` is the address's last, 2 to 254.
    ///
    /// # Errors
    ///
    /// If the host is unknown or the number is not a host's.
    pub(crate) fn set_address(&self, client: &str, number: u8) -> anyhow::Result<Ipv4Addr> {
        if !(2..=254).contains(&number) {
            bail!("an address ends in 2 to 254, not in {number}");
        }
        let mut host = self.host(client)?;
        host.address = host.network.address(u32::from(number));
        namespace::set_address(&host)?;
        let mut state = self.state();
        let address = host.address;
        if let Some(place) = state.hosts.iter_mut().find(|other| other.name == host.name) {
            *place = host;
        }
        state.save(&self.folder)?;
        Ok(address)
    }

    /// Gives a host's network stack other settings.
    ///
    /// # Errors
    ///
    /// If the kernel does not know one.
    pub(crate) fn apply_settings(&self, host: &str, settings: &Settings) -> anyhow::Result<()> {
        let host = self.host(host)?;
        let mut lines = vec![
            "set -e".to_owned(),
            format!("ip link set eth0 mtu {}", settings.mtu),
        ];
        for (control, value) in settings.controls() {
            lines.push(format!("sysctl -qw {control}='{value}'"));
        }
        namespace::run(&host.namespace, &lines.join("\n"))?;
        crate::router::set_mtu(&self.folder, &host.name, settings.mtu)
    }

    /// Starts a program on a host; dropped, the job is stopped.
    ///
    /// # Errors
    ///
    /// If the host is unknown, or the program's folder or log cannot be made.
    pub(crate) fn spawn(&self, host: &str, program: &Program) -> anyhow::Result<Job> {
        let host = self.host(host)?;
        let identity = self.state().identity.clone();
        let records = records(&self.folder);
        Job::start(
            program,
            &host.name,
            Some(&host.namespace),
            &identity,
            &records,
        )
    }

    /// Runs a shell script on a host to its end and returns what it wrote.
    ///
    /// # Errors
    ///
    /// If it fails, with its last line.
    pub(crate) fn run_in(&self, host: &str, script: &str) -> anyhow::Result<String> {
        namespace::run(&self.host(host)?.namespace, script)
    }

    /// Makes a name resolve on a host.
    ///
    /// # Errors
    ///
    /// If the host is unknown.
    pub(crate) fn resolve(&self, host: &str, name: &str, address: Ipv4Addr) -> anyhow::Result<()> {
        namespace::add_name(&self.host(host)?.namespace, name, &address.to_string())
    }

    /// Makes a host forget all names that were made to resolve.
    ///
    /// # Errors
    ///
    /// If the host is unknown.
    pub(crate) fn forget_names(&self, host: &str) -> anyhow::Result<()> {
        namespace::forget_names(&self.host(host)?.namespace)
    }

    /// Makes a port of a site lead to another, until the redirect is dropped.
    ///
    /// # Errors
    ///
    /// If the host is unknown or the kernel refuses.
    pub(crate) fn redirect(
        &self,
        site: &str,
        protocol: Protocol,
        port: u16,
        to: u16,
    ) -> anyhow::Result<Redirect> {
        Redirect::add(&self.host(site)?.namespace, protocol, port, to)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A thread that died while it held the state left it whole: each change is one assignment.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A folder's name from the root on, so that it means the same to every process.
pub(crate) fn absolute(folder: &Path) -> anyhow::Result<PathBuf> {
    let folder = std::path::absolute(folder).context("the folder of the lab has no name")?;
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-".contains(letter);
    match folder.to_str().filter(|name| name.chars().all(is_plain)) {
        Some(_) => Ok(folder),
        // Commands and settings of a hundred programs have it in them, each with quotes of its own.
        None => bail!(
            "the lab's folder `{}` may have only letters, digits, `.`, `_` and `-` in its name",
            folder.display()
        ),
    }
}

/// Where the jobs of a lab are written down.
pub(crate) fn records(folder: &Path) -> PathBuf {
    folder.join("jobs")
}

/// What the namespaces of a lab are called before the host's name.
///
/// The lab in the usual place has short names; another has four digits of its folder's name in them.
fn prefix(folder: &Path) -> String {
    if folder == Path::new(DEFAULT_FOLDER) {
        return "ut-".to_owned();
    }
    // FNV-1a: what matters is that two labs side by side hardly ever share it.
    let bytes = folder.as_os_str().as_encoded_bytes();
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    format!("ut-{:04x}-", (hash >> 16) ^ (hash & 0xffff))
}
