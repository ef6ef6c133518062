//! `import`: make a dataset from files of other projects.

use std::{io::Write, path::PathBuf};

use anyhow::bail;
use clap::{Args, Subcommand};
use learn::{
    dataset::Split,
    filters::Choice,
    idx::{IdxImport, IdxPair, RowForm, RowIndex, import},
    registry::{LabelMap, Registry},
};
use traffic::session_table::CutOptions;

use super::prepare::{known_map, known_registry};
use crate::{
    cutting::TunnelChoice,
    making::{DatasetArguments, Defaults},
    sampling::RuleChoice,
};

/// Make a dataset from files of other projects
#[derive(Debug, Args)]
pub(crate) struct Import {
    #[command(subcommand)]
    from: From,
}

#[derive(Debug, Subcommand)]
enum From {
    Idx(Box<ImportIdx>),
}

/// From IDX files whose rows are heads of pcap files, as published traffic sets are
///
/// Each row is taken apart into its packets, which go the way of any capture's: cut into a
/// session, the bytes that the policy does not want zeroed. What pcap's own headers hold, the
/// time among it, enters no slice. Published rows are samples already: duplicates and empty
/// sessions stay unless asked otherwise, so that scores compare with published ones.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  The standard split of the ISCX-VPN-NonVPN2016 sessions, as published:
    undertone import idx train-images-idx3-ubyte.gz train-labels-idx1-ubyte.gz \\
      --test-images test-images-idx3-ubyte.gz --test-labels test-labels-idx1-ubyte.gz \\
      --registry iscx-vpn-nonvpn-2016 --out dataset
  The same as six classes, whether in a tunnel or not:
    undertone import idx … --registry iscx-vpn-nonvpn-2016 --map 6 --out dataset
  Whole capture groups held out, groups from an index:
    undertone import idx … --index index.csv.gz --split capture --allow-untestable --out dataset
  Rows that are cleaned bytes already:
    undertone import idx images labels --raw --classes 0,1,2,3,4,5,6,7,8,9 --out dataset
  Files without a test half:
    undertone import idx images labels --classes Gmail,Skype,FTP --out dataset")]
struct ImportIdx {
    /// Images to fit on, one row a session; gzipped or not
    images: PathBuf,

    /// Their labels
    labels: PathBuf,

    /// Images to test on
    #[arg(long, value_name = "IMAGES", requires = "test_labels")]
    test_images: Option<PathBuf>,

    /// Their labels
    #[arg(long, value_name = "LABELS", requires = "test_images")]
    test_labels: Option<PathBuf>,

    /// Names of the classes, in the order of the labels
    #[arg(
        long,
        value_delimiter = ',',
        value_name = "CLASS,…",
        required_unless_present = "registry",
        conflicts_with = "registry"
    )]
    classes: Option<Vec<String>>,

    /// The public data set whose classes these are, in its order
    #[arg(long, value_name = "NAME", value_parser = known_registry)]
    registry: Option<&'static Registry>,

    /// Which of its label maps to merge the classes by, such as `6`; a class that the map does not
    /// have is left out (`undertone dataset show NAME` lists the maps)
    #[arg(long, value_name = "MAP", requires = "registry")]
    map: Option<String>,

    /// Which of its label maps numbers the labels in the files, such as `10-benign`; by default the
    /// one with all classes
    #[arg(long, value_name = "MAP", requires = "registry")]
    numbered_by: Option<String>,

    /// Take rows as slices as they are; without it, a row that is no head of a pcap file is
    /// refused
    #[arg(long, conflicts_with_all = ["policy", "slice_length", "unit", "packet_slices", "anonymise"])]
    raw: bool,

    /// Table with columns `split`, `row` and `capture_group`, which the `capture` rule needs
    #[arg(long, value_name = "CSV")]
    index: Option<PathBuf>,

    /// Which packets of a tunnel count
    #[arg(long, value_enum, default_value_t = TunnelChoice::Outer, value_name = "WHICH", conflicts_with = "raw")]
    tunnels: TunnelChoice,

    #[command(flatten)]
    dataset: DatasetArguments,
}

impl Import {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        match &self.from {
            From::Idx(files) => files.run(out),
        }
    }
}

impl ImportIdx {
    /// Names of the classes by label of the files, and the map that merges them.
    fn classes(&self) -> anyhow::Result<(Vec<String>, Option<&'static LabelMap>)> {
        let Some(registry) = self.registry else {
            return Ok((self.classes.clone().unwrap_or_default(), None));
        };
        let numbering = known_map(registry, self.numbered_by.as_deref())?;
        let merging = match &self.map {
            Some(name) => Some(known_map(registry, Some(name))?),
            None => None,
        };
        if let Some(map) = merging.filter(|_| !numbering.merged.is_empty()) {
            bail!(
                "labels that `{}` numbers are merged already and cannot be merged by `{}`; leave \
                 out `--map`",
                numbering.name,
                map.name
            );
        }
        Ok((numbering.classes.clone(), merging))
    }

    fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let mut pairs = vec![IdxPair {
            images: self.images.clone(),
            labels: self.labels.clone(),
            split: Split::Train,
        }];
        if let (Some(images), Some(labels)) = (&self.test_images, &self.test_labels) {
            pairs.push(IdxPair {
                images: images.clone(),
                labels: labels.clone(),
                split: Split::Test,
            });
        }
        let (classes, map) = self.classes()?;
        let defaults = Defaults {
            name: self
                .registry
                .map_or("dataset", |registry| registry.name.as_str()),
            cleaning: Choice::Keep,
            rule: if pairs.len() > 1 {
                RuleChoice::Given
            } else {
                RuleChoice::Session
            },
        };
        let what = IdxImport {
            pairs,
            classes,
            registry: self.registry,
            map,
            form: if self.raw {
                RowForm::Slices
            } else {
                RowForm::PcapHeads
            },
            index: self.index.as_deref().map(RowIndex::read).transpose()?,
        };
        let sessions = CutOptions {
            tunnels: self.tunnels.into(),
            ..CutOptions::default()
        };
        let options = self.dataset.options(sessions, &defaults)?;
        self.dataset.make(out, |place, observer| {
            import(&what, &options, place, observer)
        })
    }
}
