//! `prepare`: make a dataset from labelled captures.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use anyhow::Context;
use clap::{Args, ValueEnum};
use learn::{
    capture_files,
    dataset::manifest::LabelSource,
    filters::Choice,
    labels::{LabelTable, Labelled, Labelling, Unlabelled, sidecar::SidecarClass},
    preparation::{prepare, set_aside_others},
    registry::{self, Disputed, Excluded, LabelMap, Registry},
};
use regex::Regex;

use crate::{
    cutting::SessionArguments,
    making::{DatasetArguments, Defaults},
    sampling::RuleChoice,
};

/// Make a dataset from labelled captures
///
/// Captures are cut into sessions, sessions into slices; `manifest.json` in the dataset's folder
/// says how, so that the same captures and options give the same bytes again.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  A folder for each class, data/Chat/*.pcap, data/Email/*.pcap:
    undertone prepare data --out dataset
  The class is in the name, as in chat_3.pcap:
    undertone prepare *.pcap --label-pattern '^(?<class>[a-z]+)_' --out dataset
  The public ISCX-VPN-NonVPN2016 captures, cut as the paper has it:
    undertone prepare iscx/ --registry iscx-vpn-nonvpn-2016 --session-end capture --out dataset
  Six activities, inside the tunnel or not:
    undertone prepare iscx/ --registry iscx-vpn-nonvpn-2016 --map 6 --out dataset
  Whole captures held out for the test:
    undertone prepare data --split capture --seed 1 --out dataset
  Captures of `undertone-lab`, tested on sites that training never saw:
    undertone prepare lab/direct lab/inner --labels sidecar --split site --out dataset
  Tunnels seen from outside, two seconds after two seconds, and what is done inside of them:
    undertone prepare lab/outer --labels sidecar --unit window --policy ip --out dataset
  A dataset to share, with digests instead of addresses:
    head -c 32 /dev/urandom > key
    undertone prepare data --policy strict --anonymise key --out dataset")]
pub(crate) struct Prepare {
    /// Captures, pcap or pcapng, or folders of them
    #[arg(required = true, value_name = "CAPTURE")]
    captures: Vec<PathBuf>,

    #[command(flatten)]
    labels: LabelArguments,

    #[command(flatten)]
    sessions: SessionArguments,

    #[command(flatten)]
    dataset: DatasetArguments,
}

/// What to write for `--labels` to read sidecars; a table of that name is `./sidecar`.
const SIDECAR: &str = "sidecar";

/// Where labels come from.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Labels (by default, the folder a capture lies in)")]
struct LabelArguments {
    /// Regular expression over names, with a group `(?<class>…)` and, if wanted, `(?<group>…)`
    /// and `(?<split>…)` (train, validation, test or t10k)
    #[arg(long, value_name = "REGEX", conflicts_with_all = ["labels", "registry"])]
    label_pattern: Option<Regex>,

    /// Table of file, class and, if wanted, group, separated by tabs; or the word `sidecar`, for
    /// the JSON files that `undertone-lab` leaves beside its captures
    #[arg(long, value_name = "FILE", conflicts_with = "registry")]
    labels: Option<PathBuf>,

    /// What of a sidecar is the class: what was done, or the kind of tunnel that it went through
    #[arg(long, value_enum, default_value_t = SidecarClassChoice::Activity, value_name = "WHAT", requires = "labels")]
    sidecar_class: SidecarClassChoice,

    /// A public data set that is built in
    #[arg(long, value_name = "NAME", value_parser = known_registry)]
    registry: Option<&'static Registry>,

    /// Which classes of the registry are told apart, such as `12`, `6` or `2`; by default all
    /// (`undertone dataset show NAME` lists the maps)
    #[arg(long, value_name = "MAP", requires = "registry")]
    map: Option<String>,

    /// Captures of the registry whose class is disputed: the class of its own paper, that of
    /// later works, or set aside
    #[arg(long, value_enum, default_value_t = DisputedChoice::Follow, value_name = "WHAT", requires = "registry")]
    disputed: DisputedChoice,

