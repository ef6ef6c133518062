//! An inspection: everything that `inspect` says of one capture.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
};

use serde::Serialize;
use traffic::{
    capture::{CaptureError, CaptureReader},
    cut::{Watch, cut_watched},
    session::Session,
    session_table::CutOptions,
    tally::Tally,
    timestamp::Timestamp,
};

use crate::sources::Source;

/// How many services are listed.
const SERVICES: usize = 8;

/// What a capture holds.
#[derive(Debug, Serialize)]
pub(super) struct Inspection {
    /// Its path as given.
    pub(super) capture: String,
    /// Its format.
    pub(super) format: String,
    /// Its compression, if any.
    pub(super) compression: Option<String>,
    /// Frames by link type.
    pub(super) link_types: BTreeMap<String, u64>,
    /// How many interfaces have frames.
    pub(super) interfaces: usize,
    /// Time of the earliest frame.
    pub(super) first: Option<String>,
    /// Time of the latest frame.
    pub(super) last: Option<String>,
    /// Seconds between them.
    pub(super) seconds: f64,
    /// Sessions cut.
    pub(super) sessions: u64,
    /// Sessions without payload.
    pub(super) empty_sessions: u64,
    /// Sessions that are background, by kind.
    pub(super) background: BTreeMap<String, u64>,
    /// Sessions by protocol and server port, the most frequent first.
    pub(super) services: Vec<Service>,
    /// Frames and packets, kept and skipped.
    pub(super) tally: Tally,
    /// Why the rest could not be read.
    pub(super) error: Option<String>,
}

/// Sessions with one protocol and server port.
#[derive(Debug, Serialize)]
pub(super) struct Service {
    /// Protocol and port.
    pub(super) name: String,
    /// Sessions.
    pub(super) sessions: u64,
    /// Their packets.
    pub(super) packets: u64,
    /// Their bytes.
    pub(super) bytes: u64,
}

/// What is counted of sessions as they end.
#[derive(Default)]
struct Sessions {
    count: u64,
    empty: u64,
    background: BTreeMap<String, u64>,
    services: BTreeMap<String, Service>,
}

impl Inspection {
    /// Reads a capture to its end, or as far as it can be read or until `stop` is set, and says
    /// whether it broke.
    pub(super) fn of(
        source: &Source,
        reader: &mut CaptureReader,
        options: &CutOptions,
        stop: &AtomicBool,
    ) -> (Self, Result<(), CaptureError>) {
        let mut sessions = Sessions::default();
        let mut interfaces = BTreeSet::new();
        let mut span: Option<(Timestamp, Timestamp)> = None;
        let watch = Watch {
            frame: &mut |frame| {
                if stop.load(Ordering::Relaxed) {
                    return ControlFlow::Break(());
                }
                interfaces.insert(frame.interface);
                let (first, last) = span.unwrap_or((frame.timestamp, frame.timestamp));
                span = Some((first.min(frame.timestamp), last.max(frame.timestamp)));
                ControlFlow::Continue(())
            },
            session: &mut |session| {
                sessions.add(&session);
                ControlFlow::Continue(())
            },
        };
        let (tally, outcome) = match cut_watched(reader, options, 0, watch) {
            Ok(tally) => (tally, Ok(())),
            Err(broken) => (*broken.tally, Err(broken.error)),
        };
        let seconds = span.map_or(0.0, |(first, last)| {
            last.nanoseconds().saturating_sub(first.nanoseconds()) as f64 / 1e9
        });
        let inspection = Self {
            capture: source.to_string(),
            format: reader.format().to_string(),
            compression: reader.compression().map(|kind| kind.to_string()),
            link_types: tally
                .link_types
                .iter()
                .map(|(kind, &frames)| (kind.to_string(), frames))
                .collect(),
            interfaces: interfaces.len(),
            first: span.map(|(first, _)| first.to_string()),
            last: span.map(|(_, last)| last.to_string()),
            seconds,
            sessions: sessions.count,
            empty_sessions: sessions.empty,
            background: sessions.background,
            services: most_frequent(sessions.services),
            tally,
            error: outcome.as_ref().err().map(ToString::to_string),
        };
        (inspection, outcome)
    }
}

impl Sessions {
    fn add(&mut self, session: &Session) {
        self.count += 1;
        self.empty += u64::from(session.payload_bytes == 0);
        if let Some(kind) = session.background {
            *self.background.entry(kind.to_string()).or_default() += 1;
        }
        let tuple = &session.five_tuple;
        // The lower port is the service's more often than the later speaker's is.
        let port = tuple.source.port().min(tuple.destination.port());
        let name = format!("{}/{port}", tuple.protocol);
        let service = self.services.entry(name.clone()).or_insert(Service {
            name,
            sessions: 0,
            packets: 0,
            bytes: 0,
        });
        service.sessions += 1;
        service.packets += session.packets;
        service.bytes += session.bytes;
    }
}

fn most_frequent(services: BTreeMap<String, Service>) -> Vec<Service> {
    let mut services: Vec<Service> = services.into_values().collect();
    // Stable: services of the same frequency stay in the order of their names.
    services.sort_by_key(|service| std::cmp::Reverse(service.sessions));
    services.truncate(SERVICES);
    services
}
