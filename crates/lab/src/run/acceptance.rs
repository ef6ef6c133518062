//! Which sessions of a run's capture its label means, and why the others are left out.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    ops::ControlFlow,
    path::Path,
};

use anyhow::Context;
use serde::{Deserialize, Serialize};
use traffic::{
    capture::CaptureReader,
    cut::cut,
    packet::{Direction, Protocol},
    session::Session,
    session_table::CutOptions,
};

/// The fewest packets of an accepted session, both directions.
const FEWEST_PACKETS: u64 = 6;

/// The fewest payload bytes, both directions.
const FEWEST_BYTES: u64 = 300;

/// The most sessions of one run and view, so that no single run is a large part of a class.
const MOST_SESSIONS: usize = 40;

/// The SYN flag of TCP.
const SYN: u8 = 0x02;

/// Ports of trackers and of asking a router for ports: what P2P programs chatter besides.
const CHATTER_PORTS: [u16; 4] = [1900, 5351, 5353, 6969];

/// Where a run is seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum View {
    /// On the wire, without a tunnel.
    Direct,
    /// Inside the tunnel.
    Inner,
    /// The tunnel itself, on the wire.
    Outer,
}

impl View {
    /// Its name, and its folder's.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Direct => "direct",
            Self::Inner => "inner",
            Self::Outer => "outer",
        }
    }
}

/// Why a session is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Rejection {
    /// Neither end is the client of the run.
    OtherClient,
    /// Name look-ups, discovery, trackers.
    Background,
    /// Its other end is a gateway, though no tunnel is looked at.
    Gateway,
    /// Its other end is no gateway, though the tunnel is looked at.
    BesideTunnel,
    /// Its other end is no host of the lab that serves anything.
    UnknownHost,
    /// TCP without the SYN: it began before the capture, or after its own end.
    MidStream,
    /// Payload in one direction only.
    OneWay,
    /// Too few packets or bytes.
    Tiny,
    /// More than a run may give.
    OverLimit,
}

impl Rejection {
    /// Its name, as in sidecars.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OtherClient => "other-client",
            Self::Background => "background",
            Self::Gateway => "gateway",
            Self::BesideTunnel => "beside-tunnel",
            Self::UnknownHost => "unknown-host",
            Self::MidStream => "mid-stream",
            Self::OneWay => "one-way",
            Self::Tiny => "tiny",
            Self::OverLimit => "over-limit",
        }
    }
}

/// What a run's sessions must have to do with.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// Where the capture was made.
    pub(crate) view: View,
    /// The client's address there.
    pub(crate) client: Ipv4Addr,
    /// Hosts that serve, by address.
    pub(crate) sites: BTreeMap<Ipv4Addr, String>,
    /// Far ends of tunnels, by address.
    pub(crate) gateways: BTreeMap<Ipv4Addr, String>,
}

/// Counts by reason.
pub(crate) type Rejections = BTreeMap<String, u64>;

/// The sessions of a capture, judged.
#[derive(Debug, Default)]
pub(crate) struct Judgement {
    /// In the order of their first packets.
    pub(crate) accepted: Vec<Session>,
    /// Those left out, and why.
    pub(crate) rejected: Vec<(Session, Rejection)>,
}

impl Judgement {
    /// How many were left out, by reason.
    pub(crate) fn rejections(&self) -> Rejections {
        let mut counts = Rejections::new();
        for (_, rejection) in &self.rejected {
            *counts.entry(rejection.name().to_owned()).or_default() += 1;
        }
        counts
    }
}

