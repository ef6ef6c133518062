//! Captures with sidecars as `undertone-lab` leaves them, made anew for each test.

use std::{fs, net::SocketAddr, path::Path};

use serde_json::{Value, json};
use traffic::{
    link::LinkType,
    packet::Direction,
    synth::{self, Conversation},
};

/// What runs say of plaintext, in turn.
const PLAINTEXT: [&str; 2] = ["none", "preamble"];

const SITES: [(&str, [u8; 4]); 3] = [
    ("a", [93, 184, 31, 17]),
    ("b", [84, 20, 5, 60]),
    ("c", [77, 3, 9, 4]),
];

/// One run: four sessions of one class with one site.
pub(crate) struct LabRun {
    pub(crate) number: u8,
    pub(crate) class: &'static str,
    pub(crate) view: &'static str,
    pub(crate) application: &'static str,
    pub(crate) tunnel: Option<&'static str>,
    pub(crate) site: usize,
}

impl LabRun {
    /// Its place below the root, without the suffix.
    pub(crate) fn name(&self) -> String {
        let class = self.class;
        format!("lab/{}/{class}/s1-{:03}", self.view, self.number)
    }

    fn sidecar(&self) -> Value {
        let sites: serde_json::Map<String, Value> = SITES
            .iter()
            .map(|&(site, address)| (SocketAddr::from((address, 0)).ip().to_string(), site.into()))
            .collect();
        json!({
            "schema": 1,
            "run": format!("s1-{:03}", self.number),
            "class": self.class,
            "activity": self.class.trim_start_matches("VPN-"),
            "view": self.view,
            "application": self.application,
            "tunnel": self.tunnel,
            "client": format!("131.202.10.{}", self.number),
            "sites": sites,
            "site": SITES[self.site].0,
            "notes": [{"port": 465, "plaintext": PLAINTEXT[usize::from(self.number % 2)]}],
            "seed": 1,
        })
    }

    /// Its capture, with the server at this address.
    pub(crate) fn capture(&self, server: [u8; 4]) -> Vec<u8> {
        let session = |session: u8| Conversation {
            client: SocketAddr::from(([131, 202, 10, self.number], 40_000 + u16::from(session))),
            server: SocketAddr::from((server, 465)),
            start_nanoseconds: 1_456_790_400_000_000_000 + i64::from(session) * 1_000_000_000,
            payloads: vec![
                (
                    Direction::Forward,
                    vec![self.number; 50 + usize::from(session)],
                ),
                (Direction::Backward, vec![session; 200]),
            ],
            ..Conversation::default()
        };
        let frames: Vec<_> = (0..4).flat_map(|number| session(number).frames()).collect();
        synth::pcap(LinkType::ETHERNET, &frames)
    }

    /// Writes capture and sidecar below a folder.
    pub(crate) fn write(&self, root: &Path) {
        let stem = root.join(self.name());
        fs::create_dir_all(stem.parent().unwrap()).unwrap();
        fs::write(
            stem.with_extension("pcap"),
            self.capture(SITES[self.site].1),
        )
        .unwrap();
        let sidecar = self.sidecar().to_string();
        fs::write(stem.with_extension("json"), sidecar).unwrap();
    }
}

/// Six runs each of Email, Chat and VPN-Email: two at each site, three applications, two tunnels.
pub(crate) fn runs() -> Vec<LabRun> {
    let classes = [
        ("Email", ["swaks", "curl", "mbsync"]),
        ("Chat", ["slixmpp", "weechat", "irc"]),
        ("VPN-Email", ["swaks", "curl", "mbsync"]),
    ];
    let mut runs = Vec::new();
    for (class, applications) in classes {
        for at in 0..6_u8 {
            let tunnel = ["openvpn-udp", "wireguard"][usize::from(at) % 2];
            let is_tunnelled = class.starts_with("VPN-");
            runs.push(LabRun {
                number: runs.len() as u8,
                class,
                view: if is_tunnelled { "inner" } else { "direct" },
                application: applications[usize::from(at) % 3],
                tunnel: is_tunnelled.then_some(tunnel),
                site: usize::from(at / 2),
            });
        }
    }
    runs
}
