//! A tunnel file: a way from a client to a gateway of its own kind, and what runs on both ends.
//!
//! ```toml
//! schema = 1
//! name = "openvpn-udp"          # that of the file
//! gateway = "g1"                # the host of the far end; each kind has its own
//! software = "OpenVPN, OpenSSL"
//! held_out = false              # true: only for tests, never for training
//! packages = ["openvpn"]        # Debian
//!
//! [server]                      # on the gateway, as long as runs are made
//! prepare = "shell, once before"                    # optional
//! command = "program in the foreground"
//! ready = "log:REGEX"                               # tcp:PORT | log:REGEX | seconds:N
//! [[server.files]]                                  # as in service files
//!
//! [client]                      # on the client, for one run
//! prepare = "shell, once before"                    # optional
//! admit = "shell on the gateway, after prepare"     # optional
//! command = "program in the foreground"
//! ready = "log:REGEX"
//! connect = "shell, once it is ready"               # optional: addresses and routes
//! disconnect = "shell, at the end"                  # optional
//! dismiss = "shell on the gateway, at the end"      # optional
//! interface = "tun0"                                # where the traffic inside is seen
//! ```
//!
//! All texts are templates with the drawing functions of services, and these values: `folder` (of this end),
//! `server_folder`, `gateway` (its address), `router` (where this host's packets go by default), `device` (a name
//! for an interface that no other on this machine has), `server_device`, `inside` (`network`, `first`, `mask`,
//! `bits`, `server`: the gateway's address inside), `inner` (an address inside, free for this client), `certificate`
//! and `authorities` (a file with all of them), `root`, `apps`, `python`, `host`, `number` (1 for c01). A client's texts also have
//! `note(key, value)`, for the sidecar.

use serde::Deserialize;

use super::{
    mistake::Mistake,
    service::{Ready, TemplateFile, check_name, check_schema, parse_ready},
    source::SourceFile,
};

/// What a tunnel file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TunnelFile {
    schema: u32,
    name: String,
    gateway: String,
    software: String,
    held_out: bool,
    #[serde(default)]
    packages: Vec<String>,
    server: ServerFile,
    client: ClientFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerFile {
    prepare: Option<String>,
    command: String,
    ready: String,
    #[serde(default)]
    files: Vec<TemplateFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientFile {
    prepare: Option<String>,
    admit: Option<String>,
    command: String,
    ready: String,
    connect: Option<String>,
    disconnect: Option<String>,
    dismiss: Option<String>,
    interface: String,
    #[serde(default)]
    files: Vec<TemplateFile>,
}

/// A kind of tunnel, checked; its texts are still templates.
#[derive(Debug)]
pub(crate) struct Tunnel {
    /// Where it was read, inside the catalogue.
    pub(crate) file: String,
    /// Unique among tunnels.
    pub(crate) name: String,
    /// The host of its far end.
    pub(crate) gateway: String,
    /// Programs and their TLS libraries, for people.
    pub(crate) software: String,
    /// Whether it is only for tests.
    pub(crate) is_held_out: bool,
    /// Debian packages to install.
    pub(crate) packages: Vec<String>,
    /// What runs on the gateway.
    pub(crate) server: End,
    /// What runs on the client.
    pub(crate) client: End,
    /// Shell for the gateway, before the client starts.
    pub(super) admit: Option<String>,
    /// Shell for the client, once it is ready.
    pub(super) connect: Option<String>,
    /// Shell for the client, at the end.
    pub(super) disconnect: Option<String>,
    /// Shell for the gateway, at the end.
    pub(super) dismiss: Option<String>,
    /// The interface on which the traffic inside is seen.
    pub(super) interface: String,
}

/// A program at one end of a tunnel.
#[derive(Debug)]
pub(crate) struct End {
    /// Shell to its end, before.
    pub(super) prepare: Option<String>,
    /// The program, in the foreground.
    pub(super) command: String,
    /// How it shows that it is up.
    pub(crate) ready: Ready,
    /// Files that are written first.
    pub(super) files: Vec<TemplateFile>,
}

impl Tunnel {
    /// Reads a tunnel file whose name inside the catalogue ends in `stem`.
    pub(super) fn parse(file: &SourceFile, stem: &str) -> Result<Self, Mistake> {
        let read: TunnelFile = file.read()?;
        check_schema(file, read.schema)?;
        check_name(file, "name", &read.name, stem)?;
        let number = read.gateway.strip_prefix('g').map(str::parse::<u8>);
        if !matches!(number, Some(Ok(1..=99))) {
            return Err(file.mistake(
                "gateway",
                format!("found `{}`, expected a gateway such as g1", read.gateway),
            ));
        }
        for template in read.server.files.iter().chain(&read.client.files) {
            template.check(file)?;
        }
        let ready = |field: &str, text: &str| {
            parse_ready(text).ok_or_else(|| {
                let expected = "expected `tcp:PORT`, `log:REGEX` or `seconds:N`";
                file.mistake(field, format!("found `{text}`, {expected}"))
            })
        };
        Ok(Self {
            file: file.path.clone(),
            name: read.name,
            gateway: read.gateway,
            software: read.software,
            is_held_out: read.held_out,
            packages: read.packages,
            server: End {
                ready: ready("server.ready", &read.server.ready)?,
                prepare: read.server.prepare,
                command: read.server.command,
                files: read.server.files,
            },
            client: End {
                ready: ready("client.ready", &read.client.ready)?,
                prepare: read.client.prepare,
                command: read.client.command,
                files: read.client.files,
            },
            admit: read.client.admit,
            connect: read.client.connect,
            disconnect: read.client.disconnect,
            dismiss: read.client.dismiss,
            interface: read.client.interface,
        })
    }
}
