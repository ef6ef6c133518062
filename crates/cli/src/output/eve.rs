//! EVE: flow events as Suricata writes them, so that what reads its logs reads ours.
//!
//! Lengths are from the IP header on, where Suricata counts the link's header too.
//!
//! Source: <https://docs.suricata.io/en/latest/output/eve/eve-json-format.html>.

use std::net::IpAddr;

use serde::Serialize;
use traffic::{packet::Protocol, session::SessionEnd, timestamp::Timestamp};

use super::{
    finding::Finding,
    identity::{Identity, community_id},
};

/// One event.
#[derive(Serialize)]
pub(super) struct Eve<'a> {
    timestamp: String,
    flow_id: u64,
    event_type: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    vlan: Vec<u16>,
    src_ip: IpAddr,
    src_port: u16,
    dest_ip: IpAddr,
    dest_port: u16,
    proto: String,
    flow: Flow,
    #[serde(skip_serializing_if = "Option::is_none")]
    tcp: Option<Tcp>,
    community_id: String,
    undertone: Undertone<'a>,
}

#[derive(Serialize)]
struct Flow {
    pkts_toserver: u64,
    pkts_toclient: u64,
    bytes_toserver: u64,
    bytes_toclient: u64,
    start: String,
    end: String,
    age: u64,
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    alerted: bool,
}

/// The flags seen, in hexadecimal.
#[derive(Serialize)]
struct Tcp {
    #[serde(rename = "tcp_flags")]
    both: String,
    #[serde(rename = "tcp_flags_ts")]
    to_server: String,
    #[serde(rename = "tcp_flags_tc")]
    to_client: String,
}

#[derive(Serialize)]
struct Undertone<'a> {
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nearest: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    background: Option<&'static str>,
    moment: &'static str,
    end_reason: &'static str,
    capture: &'a str,
    model: &'a str,
    policy: &'a str,
}

impl<'a> Eve<'a> {
    pub(super) fn of(finding: &Finding<'a>) -> Self {
        let session = finding.session;
        let (client, server) = (finding.client(), finding.server());
        let vlans = session.context.vlans.into_iter();
        Self {
            timestamp: time(session.end),
            flow_id: Identity::of(session).number(),
            event_type: "flow",
            vlan: vlans.filter(|&vlan| vlan != 0).collect(),
            src_ip: client.ip(),
            src_port: client.port(),
            dest_ip: server.ip(),
            dest_port: server.port(),
            proto: session.five_tuple.protocol.name().to_uppercase(),
            flow: Flow::of(finding),
            tcp: (session.five_tuple.protocol == Protocol::Tcp).then(|| Tcp::of(session.tcp_flags)),
            community_id: community_id(&session.five_tuple),
            undertone: Undertone {
                verdict: finding.kind(),
                class: finding.class(),
                nearest: finding.nearest(),
                confidence: finding.confidence(),
                background: finding.background(),
                moment: finding.moment.name(),
                end_reason: session.end_reason.name(),
                capture: finding.capture,
                model: &finding.origin.model,
                policy: &finding.origin.policy,
            },
        }
    }
}

impl Flow {
    fn of(finding: &Finding<'_>) -> Self {
        let session = finding.session;
        let (packets, bytes) = finding.backward();
        let seconds = |time: Timestamp| time.nanoseconds().div_euclid(1_000_000_000);
        Self {
            pkts_toserver: session.forward.packets,
            pkts_toclient: packets,
            bytes_toserver: session.forward.bytes,
            bytes_toclient: bytes,
            start: time(session.start),
            end: time(session.end),
            // As there: the difference of whole seconds.
            age: u64::try_from(seconds(session.end) - seconds(session.start)).unwrap_or(0),
            state: match session.end_reason {
                SessionEnd::Closed => "closed",
                _ if packets > 0 => "established",
                _ => "new",
            },
            reason: match session.end_reason {
                SessionEnd::Open | SessionEnd::Window => None,
                SessionEnd::Idle | SessionEnd::Active | SessionEnd::Closed => Some("timeout"),
                SessionEnd::Evicted => Some("forced"),
                SessionEnd::Capture | SessionEnd::Packet => Some("shutdown"),
            },
            alerted: false,
        }
    }
}

impl Tcp {
    fn of([forward, backward]: [u8; 2]) -> Self {
        Self {
            both: format!("{:02x}", forward | backward),
            to_server: format!("{forward:02x}"),
            to_client: format!("{backward:02x}"),
        }
    }
}

/// `2016-02-29T23:59:59.123456+0000`.
fn time(time: Timestamp) -> String {
    time.to_string().replace('Z', "+0000")
}
