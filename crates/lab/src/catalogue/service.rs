//! A service file: one server or far end, and how to start it.

use std::{collections::BTreeMap, fmt};

use regex::Regex;
use serde::Deserialize;

use super::{SCHEMA, mistake::Mistake, source::SourceFile};

/// The hosts that services run on: three sites and six peers.
const HOSTS: [&str; 9] = ["a", "b", "c", "p1", "p2", "p3", "p4", "p5", "p6"];

/// What a service file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceFile {
    schema: u32,
    name: String,
    hosts: Vec<String>,
    software: String,
    #[serde(default)]
    beside: Vec<String>,
    #[serde(default)]
    packages: Vec<String>,
    #[serde(default)]
    unpack: Vec<String>,
    #[serde(default)]
    ports: Vec<PortText>,
    prepare: Option<String>,
    command: String,
    ready: String,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    #[serde(default)]
    files: Vec<TemplateFile>,
}

/// `25` or `"443/udp"`.
#[derive(Debug, Deserialize)]
#[serde(untagged, expecting = "expected a port such as 25 or \"443/udp\"")]
enum PortText {
    Number(u16),
    Text(String),
}

/// A file that is written before a command starts; its content is a template.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateFile {
    pub(super) path: String,
    pub(super) mode: Option<String>,
    pub(super) owner: Option<String>,
    pub(super) content: String,
}

impl TemplateFile {
    /// Says what is wrong with it, if anything is.
    pub(super) fn check(&self, file: &SourceFile) -> Result<(), Mistake> {
        let is_inside = !self.path.is_empty()
            && !self.path.starts_with('/')
            && self.path.split('/').all(|part| part != "..");
        if !is_inside {
            return Err(file.mistake(
                "files.path",
                format!("found `{}`, expected a path below the folder", self.path),
            ));
        }
        match &self.mode {
            Some(mode) if u32::from_str_radix(mode, 8).is_err() => Err(file.mistake(
                "files.mode",
                format!("found `{mode}`, expected an octal number such as \"644\""),
            )),
            _ => Ok(()),
        }
    }
}

/// What a service listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Port {
    /// Its number.
    pub(crate) number: u16,
    /// Whether it is a UDP port; else TCP.
    pub(crate) is_udp: bool,
}

/// As a service file has it: `25`, `443/udp`.
impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}{}",
            self.number,
            if self.is_udp { "/udp" } else { "" }
        )
    }
}

/// How it shows that a service is up.
#[derive(Debug, Clone)]
pub(crate) enum Ready {
    /// It accepts connections on this TCP port.
    Tcp(u16),
    /// Its log matches this expression.
    Log(Regex),
    /// After this many seconds, if it still runs.
    Seconds(f64),
}

impl PartialEq for Ready {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Tcp(one), Self::Tcp(other)) => one == other,
            (Self::Log(one), Self::Log(other)) => one.as_str() == other.as_str(),
            (Self::Seconds(one), Self::Seconds(other)) => one == other,
            _ => false,
        }
    }
}

/// A server or far end, checked; its texts are still templates.
#[derive(Debug)]
pub(crate) struct Service {
    /// Where it was read, inside the catalogue.
    pub(crate) file: String,
    /// Unique among services.
    pub(crate) name: String,
    /// One process on each.
    pub(crate) hosts: Vec<String>,
    /// Server software and its TLS library, for people.
    pub(crate) software: String,
    /// Services that it stands beside: it is started with any of them, and not on its own account.
    pub(crate) beside: Vec<String>,
    /// Debian packages to install.
    pub(crate) packages: Vec<String>,
    /// Debian packages that conflict with others: unpacked, not installed.
    pub(crate) unpack: Vec<String>,
    /// What it listens on.
    pub(crate) ports: Vec<Port>,
    /// Run to its end in the host's namespace before each start.
    pub(crate) prepare: Option<String>,
    /// The program, in the foreground.
    pub(crate) command: String,
    /// How it shows that it is up.
    pub(crate) ready: Ready,
    /// Environment variables; values are templates.
    pub(crate) environment: BTreeMap<String, String>,
    pub(super) files: Vec<TemplateFile>,
}

impl Service {
    /// Reads a service file whose name inside the catalogue ends in `stem`.
    pub(super) fn parse(file: &SourceFile, stem: &str) -> Result<Self, Mistake> {
        let read: ServiceFile = file.read()?;
        check_schema(file, read.schema)?;
        check_name(file, "name", &read.name, stem)?;
        if read.hosts.is_empty() {
            return Err(file.mistake("hosts", "found none, expected at least one"));
        }
        if let Some(host) = read
            .hosts
            .iter()
            .find(|host| !HOSTS.contains(&host.as_str()))
        {
            return Err(file.mistake(
                "hosts",
                format!("no host `{host}`, expected sites a to c or peers p1 to p6"),
            ));
        }
        for template in &read.files {
            template.check(file)?;
        }
        Ok(Self {
            ready: parse_ready(&read.ready).ok_or_else(|| {
                file.mistake(
                    "ready",
                    format!(
                        "found `{}`, expected `tcp:PORT`, `log:REGEX` or `seconds:N`",
                        read.ready
                    ),
                )
            })?,
            ports: read
                .ports
                .iter()
                .map(|port| parse_port(file, port))
                .collect::<Result<_, _>>()?,
            file: file.path.clone(),
            name: read.name,
            hosts: read.hosts,
            software: read.software,
            beside: read.beside,
            packages: read.packages,
            unpack: read.unpack,
            prepare: read.prepare,
            command: read.command,
            environment: read.environment,
            files: read.files,
        })
    }
}

/// Says what is wrong with a schema number.
pub(super) fn check_schema(file: &SourceFile, found: u32) -> Result<(), Mistake> {
    if found == SCHEMA {
        return Ok(());
    }
    Err(file.mistake(
        "schema",
        format!("{found} is not read by this version, expected {SCHEMA}"),
    ))
}

/// A name is the file's, so that whoever reads the name finds the file.
pub(super) fn check_name(
    file: &SourceFile,
    field: &str,
    found: &str,
    stem: &str,
) -> Result<(), Mistake> {
    let expected = stem.strip_suffix(".toml").unwrap_or(stem);
    if found == expected {
        return Ok(());
    }
    Err(file.mistake(
        field,
        format!("found `{found}`, expected the name of the file, `{expected}`"),
    ))
}

fn parse_port(file: &SourceFile, port: &PortText) -> Result<Port, Mistake> {
    match port {
        PortText::Number(number) => Some(Port {
            number: *number,
            is_udp: false,
        }),
        PortText::Text(text) => text.split_once('/').and_then(|(number, protocol)| {
            Some(Port {
                number: number.parse().ok()?,
                is_udp: match protocol {
                    "udp" => true,
                    "tcp" => false,
                    _ => return None,
                },
            })
        }),
    }
    .ok_or_else(|| file.mistake("ports", "expected a port such as 25 or \"443/udp\""))
}

/// How a program shows that it is up: `tcp:PORT`, `log:REGEX` or `seconds:N`.
pub(super) fn parse_ready(text: &str) -> Option<Ready> {
    let (kind, value) = text.split_once(':')?;
    match kind {
        "tcp" => value.parse().ok().map(Ready::Tcp),
        "log" => Regex::new(value).ok().map(Ready::Log),
        "seconds" => value.parse().ok().map(Ready::Seconds),
        _ => None,
    }
}
