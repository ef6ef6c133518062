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

/// After how many steps in a row that failed at once a run is given up ...
const GIVE_UP: usize = 5;
/// ... and how long is waited after each, in seconds.
const AFTER_FAILURE: f64 = 2.0;

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
    /// Why it was given up before its time, if it was.
    pub(crate) given_up: Option<String>,
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
    let taken = take_steps(&ground, plan, stage.stop)?;
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
        notes: taken.notes,
        given_up: taken.given_up,
        start: timestamp(start),
        seconds,
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

/// The steps of a run.
#[derive(Debug, Default)]
struct Taken {
    notes: Vec<StepNote>,
    /// Why there are no more.
    given_up: Option<String>,
    /// Steps in a row, on whichever side, that failed at once.
    in_vain: usize,
    error: Option<anyhow::Error>,
}

/// Takes steps side by side until the run's time is up, or they fail again and again.
///
/// Fails only if not a single step could be taken.
fn take_steps(ground: &StepGround<'_>, plan: &RunPlan, stop: &AtomicBool) -> anyhow::Result<Taken> {
    let begun = Instant::now();
    let taken = Mutex::new(Taken::default());
    thread::scope(|scope| {
        for side in 0..plan.parallel {
            let taken = &taken;
            scope.spawn(move || take_side(ground, plan, side, begun, taken, stop));
        }
    });
    let taken = taken.into_inner().unwrap_or_else(PoisonError::into_inner);
    match taken.error {
        Some(error) if taken.notes.is_empty() => Err(error),
        error => Ok(Taken { error, ..taken }),
    }
}

/// Takes the steps of one side, one after another.
fn take_side(
    ground: &StepGround<'_>,
    plan: &RunPlan,
    side: usize,
    begun: Instant,
    taken: &Mutex<Taken>,
    stop: &AtomicBool,
) {
    let taken = || taken.lock().unwrap_or_else(PoisonError::into_inner);
    for number in 0..plan.most_steps {
        let name = format!("step{side}-{number}");
        let draws = Draws::new(plan.seed, &format!("{} {name}", plan.name), 0);
        if side > 0 || number > 0 {
            rest(draws.pause(ground.scenario.pause), plan, begun, stop);
        }
        let left = plan.seconds - begun.elapsed().as_secs_f64();
        if left <= 0.0 || stop.load(Ordering::Relaxed) || taken().given_up.is_some() {
            return;
        }
        let note = match ground.take(&name, &draws, left, stop) {
            Ok(Some(note)) => note,
            Ok(None) => return,
            Err(error) => {
                taken().error = Some(error);
                return;
            }
        };
        let has_failed = note.failed_at_once();
        taken().add(note);
        if has_failed {
            rest(AFTER_FAILURE, plan, begun, stop);
        }
    }
}

impl Taken {
    fn add(&mut self, note: StepNote) {
        self.in_vain = if note.failed_at_once() {
            self.in_vain + 1
        } else {
            0
        };
        if self.in_vain >= GIVE_UP {
            let exit = note
                .exit
                .map_or("a signal".to_owned(), |exit| format!("exit code {exit}"));
            self.given_up = Some(format!(
                "given up after {} steps in a row that failed at once, the last with {exit}",
                self.in_vain
            ));
        }
        self.notes.push(note);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds steps with these exit codes and lengths; whether the run is given up.
    #[track_caller]
    fn check(steps: &[(i32, f64)], is_given_up: bool) {
        let mut taken = Taken::default();
        for &(exit, seconds) in steps {
            taken.add(StepNote {
                service: "echo".to_owned(),
                site: "a".to_owned(),
                address: Ipv4Addr::LOCALHOST,
                hostname: "www.example.org".to_owned(),
                ports: Vec::new(),
                plaintext: "none".to_owned(),
                exit: Some(exit),
                seconds,
                notes: BTreeMap::new(),
            });
        }
        assert_eq!(taken.given_up.is_some(), is_given_up);
    }

    #[test]
    fn five_failures_at_once_in_a_row_end_a_run() {
        check(&[(1, 0.2); 4], false);
        check(&[(1, 0.2); 5], true);
        check(
            &[(1, 0.2), (1, 0.2), (0, 0.2), (1, 0.2), (1, 0.2), (1, 0.2)],
            false,
        );
    }

    #[test]
    fn a_failure_after_a_conversation_or_a_time_out_is_none_at_once() {
        check(&[(1, 1.5); 9], false);
        check(&[(124, 30.0); 9], false);
    }
}
