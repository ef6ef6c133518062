//! How a lab is removed, whether it ended in peace or was killed: its processes, its namespaces, nothing else.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use anyhow::bail;
use rustix::process::Signal;

use super::{
    absolute,
    job::{self, MARK, Record},
    namespace,
    process::{self, Process},
    records,
    state::State,
};

/// How long killed processes may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// What was removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Removed {
    /// Processes that were ended.
    pub(crate) processes: usize,
    /// Network namespaces.
    pub(crate) namespaces: usize,
}

/// Removes the lab of a folder; what can be used again (certificates, media, logs) stays.
///
/// `None` if the folder has no lab.
///
/// # Errors
///
/// If the state is damaged, or something does not go away.
pub(crate) fn remove(folder: &Path) -> anyhow::Result<Option<Removed>> {
    let folder = &absolute(folder)?;
    let Some(state) = State::load(folder)? else {
        return Ok(None);
    };
    let ours: Vec<(&str, Option<u64>)> = state
        .hosts
        .iter()
        .map(|host| &*host.namespace)
        .map(|name| (name, state.namespaces.get(name).copied()))
        .filter(|&(name, number)| namespace::is_ours(name, number, &state.identity))
        .collect();
    // One that starts another while it is ended leaves a second round something to do.
    let mut ended = BTreeSet::new();
    let begun = Instant::now();
    loop {
        let found = processes(folder, &state, &ours);
        if found.is_empty() {
            break;
        }
        if begun.elapsed() > PATIENCE {
            bail!("{} processes of the lab cannot be ended", found.len());
        }
        if ended.is_empty() {
            job::end(&found, &mut || {});
        } else {
            for process in &found {
                process.signal(Signal::KILL);
            }
            thread::sleep(Duration::from_millis(50));
        }
        ended.extend(found);
    }
    for host in &state.hosts {
        let number = state.namespaces.get(&host.namespace).copied();
        namespace::remove(&host.namespace, number, &state.identity)?;
    }
    let _ = fs::remove_dir_all(records(folder));
    for file in ["router.json", "router.sock"] {
        let _ = fs::remove_file(folder.join(file));
    }
    State::remove(folder)?;
    Ok(Some(Removed {
        processes: ended.len(),
        namespaces: ours.len(),
    }))
}

/// The processes of the lab: those written down with all of their sessions, those with its mark, and
/// whatever else runs in its namespaces, which would be left without a network.
fn processes(folder: &Path, state: &State, ours: &[(&str, Option<u64>)]) -> Vec<Process> {
    let mut found = BTreeSet::new();
    for Record { process, .. } in Record::all(&records(folder)) {
        // Long after its leader has gone, a session's number may be somebody else's.
        if process.is_running() {
            found.extend(process.session());
        }
    }
    found.extend(process::with_variable(MARK, &state.identity));
    for (name, _) in ours {
        found.extend(
            namespace::processes(name)
                .into_iter()
                .filter_map(Process::of),
        );
    }
    found.retain(|process| process.is_running());
    found.into_iter().collect()
}
