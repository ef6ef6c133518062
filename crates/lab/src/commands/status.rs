//! `status`: what is up.

use std::{collections::BTreeMap, io::Write};

use anyhow::Context;
use clap::Args;
use comfy_table::{Table, presets};
use serde::Serialize;

use super::{Format, Places};
use crate::{
    lab::{self, Host, Link, Record, State},
    router::{self, Counters},
};

/// Say what is up: hosts, links, router, programs
#[derive(Debug, Args)]
pub(crate) struct Status {
    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// A lab as `status` tells it.
#[derive(Debug, Serialize)]
struct Overview {
    folder: String,
    /// `up`, `broken` or `down`.
    state: &'static str,
    seed: Option<u64>,
    hosts: Vec<HostOverview>,
    programs: Vec<ProgramOverview>,
}

#[derive(Debug, Serialize)]
struct HostOverview {
    #[serde(flatten)]
    host: Host,
    link: Option<Link>,
    counters: Option<Counters>,
}

#[derive(Debug, Serialize)]
struct ProgramOverview {
    name: String,
    host: String,
    pid: u32,
    is_running: bool,
}

impl Status {
    /// Says what is up; a lab that is down is no failure.
    pub(crate) fn run(&self, places: &Places, out: &mut dyn Write) -> anyhow::Result<()> {
        let folder = lab::absolute(places.state())?;
        let state = State::load(&folder)?;
        let counters = router::counters(&folder).ok();
        let programs = Record::all(&lab::records(&folder));
        let overview = overview(folder.display().to_string(), state, counters, programs);
        match self.format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut *out, &overview)
                    .context("cannot write the status")?;
                writeln!(out)?;
            }
            Format::Text => write!(out, "{}", text(&overview))?,
        }
        Ok(())
    }
}

fn overview(
    folder: String,
    state: Option<State>,
    counters: Option<BTreeMap<String, Counters>>,
    programs: Vec<Record>,
) -> Overview {
    let seed = state.as_ref().map(|state| state.seed);
    let word = match (&state, &counters) {
        (None, _) => "down",
        (Some(state), Some(_)) if state.is_complete => "up",
        _ => "broken",
    };
    let counters = counters.unwrap_or_default();
    let (hosts, mut links) =
        state.map_or_else(Default::default, |state| (state.hosts, state.links));
    let hosts = hosts.into_iter().map(|host| HostOverview {
        link: links.remove(&host.name),
        counters: counters.get(&host.name).cloned(),
        host,
    });
    let mut programs: Vec<ProgramOverview> = programs
        .into_iter()
        .map(|record| ProgramOverview {
            pid: record.process.pid,
            is_running: record.process.is_running(),
            name: record.name,
            host: record.host,
        })
        .collect();
    programs.sort_by(|one, other| (&one.host, &one.name).cmp(&(&other.host, &other.name)));
    Overview {
        folder,
        state: word,
        seed,
        hosts: hosts.collect(),
        programs,
    }
}

fn text(overview: &Overview) -> String {
    let Overview { folder, state, .. } = overview;
    let text = match (*state, overview.seed) {
        ("down", _) => return format!("no lab is up in `{folder}`\n"),
        ("up", Some(seed)) => format!("the lab in `{folder}` is up (seed {seed})\n\n"),
        _ => format!(
            "the lab in `{folder}` is broken: `undertone-lab down` removes what is left of it\n\n"
        ),
    };
    let mut hosts = Table::new();
    hosts.load_style(presets::NOTHING);
    hosts.set_header([
        "host",
        "namespace",
        "address",
        "link",
        "ms",
        "received",
        "sent",
        "lost",
    ]);
    for HostOverview {
        host,
        link,
        counters,
    } in &overview.hosts
    {
        let counters = counters.clone().unwrap_or_default();
        let lost = counters.lost + counters.crowded_out + counters.refused;
        hosts.add_row([
            host.name.clone(),
            host.namespace.clone(),
            host.address.to_string(),
            link.as_ref()
                .map_or_else(String::new, |link| link.kind.clone()),
            link.as_ref()
                .map_or_else(String::new, |link| format!("{:.1}", link.delay_ms)),
            counters.received.to_string(),
            counters.sent.to_string(),
            lost.to_string(),
        ]);
    }
    let mut programs = Table::new();
    programs.load_style(presets::NOTHING);
    programs.set_header(["program", "host", "process", ""]);
    for program in &overview.programs {
        programs.add_row([
            program.name.clone(),
            program.host.clone(),
            program.pid.to_string(),
            if program.is_running {
                "runs"
            } else {
                "has ended"
            }
            .to_owned(),
        ]);
    }
    format!("{text}{hosts}\n\n{programs}\n")
}
