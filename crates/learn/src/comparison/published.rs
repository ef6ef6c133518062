//! What others have published on the same data set.

use crate::{
    dataset::{Manifest, manifest::LabelSource},
    registry::{self, Published, Registry},
};

/// The figures that were published on a dataset's data set and classes; none if it is not known.
///
/// A dataset is known by where its labels come from, or as IDX files by the checksums of their
/// label files. How it was cut, filtered and split may still differ: the figures' remarks say
/// what theirs are of.
pub fn of(manifest: &Manifest) -> Vec<Published> {
    let found = match &manifest.labels {
        LabelSource::Registry { name, .. } => Registry::named(name),
        LabelSource::Idx { files } => registry::all().iter().find(|registry| {
            let is_known = |sha256: &String| {
                registry
                    .checksums
                    .iter()
                    .any(|known| known.sha256 == *sha256)
            };
            files.values().all(is_known)
        }),
        _ => None,
    };
    found.map_or_else(Vec::new, |registry| {
        let is_of_these_classes = |published: &&Published| {
            registry
                .map(&published.map)
                .is_some_and(|map| map.classes == manifest.classes)
        };
        let figures = registry.published.iter();
        figures.filter(is_of_these_classes).cloned().collect()
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn manifest(sha256: &str, classes: &[String]) -> Manifest {
        let labels = LabelSource::Idx {
            files: BTreeMap::from([("labels.gz".to_owned(), sha256.to_owned())]),
        };
        Manifest {
            labels,
            ..Manifest::new("any name", classes.to_vec(), "paper", 784)
        }
    }

    #[test]
    fn the_papers_figures_go_with_its_data_set_and_classes_only() {
        let iscx = Registry::named("iscx-vpn-2016").unwrap();
        let known = &iscx.checksums.last().unwrap().sha256;
        let found = of(&manifest(known, iscx.classes()));
        let gru = found.iter().find(|figure| figure.model == "gru").unwrap();
        // Table 4 of the paper.
        assert!((gru.accuracy - 0.7615).abs() < 1e-12);
        assert_eq!(of(&manifest("abc", iscx.classes())), []);
        assert_eq!(of(&manifest(known, &iscx.classes()[..6])), []);
    }
}
