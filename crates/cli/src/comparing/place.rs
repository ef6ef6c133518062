//! Places: a folder for each table, and the dataset that it is of, split anew where that was asked for.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use learn::{
    dataset::folder::{Existing, read_manifest},
    preparation::resplit,
    splits::{SplitOptions, SplitRule},
};

/// One table to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TablePlace {
    /// What it is called: the dataset's folder, and the rule if it was split anew.
    pub(crate) name: String,
    /// The dataset's folder.
    pub(crate) dataset: PathBuf,
    /// The folder of its trials.
    folder: PathBuf,
}

/// How the datasets are split.
#[derive(Debug, Clone, Default)]
pub(crate) struct Splitting {
    /// The rules; none keeps the split that a dataset has.
    pub(crate) rules: Vec<SplitRule>,
    /// The seed of new splits; none keeps a split of the same rule, and is 0 for the others.
    pub(crate) seed: Option<u64>,
    /// All else of a new split.
    pub(crate) options: SplitOptions,
}

impl TablePlace {
    /// The folder of a trial.
    pub(crate) fn trial(&self, model: &str, seed: u64) -> PathBuf {
        // Colons and what parts a recipe's folders are no part of a file name everywhere.
        let model = model.replace([':', '/', '\\'], "-");
        self.folder.join(format!("{model}-{seed}"))
    }
}

/// A place below `out` for each dataset and split; new splits are made here and now, so that one
/// that is refused is told before anything is trained.
///
/// # Errors
///
/// If a dataset cannot be read, two have the same name, or a split is refused.
pub(crate) fn places(
    datasets: &[PathBuf],
    splitting: &Splitting,
    out: &Path,
) -> anyhow::Result<Vec<TablePlace>> {
    let mut places = Vec::new();
    for dataset in datasets {
        let manifest = read_manifest(dataset)
            .with_context(|| format!("cannot open dataset `{}`", dataset.display()))?;
        let name = name_of(dataset)?;
        let own = &manifest.split;
        let mut rules: Vec<Option<SplitRule>> = splitting.rules.iter().copied().map(Some).collect();
        if rules.is_empty() {
            rules.push(None);
        }
        for rule in rules {
            let is_own_seed = splitting.seed.is_none_or(|seed| seed == own.seed);
            places.push(match rule {
                Some(rule) if rule != own.rule || !is_own_seed => {
                    let options = SplitOptions {
                        rule,
                        seed: splitting.seed.unwrap_or(0),
                        ..splitting.options.clone()
                    };
                    split_anew(dataset, &name, &options, out)?
                }
                _ => TablePlace {
                    folder: out.join(&name),
                    name: name.clone(),
                    dataset: dataset.clone(),
                },
            });
        }
    }
    let names: BTreeSet<&str> = places.iter().map(|place| place.name.as_str()).collect();
    if names.len() < places.len() {
        bail!(
            "two of the datasets have the same name or the same split; their tables would be one"
        );
    }
    Ok(places)
}

fn split_anew(
    dataset: &Path,
    name: &str,
    options: &SplitOptions,
    out: &Path,
) -> anyhow::Result<TablePlace> {
    let name = match options.seed {
        0 => format!("{name}-{}", options.rule),
        seed => format!("{name}-{}-{seed}", options.rule),
    };
    let folder = out.join(&name);
    let place = folder.join("dataset");
    // Splitting is quick and always gives the same: it is not worth finding out whether the
    // dataset that may be there is still the right one. Trials know theirs by its checksum.
    resplit(dataset, options, &place, Existing::Replace)
        .with_context(|| format!("cannot split `{}`", dataset.display()))?;
    Ok(TablePlace {
        name,
        dataset: place,
        folder,
    })
}

/// The name of a dataset's folder, also of `.`.
fn name_of(dataset: &Path) -> anyhow::Result<String> {
    let whole = fs::canonicalize(dataset)
        .with_context(|| format!("cannot open dataset `{}`", dataset.display()))?;
    let name = whole.file_name().unwrap_or(whole.as_os_str());
    Ok(name.to_string_lossy().into_owned())
}
