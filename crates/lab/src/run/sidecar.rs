//! The sidecar of a capture: all that is known of the run, beside it in JSON.

use std::{collections::BTreeMap, net::Ipv4Addr};

use serde::{Deserialize, Serialize};

use super::{acceptance::Rejections, acceptance::View, step::StepNote};
use crate::{
    catalogue::Class,
    lab::{Link, Settings},
};

/// The version of the sidecar that this program writes.
pub(crate) const SCHEMA: u32 = 1;

/// What a sidecar says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Sidecar {
    /// Version of this form.
    pub(crate) schema: u32,
    /// The run; its inner and its outer capture have the same.
    pub(crate) run: String,
    /// What a session of it is to be called.
    pub(crate) class: String,
    /// What was done.
    pub(crate) activity: Class,
    /// Where it was seen.
    pub(crate) view: View,
    /// With which application.
    pub(crate) application: String,
    /// The client's TLS or other cryptographic library.
    pub(crate) stack: String,
    /// Through which tunnel; `None` is direct.
    pub(crate) tunnel: Option<String>,
    /// The client's address in this capture.
    pub(crate) client: Ipv4Addr,
    /// The site that the run talked to, whatever the view.
    pub(crate) site: String,
    /// The other ends of the accepted sessions: address to host.
    pub(crate) sites: BTreeMap<Ipv4Addr, String>,
    /// The client's link.
    pub(crate) link: Link,
    /// The client's network stack.
    pub(crate) settings: Settings,
    /// What was drawn for the tunnel.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) tunnel_settings: BTreeMap<String, serde_json::Value>,
    /// Of each step.
    pub(crate) notes: Vec<StepNote>,
    /// Steps side by side.
    pub(crate) parallel: usize,
    /// The seed of the data set.
    pub(crate) seed: u64,
    /// Which start of the services it was.
    pub(crate) round: u64,
    /// When the first step began, RFC 3339.
    pub(crate) start: String,
    /// From there to the end of the last step.
    pub(crate) seconds: f64,
    /// Sessions in the capture.
    pub(crate) accepted: usize,
    /// Sessions left out, by reason.
    pub(crate) rejected: Rejections,
    /// Which version made it.
    #[serde(rename = "undertone-lab")]
    pub(crate) version: String,
}

/// What sessions of a class are called in a view.
pub(crate) fn label(class: Class, view: View) -> String {
    match view {
        View::Direct => class.name().to_owned(),
        View::Inner | View::Outer => format!("VPN-{class}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sidecar_has_the_form_that_prepare_reads() {
        let sidecar = Sidecar {
            schema: SCHEMA,
            run: "s1-000123".to_owned(),
            class: label(Class::Email, View::Inner),
            activity: Class::Email,
            view: View::Inner,
            application: "swaks".to_owned(),
            stack: "openssl".to_owned(),
            tunnel: Some("openvpn-udp".to_owned()),
            client: Ipv4Addr::new(10, 8, 0, 7),
            site: "a".to_owned(),
            sites: BTreeMap::from([(Ipv4Addr::new(93, 184, 31, 17), "a".to_owned())]),
            link: Link::ideal(),
            settings: Settings {
                mtu: 1500,
                ttl: 64,
                tcp_timestamps: 1,
                tcp_ecn: 2,
                congestion_control: "cubic".to_owned(),
                ports: (32_768, 60_999),
                receive_buffer: 131_072,
            },
            tunnel_settings: BTreeMap::new(),
            notes: Vec::new(),
            parallel: 1,
            seed: 1,
            round: 100,
            start: "2026-01-01T00:00:00.000000Z".to_owned(),
            seconds: 31.5,
            accepted: 7,
            rejected: Rejections::from([("one-way".to_owned(), 2)]),
            version: "0.1.0".to_owned(),
        };
        let value = serde_json::to_value(&sidecar).unwrap();
        for (field, expected) in [
            ("schema", serde_json::json!(1)),
            ("run", serde_json::json!("s1-000123")),
            ("class", serde_json::json!("VPN-Email")),
            ("activity", serde_json::json!("Email")),
            ("view", serde_json::json!("inner")),
            ("tunnel", serde_json::json!("openvpn-udp")),
            ("client", serde_json::json!("10.8.0.7")),
            ("sites", serde_json::json!({"93.184.31.17": "a"})),
            ("rejected", serde_json::json!({"one-way": 2})),
            ("undertone-lab", serde_json::json!("0.1.0")),
        ] {
            assert_eq!(value[field], expected, "{field}");
        }
        let read: Sidecar = serde_json::from_value(value).unwrap();
        assert_eq!(read, sidecar);
    }

    #[test]
    fn a_direct_session_is_called_by_its_activity() {
        assert_eq!(label(Class::PeerToPeer, View::Direct), "P2P");
        assert_eq!(label(Class::FileTransfer, View::Outer), "VPN-File_transfer");
    }
}
