//! A scenario file: one application of one class, and what a client does with it.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    mistake::Mistake,
    service::{TemplateFile, check_name, check_schema},
    source::SourceFile,
};

/// The six activities of ISCX-VPN 2016.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) enum Class {
    /// Messages between people, as they are typed.
    Chat,
    /// Mail sent and fetched.
    Email,
    /// Sound and video as they are played.
    Streaming,
    /// Files up and down.
    #[serde(rename = "File_transfer")]
    FileTransfer,
    /// Calls.
    #[serde(rename = "VoIP")]
    Voip,
    /// Files from and to peers.
    #[serde(rename = "P2P")]
    PeerToPeer,
}

impl Class {
    /// Every class, in the order of ISCX-VPN 2016.
    pub(crate) const ALL: [Self; 6] = [
        Self::Chat,
        Self::Email,
        Self::Streaming,
        Self::FileTransfer,
        Self::Voip,
        Self::PeerToPeer,
    ];

    /// Its name, as in a data set.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Chat => "Chat",
            Self::Email => "Email",
            Self::Streaming => "Streaming",
            Self::FileTransfer => "File_transfer",
            Self::Voip => "VoIP",
            Self::PeerToPeer => "P2P",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Class {
    type Err = String;

    /// By name, whatever the case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|class| class.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| {
                let names = Self::ALL.map(Self::name).join(", ");
                format!("no class `{text}`, expected one of {names}")
            })
    }
}

/// Whether a session begins with bytes that anyone can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Plaintext {
    /// Encrypted from its first payload on.
    None,
    /// A greeting, a version or a STARTTLS exchange comes first.
    Preamble,
    /// Drawn in the step, which notes `plaintext` as `preamble` where there is one.
    Drawn,
}

/// What a scenario file says.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScenarioFile {
    schema: u32,
    class: Class,
    application: String,
    stack: String,
    #[serde(default)]
    packages: Vec<String>,
    #[serde(default)]
    python: Vec<String>,
    services: Vec<String>,
    seconds: [u32; 2],
    parallel: [u32; 2],
    pause: f64,
    plaintext: Plaintext,
    #[serde(default)]
    files: Vec<TemplateFile>,
    step: StepFile,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StepFile {
    timeout: u32,
    command: String,
}

/// What a client of one application does, checked; its texts are still templates.
#[derive(Debug)]
pub(crate) struct Scenario {
    /// Where it was read, inside the catalogue.
    pub(crate) file: String,
    /// The activity its sessions are labelled with.
    pub(crate) class: Class,
    /// Unique among scenarios: what held-out groups of applications are made of.
    pub(crate) application: String,
    /// The client's TLS or other cryptographic library.
    pub(crate) stack: String,
    /// Debian packages to install.
    pub(crate) packages: Vec<String>,
    /// Python packages to install into the laboratory's own environment.
    pub(crate) python: Vec<String>,
    /// The services it can be run with; one is drawn each step.
    pub(crate) services: Vec<String>,
    /// Least and greatest length of a run, in seconds.
    pub(crate) seconds: [u32; 2],
    /// Least and greatest number of steps side by side.
    pub(crate) parallel: [u32; 2],
    /// Mean pause between two steps, in seconds.
    pub(crate) pause: f64,
    /// Whether its sessions begin readable.
    pub(crate) plaintext: Plaintext,
    /// The longest that a step may take, in seconds.
    pub(crate) timeout: u32,
    pub(super) files: Vec<TemplateFile>,
    pub(super) command: String,
}

impl Scenario {
    /// Reads a scenario file in `scenarios/FOLDER`, the class in lower case.
    pub(super) fn parse(file: &SourceFile, folder: &str, stem: &str) -> Result<Self, Mistake> {
        let read: ScenarioFile = file.read()?;
        check_schema(file, read.schema)?;
        check_name(file, "application", &read.application, stem)?;
        if !read.class.name().eq_ignore_ascii_case(folder) {
            let expected = read.class.name().to_ascii_lowercase();
            return Err(file.mistake(
                "class",
                format!(
                    "found `{}`, but the file is not in scenarios/{expected}",
                    read.class
                ),
            ));
        }
        for template in &read.files {
            template.check(file)?;
        }
        check_range(file, "seconds", read.seconds)?;
        check_range(file, "parallel", read.parallel)?;
        if !(read.pause > 0.0 && read.pause <= 60.0) {
            return Err(file.mistake(
                "pause",
                format!(
                    "found {}, expected seconds above 0 and up to 60",
                    read.pause
                ),
            ));
        }
        if !(1..=600).contains(&read.step.timeout) {
            return Err(file.mistake(
                "step.timeout",
                format!("found {}, expected 1 to 600 seconds", read.step.timeout),
            ));
        }
        if read.services.is_empty() {
            return Err(file.mistake("services", "found none, expected at least one"));
        }
        Ok(Self {
            file: file.path.clone(),
            class: read.class,
            application: read.application,
            stack: read.stack,
            packages: read.packages,
            python: read.python,
            services: read.services,
            seconds: read.seconds,
            parallel: read.parallel,
            pause: read.pause,
            plaintext: read.plaintext,
            timeout: read.step.timeout,
            files: read.files,
            command: read.step.command,
        })
    }
}

fn check_range(file: &SourceFile, field: &str, range: [u32; 2]) -> Result<(), Mistake> {
    let [least, most] = range;
    if least >= 1 && least <= most {
        return Ok(());
    }
    Err(file.mistake(
        field,
        format!("found [{least}, {most}], expected the lesser number first, and at least 1"),
    ))
}
