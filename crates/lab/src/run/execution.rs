//! One run, executed: a client made fresh, captures, perhaps a tunnel, steps side by side.

use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use traffic::timestamp::Timestamp;

use super::{
    acceptance::{Expected, View},
    packet_capture::PacketCapture,
    plan::RunPlan,
    step::{StepGround, StepNote},
};
use crate::{
    catalogue::Scenario,
    draws::Draws,
    lab::{Lab, Role},
    launch::remove,
    services::{Folders, Services},
    tunnels::Gateways,
};

/// What follows the last step until the captures end: answers still on their way.
const AFTERMATH: Duration = Duration::from_millis(500);

/// How long steps that wait look away from the wish to stop, at most.
const TICK: Duration = Duration::from_millis(100);

/// What runs share.
#[derive(Debug)]
pub(crate) struct Stage<'a> {
    /// The lab that is up.
    pub(crate) lab: &'a Lab,
    /// The services of this round.
    pub(crate) services: &'a Services,
    /// The far ends of tunnels.
    pub(crate) gateways: &'a Gateways<'a>,
    /// Where things are.
    pub(crate) folders: &'a Folders,
    /// Set once everything is to stop.
    pub(crate) stop: &'a AtomicBool,
}

/// A capture of a run, and what its sessions must have to do with.
#[derive(Debug)]
pub(crate) struct Observed {
    /// The file.
    pub(crate) capture: PathBuf,
    /// What is meant in it.
    pub(crate) expected: Expected,
}

/// A run that has ended; dropped, its captures are removed.
#[derive(Debug)]
pub(crate) struct Executed {
    /// Direct; or inner and outer.
    pub(crate) observed: Vec<Observed>,
    /// A note for each step, in no particular order.
    pub(crate) notes: Vec<StepNote>,
    /// When the first step began.
    pub(crate) start: Timestamp,
    /// From there to the end of the last step.
    pub(crate) seconds: f64,
    /// The client's address on the wire.
    pub(crate) client: Ipv4Addr,
    /// What was drawn for the tunnel.
    pub(crate) tunnel_notes: BTreeMap<String, serde_json::Value>,
    /// What the steps said.
    pub(crate) log: PathBuf,
    folder: PathBuf,
}

impl Drop for Executed {
    fn drop(&mut self) {
        // What stays is overwritten by the next run of that name.
        let _ = remove(&self.folder);
    }
}

/// Executes a run on a client; `None` if there was a wish to stop.
///
/// # Errors
///
/// If the client cannot be made fresh, a capture or the tunnel does not start, or no step works.
pub(crate) fn execute(
    stage: &Stage<'_>,
    plan: &RunPlan,
    scenario: &Scenario,
    client: &str,
) -> anyhow::Result<Option<Executed>> {
    let Stage { lab, folders, .. } = *stage;
    let folder = folders.run(&plan.name);
    remove(&folder)?;
    fs::create_dir_all(&folder).with_context(|| format!("cannot make `{}`", folder.display()))?;
    let log = folders.run_log(&plan.name);
    if log.exists() {
        fs::remove_file(&log).with_context(|| format!("cannot remove `{}`", log.display()))?;
    }
    let address = make_fresh(lab, plan, client)?;
    let outside = PacketCapture::start(lab, client, "eth0", &folder)?;
    let draws = Draws::new(plan.seed, "tunnel", plan.number);
    let tunnel = plan
        .tunnel
        .as_deref()
        .map(|kind| stage.gateways.open(lab, &lab.host(client)?, kind, &draws))
        .transpose()?;
    let inside = tunnel
        .as_ref()
        .map(|tunnel| PacketCapture::start(lab, client, &tunnel.interface, &folder))
        .transpose()?;
    let start = SystemTime::now();
    let begun = Instant::now();
    let ground = StepGround {
        lab,
        services: stage.services,
        folders,
        scenario,
        client,
        address: tunnel.as_ref().map_or(address, |tunnel| tunnel.address),
        site: &plan.site,
        folder: &folder,
        log: &log,
        names: Mutex::new(()),
    };
    let notes = take_steps(&ground, plan, stage.stop)?;
    let seconds = begun.elapsed().as_secs_f64();
    let inner_address = ground.address;
    thread::sleep(AFTERMATH);
    let inside = inside.map(PacketCapture::stop);
    let tunnel_notes = tunnel.map(|tunnel| {
        let notes = tunnel.notes.clone();
        tunnel.close();
        notes
    });
    let outside = outside.stop();
    if stage.stop.load(Ordering::Relaxed) {
        let _ = remove(&folder);
        return Ok(None);
    }
    let (sites, gateways) = known_hosts(lab);
    let expected = |view, client| Expected {
        view,
        client,
        sites: sites.clone(),
        gateways: gateways.clone(),
    };
    let observed = match inside {
        None => vec![Observed {
            capture: outside,
            expected: expected(View::Direct, address),
        }],
        Some(inside) => vec![
            Observed {
                capture: inside,
                expected: expected(View::Inner, inner_address),
            },
            Observed {
                capture: outside,
                expected: expected(View::Outer, address),
            },
        ],
    };
    Ok(Some(Executed {
        observed,
        notes,
        start: timestamp(start),
        seconds,
        client: address,
        tunnel_notes: tunnel_notes.unwrap_or_default(),
        log,
        folder,
    }))
}

