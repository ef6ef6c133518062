//! Sidecars: what the laboratory wrote down beside each capture that it made.
//!
//! `NAME.pcap` (or `.pcapng`, `.gz`, `.zst`) has `NAME.json` beside it. Fields that are not read
//! here are free: link and settings are for people.

use std::{
    collections::BTreeMap,
    fmt, fs, io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use traffic::packet::FiveTuple;

pub use super::error::SidecarError;
use crate::{
    checksum,
    dataset::provenance::{PREAMBLE, Provenance},
};

/// The form of sidecars that this version reads.
pub(super) const SCHEMA: u64 = 1;

/// What traffic is for; each has a class of its own, and another one through a tunnel.
const ACTIVITIES: [&str; 6] = ["Chat", "Email", "File_transfer", "P2P", "Streaming", "VoIP"];

/// What the name of a class seen through or inside a tunnel begins with.
const TUNNELLED: &str = "VPN-";

/// The twelve classes, by label: the activities, then the same through a tunnel.
pub(super) fn classes() -> impl Iterator<Item = String> {
    let tunnelled = ACTIVITIES.map(|activity| format!("{TUNNELLED}{activity}"));
    ACTIVITIES.map(str::to_owned).into_iter().chain(tunnelled)
}

/// What a class is about, be it through a tunnel or not.
pub(crate) fn activity(class: &str) -> &str {
    class.strip_prefix(TUNNELLED).unwrap_or(class)
}

/// Where a run was captured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum View {
    /// On the client's own interface, without a tunnel.
    Direct,
    /// Inside a tunnel, on its interface.
    Inner,
    /// The tunnel itself, on the client's own interface.
    Outer,
}

impl fmt::Display for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "direct",
            Self::Inner => "inner",
            Self::Outer => "outer",
        })
    }
}

/// What of a sidecar is its capture's class.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SidecarClass {
    /// What was done, and whether through a tunnel.
    #[default]
    Activity,
    /// The kind of tunnel.
    Tunnel,
}

/// The class of what went through no tunnel, where tunnels are told apart.
const NO_TUNNEL: &str = "none";

/// What a sidecar says of its capture.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Sidecar {
    /// The run, unique within its laboratory.
    pub run: String,
    /// One of the twelve classes.
    pub class: String,
    /// Where it was captured.
    pub view: View,
    /// The program that made the traffic.
    pub application: String,
    /// The tunnel it went through; none without.
    pub tunnel: Option<String>,
    /// The run's own address.
    pub client: IpAddr,
    /// The site of each remote address.
    pub sites: BTreeMap<IpAddr, String>,
    /// The run's site: what the remote address does not tell where that is a tunnel's gateway.
    #[serde(default)]
    pub site: Option<String>,
    /// What the run's steps noted; of these only `plaintext` is read, for its `port` and `ports`.
    #[serde(default)]
    pub notes: Vec<serde_json::Value>,
    /// SHA-256 of the sidecar, in hexadecimal.
    #[serde(skip)]
    pub sha256: String,
}

impl Sidecar {
    /// Where the sidecar of a capture is.
    pub fn path_of(capture: &Path) -> PathBuf {
        let mut stem = capture.to_owned();
        if matches!(extension(&stem), Some("gz" | "zst")) {
            stem.set_extension("");
        }
        if matches!(extension(&stem), Some("pcap" | "pcapng" | "cap")) {
            stem.set_extension("");
        }
        let mut name = stem.into_os_string();
        name.push(".json");
        name.into()
    }

    /// Reads the sidecar of a capture; none if there is none.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is of another schema, or contradicts itself.
    pub fn read(capture: &Path) -> Result<Option<Self>, SidecarError> {
        let path = Self::path_of(capture);
        let shown = path.display().to_string();
        match fs::read(&path) {
            Ok(bytes) => Self::from_json(&bytes, shown).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(SidecarError::Io {
                path: shown,
                source,
            }),
        }
    }

    /// The class of its capture.
    pub fn class_of(&self, kind: SidecarClass) -> &str {
        match kind {
            SidecarClass::Activity => &self.class,
            SidecarClass::Tunnel => self.tunnel.as_deref().unwrap_or(NO_TUNNEL),
        }
    }

