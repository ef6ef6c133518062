//! Snapshots: what the page shows, as JSON.

use learn::classifier::Verdict;
use serde::Serialize;

use super::{
    Server,
    followed::{Followed, Heard, Kind},
};
use crate::overview::{Extent, Groups, Line, Order, Overview, Shade};

/// The most sessions in a snapshot.
const MOST: usize = 500;

/// All sources, and what the page must know besides.
#[derive(Serialize)]
pub(super) struct Listing {
    model: String,
    upload_limit_bytes: u64,
    sources: Vec<Named>,
}

#[derive(Serialize)]
struct Named {
    number: u64,
    name: String,
    kind: Kind,
    state: &'static str,
}

/// One source.
#[derive(Serialize)]
pub(super) struct Snapshot {
    number: u64,
    name: String,
    kind: Kind,
    state: &'static str,
    failure: Option<String>,
    /// Time of the latest packet.
    latest: Option<String>,
    totals: Totals,
    groups: Vec<Group>,
    timeline: Timeline,
    /// Sessions that are kept; those of `sessions` are the first of them.
    kept: usize,
    sessions: Vec<Session>,
}

#[derive(Serialize)]
struct Totals {
    frames: u64,
    packets: u64,
    skipped: u64,
    bytes: u64,
    open: usize,
    told: u64,
    /// Of the sessions that the model was asked about.
    unknown: Option<f64>,
    lost: u64,
    unjudged: u64,
    unasked: u64,
    /// In what the latest sessions are unlike those that the model was validated on.
    drift: Option<String>,
}

#[derive(Serialize)]
struct Group {
    name: String,
    /// The number of its colour, if it has one.
    colour: Option<usize>,
    is_pale: bool,
    sessions: u64,
    bytes: u64,
}

#[derive(Serialize)]
struct Timeline {
    /// Or the last minutes only.
    is_whole: bool,
    start: String,
    width_seconds: f64,
    /// `[stretches]` of `[groups]`; groups that are missing have none.
    bytes: Vec<Vec<u64>>,
}

#[derive(Serialize)]
struct Session {
    start: String,
    seconds: f64,
    protocol: &'static str,
    client: String,
    server: String,
    group: Option<usize>,
    /// What was said, in words.
    said: Option<String>,
    /// What an unknown session would have been called.
    nearest: Option<String>,
    confidence: Option<f64>,
    packets: u64,
    bytes: u64,
    /// `open`, or why it ended.
    state: &'static str,
}

impl Listing {
    pub(super) fn of(server: &Server) -> Self {
        let name = |followed: &Followed| Named {
            number: followed.number,
            name: followed.name.clone(),
            kind: followed.kind,
            state: state(&followed.heard()),
        };
        let sources = server.board.all();
        Self {
            model: server.classifier.model().card().name.clone(),
            upload_limit_bytes: server.upload_limit,
            sources: sources.iter().map(|one| name(one)).collect(),
        }
    }
}

impl Snapshot {
    /// Of a source as it is now, its sessions in that order.
    pub(super) fn of(followed: &Followed, order: Order) -> Self {
        let heard = followed.heard();
        let overview = &heard.overview;
        Self {
            number: followed.number,
            name: followed.name.clone(),
            kind: followed.kind,
            state: state(&heard),
            failure: heard.failure.clone(),
            latest: overview.latest().map(|time| time.to_string()),
            totals: Totals::of(followed, overview),
            groups: groups(overview),
            timeline: Timeline::of(overview),
            kept: overview.kept(None),
            sessions: overview
                .lines(order, None, MOST)
                .into_iter()
                .map(|line| Session::of(line, overview.groups()))
                .collect(),
        }
    }
}

fn state(heard: &Heard) -> &'static str {
    match (heard.has_ended, &heard.failure) {
        (false, _) => "following",
        (true, None) => "ended",
        (true, Some(_)) => "broken",
    }
}

impl Totals {
    fn of(followed: &Followed, overview: &Overview) -> Self {
        let reading = followed.counts.reading();
        let losses = reading.losses;
        Self {
            frames: reading.tally.frames,
            packets: reading.tally.packets,
            skipped: reading.tally.skipped(),
            bytes: overview.sums().iter().map(|sum| sum.bytes).sum(),
            open: reading.open_sessions,
            told: overview.told(),
            unknown: overview.unknown(),
            lost: losses.map_or(0, |losses| losses.by_kernel + losses.by_interface),
            unjudged: followed.counts.unjudged(),
            unasked: followed.counts.unasked(),
            drift: followed.counts.verdicts().drift(),
        }
    }
}

fn groups(overview: &Overview) -> Vec<Group> {
    let groups = overview.groups();
    let sums = overview.sums().into_iter().enumerate();
    sums.map(|(group, sum)| {
        let (colour, is_pale) = match groups.shade(group) {
            Shade::Full(number) => (Some(number), false),
            Shade::Pale(number) => (Some(number), true),
            Shade::Grey => (None, false),
            Shade::Faint => (None, true),
        };
        Group {
            name: groups.name(group).to_owned(),
            colour,
            is_pale,
            sessions: sum.sessions,
            bytes: sum.bytes,
        }
    })
    .collect()
}

impl Timeline {
    fn of(overview: &Overview) -> Self {
        let bars = overview.bars();
        Self {
            is_whole: bars.extent == Extent::Whole,
            start: bars.start.to_string(),
            width_seconds: bars.width_nanoseconds as f64 / 1e9,
            bytes: bars.bytes.into_iter().map(<[u64]>::to_vec).collect(),
        }
    }
}

impl Session {
    fn of(line: &Line, groups: &Groups) -> Self {
        let nearest = match line.verdict {
            Some(Verdict::Unknown { nearest, .. }) => Some(groups.name(nearest as usize)),
            _ => None,
        };
        let said = match (line.verdict, line.group) {
            (Some(Verdict::Background(kind)), _) => Some(format!("({kind})")),
            (_, group) => group.map(|group| groups.name(group).to_owned()),
        };
        Self {
            start: line.start.to_string(),
            seconds: line.end.nanoseconds_since(line.start) as f64 / 1e9,
            protocol: line.protocol.name(),
            client: line.client.to_string(),
            server: line.server.to_string(),
            group: line.group,
            said,
            nearest: nearest.map(str::to_owned),
            confidence: line.confidence(),
            packets: line.packets,
            bytes: line.bytes,
            state: line.end_reason.name(),
        }
    }
}
