//! The manifest: the facts needed to make the dataset again.
//!
//! These types are the file's, not the program's: a change of theirs is a change of [`SCHEMA`].
//! There is no date and no folder in it, so that the same captures give the same bytes anywhere.

use std::{
    collections::BTreeMap,
    num::{NonZeroU64, NonZeroUsize},
};

use serde::{Deserialize, Serialize};
use traffic::{
    session_table::{CutOptions, EndRule, Tunnels, Unit, Windows},
    tally::Tally,
};

use super::Split;
pub use super::row_tally::RowTally;
use crate::{
    filters::{FilterTally, Filters},
    labels::sidecar::{Sidecar, SidecarClass, View},
    registry::PublishedFiles,
    splits::{Fractions, SplitRule},
};

/// The schema number that this version writes, and the newest it reads.
///
/// 2 added what a laboratory knows: the columns run, site, application and tunnel, and splits by
/// them. A file of schema 1 reads as one that knows nothing of it.
pub const SCHEMA: u32 = 2;

/// The facts needed to make the dataset again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this file's form.
    pub schema: u32,
    /// Version of the program that wrote it.
    pub undertone: String,
    /// What the dataset is called.
    pub name: String,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
    /// Byte policy, canonical spelling; [`RAW`] where slices were taken as they were found.
    pub policy: String,
    /// Bytes of a slice.
    pub slice_length: usize,
    /// How captures were cut into sessions.
    pub cutting: Cutting,
    /// Where the labels come from.
    pub labels: LabelSource,
    /// What stands in the columns of addresses.
    #[serde(default)]
    pub addresses: AddressForm,
    /// Which sessions were left out.
    pub filters: Filters,
    /// How samples were split.
    pub split: SplitRecord,
    /// Sessions found and left out, by reason.
    pub tally: FilterTally,
    /// Frames and packets of all captures.
    pub traffic: Tally,
    /// The captures, in the order in which they were read.
    pub captures: Vec<CaptureRecord>,
    /// Files that were seen and not used.
    pub set_aside: Vec<SetAside>,
    /// Whether the files are those that a public data set's checksums are of, where labels are its.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published_files: Option<PublishedFiles>,
    /// SHA-256 of `samples.parquet`, in hexadecimal.
    pub samples_sha256: String,
}

/// The policy name of slices that no byte policy cut.
pub const RAW: &str = "raw";

impl Manifest {
    /// A manifest of no captures and no samples.
    pub fn new(name: &str, classes: Vec<String>, policy: &str, slice_length: usize) -> Self {
        Self {
            schema: SCHEMA,
            undertone: env!("CARGO_PKG_VERSION").to_owned(),
            name: name.to_owned(),
            classes,
            policy: policy.to_owned(),
            slice_length,
            cutting: Cutting::default(),
            labels: LabelSource::Folder,
            addresses: AddressForm::default(),
            filters: Filters::default(),
            split: SplitRecord::default(),
            tally: FilterTally::default(),
            traffic: Tally::default(),
            captures: Vec::new(),
            set_aside: Vec::new(),
            published_files: None,
            samples_sha256: String::new(),
        }
    }
}

/// What stands in the columns of addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case")]
pub enum AddressForm {
    /// The addresses themselves.
    #[default]
    Clear,
    /// A keyed digest of each; see [`crate::anonymiser::Anonymiser`].
    HmacSha256 {
        /// The key's own digest: two datasets of one key have the same.
        key_id: String,
    },
}

/// How captures were cut into sessions; see [`CutOptions`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cutting {
    /// What a slice is cut from.
    pub unit: UnitRecord,
    /// When a session ends.
    pub session_end: EndRecord,
    /// Which packets of a tunnel count.
    pub tunnels: TunnelsRecord,
    /// The most sessions open at once.
    pub max_sessions: NonZeroUsize,
    /// How many packets have a slice of their own.
    pub packet_slices: usize,
}

impl Default for Cutting {
    fn default() -> Self {
        Self {
            unit: UnitRecord::Session,
            session_end: EndRecord::Capture,
            tunnels: TunnelsRecord::Outer,
            max_sessions: NonZeroUsize::MIN,
            packet_slices: 0,
        }
    }
}

/// [`Unit`] on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnitRecord {
    /// A session's packets one after another.
    Session,
    /// Each packet alone.
    Packet,
    /// Some seconds of a session after others.
    Window {
        /// How long one is, in nanoseconds.
        nanoseconds: NonZeroU64,
        /// How many of a session's first packets are in none.
        skipped_packets: u32,
    },
}

impl From<Unit> for UnitRecord {
    fn from(unit: Unit) -> Self {
        match unit {
            Unit::Session => Self::Session,
            Unit::Packet => Self::Packet,
            Unit::Window(Windows {
                nanoseconds,
                skipped_packets,
            }) => Self::Window {
                nanoseconds,
                skipped_packets,
            },
        }
    }
}

impl From<UnitRecord> for Unit {
    fn from(unit: UnitRecord) -> Self {
        match unit {
            UnitRecord::Session => Self::Session,
            UnitRecord::Packet => Self::Packet,
            UnitRecord::Window {
                nanoseconds,
                skipped_packets,
            } => Self::Window(Windows {
                nanoseconds,
                skipped_packets,
            }),
        }
    }
}

/// [`EndRule`] on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "rule", rename_all = "kebab-case")]
pub enum EndRecord {
    /// With the capture.
    Capture,
    /// After silence, after a long time, or when TCP says so.
    Timeout {
        /// Silence that ends a session, in nanoseconds.
        idle_nanoseconds: u64,
        /// Age that ends a session, in nanoseconds.
        active_nanoseconds: u64,
    },
}

