//! How a lab is made: namespaces, the router, addresses.

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    path::Path,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::{
    Lab, Plan, absolute,
    host::{self, Host},
    job::{Job, Program},
    link::Link,
    namespace, prefix, records,
    state::{State, write_whole},
};
use crate::router::{self, Config, Hardware, Port};

/// How long the router may take until it listens.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many hosts are set up at a time.
const SIDE_BY_SIDE: usize = 4;

impl Lab {
    /// Makes a lab that is not marked as complete yet; `proceed` fails when somebody wants to stop.
    ///
    /// Whoever calls this removes what was made if it fails.
    ///
    /// # Errors
    ///
    /// If a namespace exists that is not ours, or the router does not start.
    pub(crate) fn create(
        folder: &Path,
        plan: &Plan,
        proceed: &dyn Fn() -> anyhow::Result<()>,
    ) -> anyhow::Result<Self> {
        let folder = absolute(folder)?;
        let hosts = host::hosts(&prefix(&folder), plan.gateways, plan.clients, plan.seed);
        let mut state = State::new(identity()?, plan.seed, hosts);
        let mut random = ChaCha8Rng::seed_from_u64(plan.seed ^ 0x6c69_6e6b);
        for host in &state.hosts {
            let link = Link::draw(host.role, &mut random);
            state.links.insert(host.name.clone(), link);
        }
        fs::create_dir_all(records(&folder))
            .with_context(|| format!("cannot make `{}`", folder.display()))?;
        state.save(&folder)?;
        for host in state.hosts.clone() {
            proceed()?;
            let number = namespace::make(&host.namespace, &state.identity)?;
            state.namespaces.insert(host.namespace, number);
            state.save(&folder)?;
        }
        start_router(&folder, &state)?;
        set_up(&state.hosts, proceed)?;
        Ok(Self {
            folder,
            state: Mutex::new(state),
        })
    }

    /// Marks the lab as complete: from now on it can be opened.
    ///
    /// # Errors
    ///
    /// If the folder cannot be written to.
    pub(crate) fn complete(&self) -> anyhow::Result<()> {
        let mut state = self.state();
        state.is_complete = true;
        state.save(&self.folder)
    }
}

/// Eight hexadecimal digits that no other lab has.
fn identity() -> anyhow::Result<String> {
    let mut bytes = [0; 4];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .context("cannot read `/dev/urandom`")?;
    Ok(format!("{:08x}", u32::from_be_bytes(bytes)))
}

/// The Ethernet address of a host's interface: its network's, so that the router knows it too.
fn hardware(host: &Host) -> Hardware {
    let [first, second, third, _] = host.network.address(0).octets();
    [0x02, 0x5e, 0x20, first, second, third]
}

fn start_router(folder: &Path, state: &State) -> anyhow::Result<()> {
    let ports = state.hosts.iter().map(|host| Port {
        host: host.name.clone(),
        namespace: host.namespace.clone(),
        hardware: hardware(host),
        networks: [host.network].into_iter().chain(host.inside).collect(),
        gateway: host.gateway,
        mtu: 1500,
        link: state
            .links
            .get(&host.name)
            .cloned()
            .unwrap_or_else(Link::ideal),
    });
    let config = Config {
        seed: state.seed,
        ports: ports.collect(),
    };
    let (place, socket) = (folder.join("router.json"), router::socket(folder));
    write_whole(&place, &serde_json::to_vec_pretty(&config)?)?;
    let ours = std::env::current_exe().context("cannot find this program's own file")?;
    let program = Program {
        name: "router".to_owned(),
        shell: "exec \"$PROGRAM\" router \"$CONFIG\" \"$SOCKET\"".to_owned(),
        environment: BTreeMap::from([
            ("PROGRAM".to_owned(), ours.display().to_string()),
            ("CONFIG".to_owned(), place.display().to_string()),
            ("SOCKET".to_owned(), socket.display().to_string()),
        ]),
        folder: folder.to_owned(),
        log: folder.join("log/router.log"),
        ..Program::default()
    };
    let mut job = Job::start(&program, "router", None, &state.identity, &records(folder))?;
    let begun = Instant::now();
    while router::counters(folder).is_err() {
        if !job.is_running() || begun.elapsed() > PATIENCE {
            bail!("the router does not start: {}", last_line(&program.log));
        }
        thread::sleep(Duration::from_millis(20));
    }
    job.leave();
    Ok(())
}

/// The last thing that a log says.
fn last_line(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let last = text.lines().rfind(|line| !line.trim().is_empty());
    last.map_or_else(
        || format!("nothing is said in `{}`", log.display()),
        str::to_owned,
    )
}

/// Gives all hosts their addresses, several at a time: most of it is waiting for programs.
fn set_up(hosts: &[Host], proceed: &dyn Fn() -> anyhow::Result<()>) -> anyhow::Result<()> {
    for some in hosts.chunks(SIDE_BY_SIDE) {
        proceed()?;
        thread::scope(|scope| {
            let started: Vec<_> = some
                .iter()
                .map(|host| scope.spawn(|| namespace::set_up(host, &colons(hardware(host)))))
                .collect();
            started
                .into_iter()
                .try_for_each(|thread| match thread.join() {
                    Ok(outcome) => outcome,
                    Err(_) => bail!("setting up a host panicked"),
                })
        })?;
    }
    Ok(())
}

/// An Ethernet address as programs write it.
fn colons(hardware: Hardware) -> String {
    hardware.map(|byte| format!("{byte:02x}")).join(":")
}