    /// Captures that the registry's own paper leaves out: set aside, or the class that another
    /// work gives them
    #[arg(long, value_enum, default_value_t = ExcludedChoice::Drop, value_name = "WHAT", requires = "registry")]
    excluded: ExcludedChoice,

    /// Captures without a label
    #[arg(long, value_enum, default_value_t = UnlabelledChoice::Refuse, value_name = "WHAT")]
    unlabelled: UnlabelledChoice,

    /// The classes, in the order of their labels; by default by name
    #[arg(long, value_delimiter = ',', value_name = "CLASS,…")]
    classes: Option<Vec<String>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum SidecarClassChoice {
    Activity,
    Tunnel,
}

impl From<SidecarClassChoice> for SidecarClass {
    fn from(choice: SidecarClassChoice) -> Self {
        match choice {
            SidecarClassChoice::Activity => Self::Activity,
            SidecarClassChoice::Tunnel => Self::Tunnel,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum DisputedChoice {
    Follow,
    OtherClass,
    Drop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ExcludedChoice {
    Drop,
    OtherClass,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum UnlabelledChoice {
    Refuse,
    Skip,
}

/// A registry by its name.
pub(super) fn known_registry(name: &str) -> Result<&'static Registry, String> {
    Registry::named(name).ok_or_else(|| {
        let known: Vec<&str> = registry::all()
            .iter()
            .map(|one| one.name.as_str())
            .collect();
        format!("known are: {}", known.join(", "))
    })
}

/// A label map of a registry by its name, else the finest.
pub(super) fn known_map(
    registry: &'static Registry,
    name: Option<&str>,
) -> anyhow::Result<&'static LabelMap> {
    let Some(name) = name else {
        return Ok(registry.finest());
    };
    registry.map(name).with_context(|| {
        let known: Vec<&str> = registry.maps.iter().map(|map| map.name.as_str()).collect();
        let (registry, known) = (&registry.name, known.join(", "));
        format!("`{registry}` has no label map `{name}`, only {known}")
    })
}

impl Prepare {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let found = capture_files::find(&self.captures)?;
        let mut labelled = self.labels.apply(found.captures)?;
        set_aside_others(&mut labelled, &found.others);
        let is_given = labelled
            .captures
            .iter()
            .all(|capture| capture.given.is_some());
        let defaults = Defaults {
            name: self
                .labels
                .registry
                .map_or("dataset", |registry| registry.name.as_str()),
            cleaning: Choice::Drop,
            rule: match labelled.source {
                LabelSource::Sidecar { .. } => RuleChoice::Run,
                _ if is_given => RuleChoice::Given,
                _ => RuleChoice::Session,
            },
        };
        let sessions = self.sessions.default_slices();
        let options = self.dataset.options(sessions, &defaults)?;
        self.dataset.make(out, |place, observer| {
            prepare(&labelled, &options, place, observer)
        })
    }
}

impl LabelArguments {
    fn apply(&self, captures: Vec<capture_files::CaptureFile>) -> anyhow::Result<Labelled> {
        let labelling = if let Some(pattern) = &self.label_pattern {
            Labelling::Pattern(pattern.clone())
        } else if self.labels.as_deref() == Some(Path::new(SIDECAR)) {
            Labelling::Sidecar(self.sidecar_class.into())
        } else if let Some(path) = &self.labels {
            Labelling::Table(LabelTable::read(path)?)
        } else if let Some(registry) = self.registry {
            Labelling::Registry {
                registry,
                map: known_map(registry, self.map.as_deref())?,
                disputed: match self.disputed {
                    DisputedChoice::Follow => Disputed::Follow,
                    DisputedChoice::OtherClass => Disputed::OtherClass,
                    DisputedChoice::Drop => Disputed::Drop,
                },
                excluded: match self.excluded {
                    ExcludedChoice::Drop => Excluded::Drop,
                    ExcludedChoice::OtherClass => Excluded::OtherClass,
                },
            }
        } else {
            Labelling::Folder
        };
        let unlabelled = match self.unlabelled {
            UnlabelledChoice::Refuse => Unlabelled::Refuse,
            UnlabelledChoice::Skip => Unlabelled::Skip,
        };
        let classes = self.classes.as_deref();
        Ok(labelling.apply(captures, classes, unlabelled)?)
    }
}
