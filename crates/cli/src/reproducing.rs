//! Reproducing: the published samples of a data set, from IDX files or from captures.

use std::{
    collections::BTreeMap,
    fs,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use learn::{
    capture_files,
    dataset::{
        Manifest, Split,
        folder::{Existing, MANIFEST, read_manifest},
    },
    filters::{Choice, Filters},
    idx::{IdxImport, IdxPair, RowForm, RowIndex, import},
    labels::{Labelling, Unlabelled},
    preparation::{Observer, PrepareError, PrepareOptions, prepare, set_aside_others},
    registry::{Disputed, Excluded, Registry},
    splits::{SplitOptions, SplitRule},
};
use traffic::session_table::{CutOptions, EndRule};

/// Slices of a session's first packets beside its own: what `cnn-lstm` reads.
const PACKET_SLICES: usize = 3;

/// The most samples of a class, as the published rows have it.
const MOST_OF_A_CLASS: usize = 6000;

/// How deep below the folder IDX files are looked for.
const DEPTH: usize = 3;

/// Makes a dataset once it is given whom to tell.
pub(crate) type Making = Box<dyn FnOnce(Observer<'_>) -> Result<Manifest, PrepareError> + Send>;

/// What a folder holds of a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// IDX files, and the index of their rows if one is there.
    Idx {
        pairs: Vec<IdxPair>,
        index: Option<PathBuf>,
    },
    /// Captures.
    Captures,
}

impl Source {
    /// Looks into a folder; where both are, IDX files are the published samples themselves.
    ///
    /// # Errors
    ///
    /// If the folder cannot be read.
    pub(crate) fn find(folder: &Path) -> anyhow::Result<Self> {
        let mut names = BTreeMap::new();
        list(folder, DEPTH, &mut names)
            .with_context(|| format!("cannot read `{}`", folder.display()))?;
        let file = |side: &[&str], kind: &str| {
            let is_wanted = |name: &&String| {
                side.iter().any(|side| name.starts_with(side)) && name.contains(kind)
            };
            names
                .iter()
                .find(|(name, _)| is_wanted(name))
                .map(|(_, path)| path.clone())
        };
        let pair = |side: &[&str], split| {
            Some(IdxPair {
                images: file(side, "images-idx3")?,
                labels: file(side, "labels-idx1")?,
                split,
            })
        };
        let train = pair(&["train-"], Split::Train);
        let test = pair(&["test-", "t10k-"], Split::Test);
        Ok(match (train, test) {
            (Some(train), Some(test)) => Self::Idx {
                pairs: vec![train, test],
                index: file(&["index.csv"], ""),
            },
            _ => Self::Captures,
        })
    }

    /// What it is, in a few words.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Idx { .. } => "IDX files",
            Self::Captures => "captures",
        }
    }
}

/// Files by name, to a depth.
fn list(folder: &Path, depth: usize, names: &mut BTreeMap<String, PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if path.is_dir() {
            if depth > 1 {
                list(&path, depth - 1, names)?;
            }
        } else {
            let name = entry.file_name().to_string_lossy().into_owned();
            names.entry(name).or_insert(path);
        }
    }
    Ok(())
}

/// The dataset that an earlier run of the command made; it must be of the same data set.
///
/// # Errors
///
/// If something else is there.
pub(crate) fn existing(place: &Path, registry: &Registry) -> anyhow::Result<Option<Manifest>> {
    if !place.join(MANIFEST).exists() {
        return Ok(None);
    }
    let manifest = read_manifest(place)
        .with_context(|| format!("cannot open dataset `{}`", place.display()))?;
    if manifest.name != registry.name || manifest.classes != registry.classes() {
        bail!(
            "`{}` holds another dataset, `{}`; name another --out",
            place.display(),
            manifest.name
        );
    }
    Ok(Some(manifest))
}

/// Makes the dataset of the published experiment: policy `paper`, sessions that end with their
/// capture, all of them with their background.
///
/// # Errors
///
/// If the files are damaged, or are not of the data set.
pub(crate) fn make(
    source: &Source,
    data: &Path,
    registry: &'static Registry,
    place: &Path,
) -> anyhow::Result<Making> {
    let cutting = CutOptions {
        end_rule: EndRule::Capture,
        // As many as the captures hold: none may be flushed before its time.
        max_sessions: const { NonZeroUsize::new(1_000_000).expect("a million is not zero") },
        packet_slices: PACKET_SLICES,
        ..CutOptions::default()
    };
    let options = |filters, rule| PrepareOptions {
        name: registry.name.clone(),
        cutting,
        filters,
        anonymiser: None,
        split: SplitOptions {
            rule,
            ..SplitOptions::default()
        },
        existing: Existing::Refuse,
    };
    let place = place.to_owned();
    match source {
        Source::Idx { pairs, index } => {
            let what = IdxImport {
                pairs: pairs.clone(),
                classes: registry.classes().to_vec(),
                registry: Some(registry),
                map: None,
                index: index.as_deref().map(RowIndex::read).transpose()?,
                form: RowForm::PcapHeads,
            };
            let filters = Filters {
                duplicates: Choice::Keep,
                empty: Choice::Keep,
                ..Filters::default()
            };
            let options = options(filters, SplitRule::Given);
            Ok(Box::new(move |observer| {
                import(&what, &options, &place, observer)
            }))
        }
        Source::Captures => {
            let found = capture_files::find(&[data.to_owned()])?;
            let labelling = Labelling::Registry {
                registry,
                map: registry.finest(),
                disputed: Disputed::Follow,
                excluded: Excluded::Drop,
            };
            let mut labelled = labelling
                .apply(found.captures, None, Unlabelled::Skip)
                .with_context(|| {
                    format!(
                        "`{}` holds neither IDX files nor captures of `{}`",
                        data.display(),
                        registry.name
                    )
                })?;
            set_aside_others(&mut labelled, &found.others);
            let is_given = labelled.captures.iter().all(|one| one.given.is_some());
            let rule = if is_given {
                SplitRule::Given
            } else {
                SplitRule::Session
            };
            let filters = Filters {
                max_per_class: Some(MOST_OF_A_CLASS),
                ..Filters::default()
            };
            let options = options(filters, rule);
            Ok(Box::new(move |observer| {
                prepare(&labelled, &options, &place, observer)
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idx_files_are_found_by_their_names_and_the_index_beside_them() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("idx");
        fs::create_dir(&below).unwrap();
        assert_eq!(Source::find(folder.path()).unwrap(), Source::Captures);
        for name in [
            "train-images-idx3-ubyte.gz",
            "train-labels-idx1-ubyte.gz",
            "t10k-images-idx3-ubyte",
            "t10k-labels-idx1-ubyte",
        ] {
            fs::write(below.join(name), "").unwrap();
        }
        fs::write(folder.path().join("index.csv.gz"), "").unwrap();
        let Source::Idx { pairs, index } = Source::find(folder.path()).unwrap() else {
            panic!("IDX files were not found");
        };
        assert_eq!(pairs[0].images, below.join("train-images-idx3-ubyte.gz"));
        assert_eq!(pairs[1].labels, below.join("t10k-labels-idx1-ubyte"));
        assert_eq!(pairs[1].split, Split::Test);
        assert_eq!(index, Some(folder.path().join("index.csv.gz")));
    }
}