    fn from_json(bytes: &[u8], path: String) -> Result<Self, SidecarError> {
        let refuse = |source| SidecarError::Form {
            path: path.clone(),
            source,
        };
        // The number first: a newer form need not fit the types of this version.
        let value: serde_json::Value = serde_json::from_slice(bytes).map_err(refuse)?;
        if let Some(found) = value["schema"].as_u64().filter(|&found| found != SCHEMA) {
            return Err(SidecarError::Schema { path, found });
        }
        // From the text again: errors then know the line and the column.
        let mut sidecar: Self = serde_json::from_slice(bytes).map_err(refuse)?;
        sidecar.sha256 = checksum::sha256(bytes);
        let mistake = if value["schema"].as_u64().is_none() {
            Some("it has no schema number".to_owned())
        } else {
            sidecar.mistake()
        };
        mistake.map_or(Ok(sidecar), |reason| {
            Err(SidecarError::Mistake { path, reason })
        })
    }

    /// What contradicts something, or is not known.
    fn mistake(&self) -> Option<String> {
        let class = &self.class;
        if !classes().any(|known| known == *class) {
            let known: Vec<String> = classes().collect();
            return Some(format!("class `{class}` is none of {}", known.join(", ")));
        }
        let is_tunnelled = self.view != View::Direct;
        if class.starts_with(TUNNELLED) != is_tunnelled {
            return Some(format!("class `{class}` does not fit view `{}`", self.view));
        }
        if self.tunnel.is_some() != is_tunnelled {
            let tunnel = self.tunnel.as_deref().unwrap_or("null");
            return Some(format!(
                "tunnel `{tunnel}` does not fit view `{}`",
                self.view
            ));
        }
        let named = [
            ("run", Some(&self.run)),
            ("application", Some(&self.application)),
            ("tunnel", self.tunnel.as_ref()),
        ];
        named
            .into_iter()
            .find(|(_, name)| name.is_some_and(|name| name.trim().is_empty()))
            .map(|(what, _)| format!("its {what} is empty"))
    }

    /// A session's remote end: whichever is not the run's own and is of a site.
    fn remote(&self, ends: &FiveTuple) -> Option<SocketAddr> {
        [ends.destination, ends.source].into_iter().find(|end| {
            let address = end.ip().to_canonical();
            address != self.client && self.sites.contains_key(&address)
        })
    }

    /// The site of a session: that of its remote end, or of the run where that is a gateway.
    pub fn site(&self, ends: &FiveTuple) -> Option<&str> {
        if self.view == View::Outer {
            return self.site.as_deref();
        }
        let remote = self.remote(ends)?;
        self.sites
            .get(&remote.ip().to_canonical())
            .map(String::as_str)
    }

    /// What the run's notes say of plaintext at a session's remote port; the worst of them.
    fn plaintext(&self, ends: &FiveTuple) -> Option<&str> {
        let port = u64::from(self.remote(ends)?.port());
        let is_port = |value: &serde_json::Value| value.as_u64() == Some(port);
        let is_of_port = |note: &&serde_json::Value| {
            let ports = note["ports"].as_array();
            is_port(&note["port"]) || ports.is_some_and(|ports| ports.iter().any(is_port))
        };
        let said = self.notes.iter().filter(is_of_port);
        said.filter_map(|note| note["plaintext"].as_str())
            .max_by_key(|&said| said == PREAMBLE)
    }

    /// What is known of a session of the capture.
    pub(crate) fn provenance(&self, ends: &FiveTuple) -> Provenance {
        Provenance {
            run: Some(self.run.as_str().into()),
            site: self.site(ends).map(Into::into),
            application: Some(self.application.as_str().into()),
            tunnel: self.tunnel.as_deref().map(Into::into),
            plaintext: self.plaintext(ends).map(Into::into),
        }
    }
}

fn extension(path: &Path) -> Option<&str> {
    path.extension().and_then(|extension| extension.to_str())
}

#[cfg(test)]
mod tests {
    use traffic::packet::Protocol;

    use super::*;
    use crate::registry;

