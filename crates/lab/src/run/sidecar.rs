//! The sidecar of a capture: all that is known of the run, beside it in JSON.

use std::{collections::BTreeMap, io, net::Ipv4Addr};

use serde::{Deserialize, Serialize};
use serde_json::ser::Formatter;

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

impl Sidecar {
    /// As JSON for people too: a line a field, and a line a note.
    ///
    /// # Errors
    ///
    /// If a note cannot be JSON; numbers that are not finite cannot.
    pub(crate) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, Lines::default());
        self.serialize(&mut serializer)?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// Begins a line for each field of the outermost object, and each entry of its lists.
#[derive(Debug, Default)]
struct Lines {
    depth: usize,
    /// Whether the list at depth 1 is open: objects there stay on one line.
    is_list: bool,
}

impl Lines {
    fn begin<W: io::Write + ?Sized>(writer: &mut W, first: bool, depth: usize) -> io::Result<()> {
        writer.write_all(if first { b"\n" } else { b",\n" })?;
        writer.write_all(&b"    "[..2 * depth])
    }

    fn separate<W: io::Write + ?Sized>(writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }
}

impl Formatter for Lines {
    fn begin_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        writer.write_all(b"{")
    }

    fn end_object<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        writer.write_all(if self.depth == 0 { b"\n}" } else { b"}" })
    }

    fn begin_object_key<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if self.depth == 1 {
            Self::begin(writer, first, 1)
        } else {
            Self::separate(writer, first)
        }
    }

    fn begin_object_value<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn begin_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.is_list |= self.depth == 2;
        writer.write_all(b"[")
    }

    fn end_array<W: io::Write + ?Sized>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        self.is_list &= self.depth != 1;
        writer.write_all(b"]")
    }

    fn begin_array_value<W: io::Write + ?Sized>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        if self.depth == 2 && self.is_list {
            Self::begin(writer, first, 2)
        } else {
            Self::separate(writer, first)
        }
    }
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

    fn note(port: u16) -> StepNote {
        StepNote {
            service: "postfix".to_owned(),
            site: "a".to_owned(),
            address: Ipv4Addr::new(93, 184, 31, 17),
            hostname: "www.example.org".to_owned(),
            ports: vec![port],
            plaintext: "none".to_owned(),
            exit: Some(0),
            seconds: 1.5,
            notes: BTreeMap::from([("port".to_owned(), port.into())]),
        }
    }

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
            notes: vec![note(465), note(587)],
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
        let text = String::from_utf8(sidecar.to_bytes().unwrap()).unwrap();
        let read: Sidecar = serde_json::from_str(&text).unwrap();
        assert_eq!(read, sidecar);
        // 22 fields, the braces around them, a line for each of two notes.
        assert_eq!(text.lines().count(), 22 + 2 + 2, "{text}");
    }

    #[test]
    fn a_direct_session_is_called_by_its_activity() {
        assert_eq!(label(Class::PeerToPeer, View::Direct), "P2P");
        assert_eq!(label(Class::FileTransfer, View::Outer), "VPN-File_transfer");
    }
}