/// Gives the client the address, link and settings that the plan has for it.
fn make_fresh(lab: &Lab, plan: &RunPlan, client: &str) -> anyhow::Result<Ipv4Addr> {
    lab.forget_names(client)?;
    let address = lab.set_address(client, plan.address)?;
    lab.set_link(client, plan.link.clone())?;
    lab.apply_settings(client, &plan.settings)?;
    Ok(address)
}

/// Takes steps side by side until the run's time is up.
///
/// Fails only if not a single step could be taken.
fn take_steps(
    ground: &StepGround<'_>,
    plan: &RunPlan,
    stop: &AtomicBool,
) -> anyhow::Result<Vec<StepNote>> {
    let begun = Instant::now();
    let taken = Mutex::new((Vec::new(), None));
    thread::scope(|scope| {
        for side in 0..plan.parallel {
            let taken = &taken;
            scope.spawn(move || {
                for number in 0..plan.most_steps {
                    let name = format!("step{side}-{number}");
                    let draws = Draws::new(plan.seed, &format!("{} {name}", plan.name), 0);
                    if side > 0 || number > 0 {
                        rest(draws.pause(ground.scenario.pause), plan, begun, stop);
                    }
                    let left = plan.seconds - begun.elapsed().as_secs_f64();
                    if left <= 0.0 || stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let outcome = ground.take(&name, &draws, left, stop);
                    let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
                    match outcome {
                        Ok(note) => taken.0.extend(note),
                        Err(error) => {
                            taken.1 = Some(error);
                            break;
                        }
                    }
                }
            });
        }
    });
    match taken.into_inner().unwrap_or_else(PoisonError::into_inner) {
        (notes, Some(error)) if notes.is_empty() => Err(error),
        (notes, _) => Ok(notes),
    }
}

/// Waits so many seconds, or until the run's time is up or everything is to stop.
fn rest(seconds: f64, plan: &RunPlan, begun: Instant, stop: &AtomicBool) {
    let since = Instant::now();
    while since.elapsed().as_secs_f64() < seconds
        && begun.elapsed().as_secs_f64() < plan.seconds
        && !stop.load(Ordering::Relaxed)
    {
        let left = seconds - since.elapsed().as_secs_f64();
        thread::sleep(TICK.min(Duration::from_secs_f64(left.max(0.0))));
    }
}

/// Hosts that serve, and gateways, by address.
fn known_hosts(lab: &Lab) -> (BTreeMap<Ipv4Addr, String>, BTreeMap<Ipv4Addr, String>) {
    let of = |roles: &[Role]| {
        lab.hosts()
            .into_iter()
            .filter(|host| roles.contains(&host.role))
            .map(|host| (host.address, host.name))
            .collect()
    };
    (of(&[Role::Site, Role::Peer]), of(&[Role::Gateway]))
}

fn timestamp(time: SystemTime) -> Timestamp {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanoseconds(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}
