//! What becomes of a run that has ended: judged, trimmed, put in its place with its sidecar.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::{IpAddr, Ipv4Addr},
    path::Path,
};

use traffic::session::Session;

use super::{
    acceptance::{Judgement, Rejections, View, judge},
    execution::{Executed, Observed},
    ledger::{Ledger, ViewCount},
    plan::RunPlan,
    sidecar::{SCHEMA, Sidecar, label},
    trimming::trim,
};
use crate::{catalogue::Scenario, lab::write_whole};

/// Judges a run's captures and keeps what is accepted of them; what each view brought.
///
/// # Errors
///
/// If a capture cannot be read, or nothing can be written to the folder.
pub(super) fn keep(
    folder: &Path,
    executed: &Executed,
    plan: &RunPlan,
    scenario: &Scenario,
    round: u64,
) -> anyhow::Result<BTreeMap<View, ViewCount>> {
    let mut judgements = Vec::new();
    for observed in &executed.observed {
        judgements.push((observed, judge(&observed.capture, &observed.expected)?));
    }
    // A tunnel in which nothing went on shows no activity.
    let is_idle = judgements.iter().any(|(observed, judgement)| {
        observed.expected.view == View::Inner && judgement.accepted.is_empty()
    });
    let mut views = BTreeMap::new();
    for (observed, mut judgement) in judgements {
        let view = observed.expected.view;
        let mut rejected = judgement.rejections();
        if view == View::Outer && is_idle && !judgement.accepted.is_empty() {
            let idle = judgement.accepted.drain(..).count();
            rejected.insert("idle-tunnel".to_owned(), idle as u64);
        }
        if !judgement.accepted.is_empty() {
            let class = label(scenario.class, view);
            let place = Ledger::place(folder, view, &class, &plan.name)?;
            trim(&observed.capture, &judgement.accepted, &place)?;
            let sidecar = sidecar(
                executed, observed, &judgement, &rejected, plan, scenario, round,
            );
            // Last: a capture counts once it has its sidecar.
            write_whole(&place.with_extension("json"), &sidecar.to_bytes()?)?;
        }
        let mut accepted = BTreeMap::new();
        for session in &judgement.accepted {
            if let Some(host) = remote(session, observed).and_then(|end| host_of(observed, end)) {
                *accepted.entry(host).or_default() += 1;
            }
        }
        views.insert(view, ViewCount { accepted, rejected });
    }
    Ok(views)
}

fn sidecar(
    executed: &Executed,
    observed: &Observed,
    judgement: &Judgement,
    rejected: &Rejections,
    plan: &RunPlan,
    scenario: &Scenario,
    round: u64,
) -> Sidecar {
    let view = observed.expected.view;
    let ends: BTreeSet<Ipv4Addr> = judgement
        .accepted
        .iter()
        .filter_map(|session| remote(session, observed))
        .collect();
    Sidecar {
        schema: SCHEMA,
        run: plan.name.clone(),
        class: label(scenario.class, view),
        activity: scenario.class,
        view,
        application: scenario.application.clone(),
        stack: scenario.stack.clone(),
        tunnel: plan.tunnel.clone(),
        client: observed.expected.client,
        site: plan.site.clone(),
        sites: ends
            .into_iter()
            .filter_map(|end| Some((end, host_of(observed, end)?)))
            .collect(),
        link: plan.link.clone(),
        settings: plan.settings.clone(),
        tunnel_settings: executed.tunnel_notes.clone(),
        notes: executed.notes.clone(),
        parallel: plan.parallel,
        seed: plan.seed,
        round,
        start: executed.start.to_string(),
        seconds: (executed.seconds * 1000.0).round() / 1000.0,
        accepted: judgement.accepted.len(),
        rejected: rejected.clone(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The end of a session that is not the client.
fn remote(session: &Session, observed: &Observed) -> Option<Ipv4Addr> {
    let ends = [session.five_tuple.source, session.five_tuple.destination];
    ends.into_iter().find_map(|end| match end.ip() {
        IpAddr::V4(address) if address != observed.expected.client => Some(address),
        _ => None,
    })
}

fn host_of(observed: &Observed, address: Ipv4Addr) -> Option<String> {
    let expected = &observed.expected;
    expected
        .sites
        .get(&address)
        .or_else(|| expected.gateways.get(&address))
        .cloned()
}