impl Expected {
    /// Why this session is left out; `None` if it is what the label means.
    fn rejection(&self, session: &Session) -> Option<Rejection> {
        let ends = [session.five_tuple.source, session.five_tuple.destination];
        let is_client = |address: IpAddr| address == IpAddr::V4(self.client);
        let Some(remote) = ends.iter().find(|end| !is_client(end.ip())) else {
            return Some(Rejection::OtherClient);
        };
        if !ends.iter().any(|end| is_client(end.ip())) {
            return Some(Rejection::OtherClient);
        }
        let is_chatter = |port| CHATTER_PORTS.contains(&port);
        if session.background.is_some() || ends.iter().any(|end| is_chatter(end.port())) {
            return Some(Rejection::Background);
        }
        if let Some(rejection) = self.rejection_of(remote.ip()) {
            return Some(rejection);
        }
        let [forward, _] = session.tcp_flags;
        if session.five_tuple.protocol == Protocol::Tcp && forward & SYN == 0 {
            return Some(Rejection::MidStream);
        }
        let says = |direction| {
            session
                .summaries
                .iter()
                .any(|packet| packet.direction == direction && packet.payload_length > 0)
        };
        if !says(Direction::Forward) || !says(Direction::Backward) {
            return Some(Rejection::OneWay);
        }
        if session.packets < FEWEST_PACKETS || session.payload_bytes < FEWEST_BYTES {
            return Some(Rejection::Tiny);
        }
        None
    }

    /// Why sessions with this other end are left out, if they are.
    fn rejection_of(&self, remote: IpAddr) -> Option<Rejection> {
        let IpAddr::V4(remote) = remote else {
            return Some(Rejection::UnknownHost);
        };
        let is_gateway = self.gateways.contains_key(&remote);
        match self.view {
            View::Outer => (!is_gateway).then_some(Rejection::BesideTunnel),
            View::Direct | View::Inner if is_gateway => Some(Rejection::Gateway),
            View::Direct | View::Inner => {
                (!self.sites.contains_key(&remote)).then_some(Rejection::UnknownHost)
            }
        }
    }
}