/// [`Tunnels`] on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TunnelsRecord {
    /// The tunnel's own packets.
    Outer,
    /// Those inside it.
    Inner,
}

impl From<&CutOptions> for Cutting {
    fn from(options: &CutOptions) -> Self {
        Self {
            unit: options.unit.into(),
            session_end: match options.end_rule {
                EndRule::Capture => EndRecord::Capture,
                EndRule::Timeout {
                    idle_nanoseconds,
                    active_nanoseconds,
                } => EndRecord::Timeout {
                    idle_nanoseconds,
                    active_nanoseconds,
                },
            },
            tunnels: match options.tunnels {
                Tunnels::Outer => TunnelsRecord::Outer,
                Tunnels::Inner => TunnelsRecord::Inner,
            },
            max_sessions: options.max_sessions,
            packet_slices: options.packet_slices,
        }
    }
}

/// Where labels come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "kebab-case")]
pub enum LabelSource {
    /// The folder a capture lies in is its class.
    Folder,
    /// A pattern over file names.
    Pattern {
        /// The regular expression, with its named groups.
        pattern: String,
    },
    /// A table of files and classes.
    Table {
        /// Its file name.
        file: String,
        /// Its SHA-256, in hexadecimal.
        sha256: String,
    },
    /// The sidecar beside each capture that the laboratory made.
    Sidecar {
        /// What of it is the class.
        #[serde(default, skip_serializing_if = "is_default")]
        class: SidecarClass,
    },
    /// A public data set that is built in.
    Registry {
        /// Its name.
        name: String,
        /// The label map, if it is not the finest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        map: Option<String>,
        /// What was done with captures whose class is disputed.
        disputed: String,
        /// What was done with captures that the data set's own paper leaves out.
        excluded: String,
    },
    /// The label file beside the images.
    Idx {
        /// SHA-256 of each label file, in hexadecimal, by file name.
        files: BTreeMap<String, String>,
        /// The public data set that names the classes, if one does.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        registry: Option<String>,
        /// The label map that merged their classes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        map: Option<String>,
    },
}

/// One capture that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaptureRecord {
    /// Its name, below the folder that was given where one was.
    pub file: String,
    /// SHA-256 of the file, in hexadecimal.
    pub sha256: String,
    /// Its size, in bytes.
    pub size: u64,
    /// Its class; none for an IDX file, which holds many.
    pub class: Option<String>,
    /// What must not be torn apart with it; none for an IDX file with an index.
    pub group: Option<String>,
    /// The split that its name or its place gives it.
    pub given_split: Option<Split>,
    /// What is disputed about its class.
    pub note: Option<String>,
    /// Sessions found.
    pub sessions: u64,
    /// Samples kept.
    pub samples: u64,
    /// What became of its rows, if it is an IDX file.
    pub rows: Option<RowTally>,
    /// What its sidecar says, if the laboratory made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lab: Option<LabRecord>,
    /// Its frames and packets.
    pub traffic: Tally,
}

/// What a sidecar says of its capture; see [`Sidecar`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LabRecord {
    /// SHA-256 of the sidecar, in hexadecimal.
    pub sidecar_sha256: String,
    /// The run that made it.
    pub run: String,
    /// Where it was captured.
    pub view: View,
    /// The program that made the traffic.
    pub application: String,
    /// The tunnel it went through; none without.
    pub tunnel: Option<String>,
    /// Sessions left out because their remote end is of no site.
    pub unknown_site: u64,
}

impl LabRecord {
    /// What this sidecar says, of a capture with so many sessions of no site.
    pub(crate) fn of(sidecar: &Sidecar, unknown_site: u64) -> Self {
        Self {
            sidecar_sha256: sidecar.sha256.clone(),
            run: sidecar.run.clone(),
            view: sidecar.view,
            application: sidecar.application.clone(),
            tunnel: sidecar.tunnel.clone(),
            unknown_site,
        }
    }
}

/// A file that was seen and not used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetAside {
    /// Its name.
    pub file: String,
    /// Why.
    pub reason: String,
}

/// How samples were split, and what came of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SplitRecord {
    /// The rule.
    pub rule: SplitRule,
    /// Seed of every choice it made.
    pub seed: u64,
    /// The fractions it aimed at.
    pub fractions: Fractions,
    /// Samples by class, in the order of the labels.
    pub classes: Vec<ClassCounts>,
    /// Classes that have no train or no test samples, and so no score.
    pub untestable: Vec<String>,
    /// Groups by split, where the rule keeps groups whole.
    pub groups: BTreeMap<Split, Vec<String>>,
    /// Groups that were chosen by name for the test.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hold_out: Vec<String>,
    /// Classes that were left out after the dataset was made: only in memory, never in its file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held_out_classes: Vec<String>,
    /// Classes of too few groups for one to choose on: whole runs of their train groups are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validation_by_run: Vec<String>,
    /// Samples left out, by this split and those before it, because their run is on another side.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
pub(super) fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl SplitRecord {
    /// The groups that no training saw, where they are sites, applications or tunnels.
    pub fn held_out(&self) -> &[String] {
        match self.rule {
            SplitRule::Site | SplitRule::Application | SplitRule::Tunnel => {
                self.groups.get(&Split::Test).map_or(&[], Vec::as_slice)
            }
            SplitRule::Given
            | SplitRule::Session
            | SplitRule::Connection
            | SplitRule::Time
            | SplitRule::Capture
            | SplitRule::Run => &[],
        }
    }
}

/// Samples of one class.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassCounts {
    /// Its name.
    pub class: String,
    /// Samples to fit on.
    pub train: u64,
    /// Samples to choose on.
    pub validation: u64,
    /// Samples to quote.
    pub test: u64,
    /// How many of all of them are background.
    pub background: u64,
}