    const GOOD: &str = r#"{"schema":1,"run":"s1-7","class":"VPN-Email","activity":"Email",
        "view":"inner","application":"swaks","tunnel":"wireguard","client":"10.8.0.2",
        "sites":{"93.184.31.17":"a"},"notes":[{"port":465}]}"#;

    /// The one place that calls the API: the sidecar with a piece replaced, or the refusal.
    #[track_caller]
    fn check(from: &str, to: &str, expected: Result<(), &str>) {
        assert!(GOOD.contains(from), "{from}");
        let text = GOOD.replacen(from, to, 1);
        let found = Sidecar::from_json(text.as_bytes(), "x.json".to_owned());
        let found = found.map(drop).map_err(|error| {
            let cause = std::error::Error::source(&error);
            error.to_string() + &cause.map(|cause| format!(": {cause}")).unwrap_or_default()
        });
        assert_eq!(found, expected.map_err(str::to_owned));
    }

    #[test]
    fn a_sidecar_may_say_more_than_is_read() {
        check("inner", "inner", Ok(()));
    }

    #[test]
    fn an_unknown_schema_is_refused() {
        check(
            "\"schema\":1",
            "\"schema\":2",
            Err("`x.json`: schema 2 is not known, this version reads 1"),
        );
        check(
            "\"schema\":1,",
            "",
            Err("`x.json`: it has no schema number"),
        );
    }

    #[test]
    fn an_unknown_class_is_refused_with_those_there_are() {
        check(
            "VPN-Email",
            "VPN-Mail",
            Err(
                "`x.json`: class `VPN-Mail` is none of Chat, Email, File_transfer, P2P, Streaming, VoIP, VPN-Chat, VPN-Email, VPN-File_transfer, VPN-P2P, VPN-Streaming, VPN-VoIP",
            ),
        );
    }

    #[test]
    fn a_class_or_a_tunnel_that_the_view_denies_is_refused() {
        check(
            "VPN-Email",
            "Email",
            Err("`x.json`: class `Email` does not fit view `inner`"),
        );
        check(
            "\"wireguard\"",
            "null",
            Err("`x.json`: tunnel `null` does not fit view `inner`"),
        );
    }

    #[test]
    fn a_mistake_in_the_form_is_placed() {
        check(
            "93.184.31.17",
            "site-a",
            Err(
                "`x.json` is no sidecar of the laboratory: invalid IP address syntax at line 3 column 25",
            ),
        );
        check(
            "\"run\":\"s1-7\",",
            "",
            Err(
                "`x.json` is no sidecar of the laboratory: missing field `run` at line 3 column 60",
            ),
        );
        check("\"s1-7\"", "\" \"", Err("`x.json`: its run is empty"));
    }

    #[test]
    fn the_classes_are_those_of_iscx_in_its_order() {
        assert!(classes().eq(registry::all()[0].classes().iter().cloned()));
    }

    #[test]
    fn the_site_is_that_of_the_end_that_is_not_the_clients() {
        let mut sidecar = Sidecar::from_json(GOOD.as_bytes(), String::new()).unwrap();
        sidecar.sites.insert([10, 8, 0, 2].into(), "own".to_owned());
        let site = |source: [u8; 4], destination: [u8; 4]| {
            let ends = FiveTuple {
                protocol: Protocol::Tcp,
                source: (source, 1).into(),
                destination: (destination, 2).into(),
            };
            sidecar.site(&ends).map(str::to_owned)
        };
        let (client, a) = ([10, 8, 0, 2], [93, 184, 31, 17]);
        assert_eq!(site(client, a).as_deref(), Some("a"));
        assert_eq!(site(a, client).as_deref(), Some("a"));
        assert_eq!(site(client, [1, 1, 1, 1]), None);
    }

    #[test]
    fn from_outside_the_site_is_the_runs() {
        let text = GOOD.replace("\"inner\"", "\"outer\",\"site\":\"c\"");
        let sidecar = Sidecar::from_json(text.as_bytes(), String::new()).unwrap();
        let ends = FiveTuple {
            protocol: Protocol::Udp,
            source: ([10, 8, 0, 2], 1).into(),
            destination: ([93, 184, 31, 17], 1194).into(),
        };
        assert_eq!(sidecar.site(&ends), Some("c"));
    }

    #[test]
    fn a_preamble_is_that_of_the_remote_port() {
        let notes = r#"[{"port":587,"plaintext":"preamble"},{"ports":[465,587],"plaintext":"none"},{"port":"x"}]"#;
        let text = GOOD.replace(r#"[{"port":465}]"#, notes);
        let sidecar = Sidecar::from_json(text.as_bytes(), String::new()).unwrap();
        let said = |port: u16| {
            let ends = FiveTuple {
                protocol: Protocol::Tcp,
                source: ([10, 8, 0, 2], 40_000).into(),
                destination: ([93, 184, 31, 17], port).into(),
            };
            sidecar.plaintext(&ends).map(str::to_owned)
        };
        assert_eq!(said(587).as_deref(), Some("preamble"));
        assert_eq!(said(465).as_deref(), Some("none"));
        assert_eq!(said(993), None);
    }

    #[test]
    fn the_sidecar_of_a_capture_has_its_stem() {
        for name in ["r.pcap", "r.pcapng", "r.pcap.gz", "r.pcapng.zst", "r"] {
            assert_eq!(
                Sidecar::path_of(&Path::new("runs").join(name)),
                Path::new("runs/r.json"),
                "{name}"
            );
        }
    }
}
