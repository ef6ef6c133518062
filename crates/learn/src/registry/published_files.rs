//! Published files: whether a dataset was made from the ones that a data set's checksums are of.

use std::{collections::BTreeMap, path::Path};

use serde::{Deserialize, Serialize};

use super::Registry;
use crate::dataset::{Manifest, manifest::LabelSource};

/// Files that a dataset was made from, held against the known checksums of its public data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFiles {
    /// The data set, by its name.
    pub registry: String,
    /// Files whose checksum is that of a published one.
    pub same: Vec<String>,
    /// Files that are called like a published one and are another.
    pub different: Vec<String>,
    /// How many there are besides, of which no published checksum is known.
    pub unknown: u64,
}

impl PublishedFiles {
    /// Those of a dataset; none if its labels are of no public data set.
    pub(crate) fn of(manifest: &Manifest) -> Option<Self> {
        let (registry, labels) = match &manifest.labels {
            LabelSource::Registry { name, .. } => (name, BTreeMap::new()),
            LabelSource::Idx {
                files,
                registry: Some(name),
                ..
            } => (name, files.clone()),
            _ => return None,
        };
        let registry = Registry::named(registry)?;
        let captures = manifest.captures.iter();
        let captures = captures.map(|one| (one.file.as_str(), one.sha256.as_str()));
        let labels = labels
            .iter()
            .map(|(file, sum)| (file.as_str(), sum.as_str()));
        let mut found = Self {
            registry: registry.name.clone(),
            same: Vec::new(),
            different: Vec::new(),
            unknown: 0,
        };
        for (file, sum) in captures.chain(labels) {
            if registry.checksums().any(|(_, known)| known == sum) {
                found.same.push(file.to_owned());
            } else if registry
                .checksums()
                .any(|(known, _)| is_called(file, known))
            {
                found.different.push(file.to_owned());
            } else {
                found.unknown += 1;
            }
        }
        Some(found)
    }
}

/// Whether a file, below whatever folder, has this name.
fn is_called(file: &str, name: &str) -> bool {
    Path::new(file).file_name().is_some_and(|own| own == name)
}

impl Registry {
    /// Names and checksums of all files that were published with one, in hexadecimal.
    fn checksums(&self) -> impl Iterator<Item = (&str, &str)> {
        let of_files = self.files.iter();
        let of_files = of_files.filter_map(|one| Some((one.file.as_str(), one.sha256.as_deref()?)));
        let others = self.checksums.iter();
        let others = others.map(|one| (one.file.as_str(), one.sha256.as_str()));
        of_files.chain(others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LABELS: &str = "train-labels-idx1-ubyte.gz";

    /// What is said of label files of these names and checksums.
    fn found(files: &[(&str, &str)], registry: Option<&str>) -> Option<PublishedFiles> {
        let owned = |(name, sum): &(&str, &str)| ((*name).to_owned(), (*sum).to_owned());
        let manifest = Manifest {
            labels: LabelSource::Idx {
                files: files.iter().map(owned).collect(),
                registry: registry.map(str::to_owned),
                map: None,
            },
            ..Manifest::new("made", Vec::new(), "paper", 784)
        };
        PublishedFiles::of(&manifest)
    }

    #[test]
    fn a_file_is_the_published_one_by_its_checksum_whatever_it_is_called() {
        let iscx = Registry::named("iscx-vpn-2016").unwrap();
        let known = &iscx
            .checksums
            .iter()
            .find(|one| one.file == LABELS)
            .unwrap()
            .sha256;
        let found = found(
            &[("renamed", known), (LABELS, "00ff"), ("of-my-own", "00ff")],
            Some("iscx-vpn-2016"),
        );
        assert_eq!(
            found,
            Some(PublishedFiles {
                registry: "iscx-vpn-nonvpn-2016".to_owned(),
                same: vec!["renamed".to_owned()],
                different: vec![LABELS.to_owned()],
                unknown: 1,
            })
        );
    }

    #[test]
    fn of_files_of_no_public_data_set_nothing_is_said() {
        assert_eq!(found(&[(LABELS, "00ff")], None), None);
    }
}