/// Finds the sessions of a capture and judges each.
///
/// # Errors
///
/// If the capture cannot be read.
pub(crate) fn judge(capture: &Path, expected: &Expected) -> anyhow::Result<Judgement> {
    let cannot = || format!("cannot read `{}`", capture.display());
    let mut reader = CaptureReader::open(capture).with_context(cannot)?;
    let mut sessions = Vec::new();
    cut(&mut reader, &CutOptions::default(), 0, &mut |session| {
        sessions.push(session);
        ControlFlow::Continue(())
    })
    .with_context(cannot)?;
    sessions.sort_by_key(|session| session.start);
    let mut judgement = Judgement::default();
    for session in sessions {
        let rejection = expected.rejection(&session).or_else(|| {
            (judgement.accepted.len() >= MOST_SESSIONS).then_some(Rejection::OverLimit)
        });
        match rejection {
            None => judgement.accepted.push(session),
            Some(rejection) => judgement.rejected.push((session, rejection)),
        }
    }
    Ok(judgement)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::{fs, net::SocketAddr};

    use tempfile::TempDir;
    use traffic::{
        link::LinkType,
        synth::{self, Conversation, Record, ethernet, record, udp_exchange},
    };

    use super::*;

    pub(crate) const CLIENT: Ipv4Addr = Ipv4Addr::new(80, 1, 1, 9);
    pub(crate) const SITE: Ipv4Addr = Ipv4Addr::new(90, 1, 1, 9);
    const GATEWAY: Ipv4Addr = Ipv4Addr::new(70, 1, 1, 9);

    pub(crate) fn expected(view: View) -> Expected {
        Expected {
            view,
            client: CLIENT,
            sites: BTreeMap::from([(SITE, "a".to_owned())]),
            gateways: BTreeMap::from([(GATEWAY, "g1".to_owned())]),
        }
    }

    pub(crate) fn conversation(client_port: u16, server: Ipv4Addr) -> Conversation {
        Conversation {
            client: SocketAddr::from((CLIENT, client_port)),
            server: SocketAddr::from((server, 443)),
            ..Conversation::default()
        }
    }

    /// A capture of these frames in a folder of its own.
    pub(crate) fn capture(records: &[Record]) -> (TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eth0.pcap");
        fs::write(&path, synth::pcap(LinkType::ETHERNET, records)).unwrap();
        (folder, path)
    }

    /// The one place that judges: accepted, or the only reason given.
    #[track_caller]
    fn check(records: &[Record], view: View, reason: Option<Rejection>) {
        let (_folder, path) = capture(records);
        let judgement = judge(&path, &expected(view)).unwrap();
        let expected = match reason {
            None => (1, Rejections::new()),
            Some(reason) => (0, Rejections::from([(reason.name().to_owned(), 1)])),
        };
        assert_eq!((judgement.accepted.len(), judgement.rejections()), expected);
    }

    #[test]
    fn a_conversation_with_a_site_is_accepted() {
        check(&conversation(40_000, SITE).frames(), View::Direct, None);
    }

    #[test]
    fn a_conversation_that_the_site_begins_is_accepted() {
        let mut conversation = conversation(40_000, SITE);
        std::mem::swap(&mut conversation.client, &mut conversation.server);
        check(&conversation.frames(), View::Direct, None);
    }

    #[test]
    fn a_gateway_is_a_leftover_inside_and_what_is_meant_outside() {
        let frames = conversation(40_000, GATEWAY).frames();
        check(&frames, View::Direct, Some(Rejection::Gateway));
        check(&frames, View::Inner, Some(Rejection::Gateway));
        check(&frames, View::Outer, None);
        let frames = conversation(40_000, SITE).frames();
        check(&frames, View::Outer, Some(Rejection::BesideTunnel));
    }

    #[test]
    fn a_stranger_at_either_end_is_left_out() {
        let stranger = Ipv4Addr::new(60, 1, 1, 9);
        let frames = conversation(40_000, stranger).frames();
        check(&frames, View::Direct, Some(Rejection::UnknownHost));
        let mut conversation = conversation(40_000, SITE);
        conversation.client.set_ip(IpAddr::V4(stranger));
        let frames = conversation.frames();
        check(&frames, View::Direct, Some(Rejection::OtherClient));
    }

    #[test]
    fn a_conversation_without_its_beginning_is_left_out() {
        let frames = conversation(40_000, SITE).frames();
        check(&frames[3..], View::Direct, Some(Rejection::MidStream));
    }

    #[test]
    fn payload_must_go_both_ways_and_be_enough() {
        let mut one_way = conversation(40_000, SITE);
        one_way.payloads = vec![(Direction::Forward, vec![1; 400])];
        check(&one_way.frames(), View::Direct, Some(Rejection::OneWay));
        let mut tiny = conversation(40_000, SITE);
        tiny.payloads = vec![
            (Direction::Forward, vec![1; 100]),
            (Direction::Backward, vec![1; 199]),
        ];
        check(&tiny.frames(), View::Direct, Some(Rejection::Tiny));
        tiny.payloads[1].1.push(1);
        check(&tiny.frames(), View::Direct, None);
    }

    #[test]
    fn name_lookups_and_trackers_are_background() {
        for port in [53, 6969] {
            let client = SocketAddr::from((CLIENT, 40_000));
            let server = SocketAddr::from((SITE, port));
            let said = [
                (Direction::Forward, &[1; 90][..]),
                (Direction::Backward, &[1; 90]),
            ];
            let frames: Vec<Record> = (0..)
                .zip(udp_exchange(client, server, &said.repeat(4)))
                .map(|(number, packet)| record(number * 1_000_000, ethernet(&packet)))
                .collect();
            check(&frames, View::Direct, Some(Rejection::Background));
        }
    }

    #[test]
    fn a_run_gives_forty_sessions_and_no_more() {
        let frames: Vec<Record> = (0..43)
            .flat_map(|number| {
                let mut conversation = conversation(40_000 + number, SITE);
                conversation.start_nanoseconds += i64::from(number) * 1_000_000_000;
                conversation.frames()
            })
            .collect();
        let (_folder, path) = capture(&frames);
        let judgement = judge(&path, &expected(View::Direct)).unwrap();
        assert_eq!(judgement.accepted.len(), 40);
        assert_eq!(judgement.rejections()["over-limit"], 3);
        assert_eq!(judgement.accepted[0].five_tuple.source.port(), 40_000);
    }
}
