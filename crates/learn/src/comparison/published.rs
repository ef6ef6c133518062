//! What others have published on the same data set.

use crate::{
    dataset::{
        Manifest,
        manifest::{LabelSource, UnitRecord},
    },
    filters::Choice,
    registry::{self, Published, Registry},
    splits::SplitRule,
};

/// What was published on a dataset's data set and classes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PublishedBeside {
    /// The figures that may stand beside ours.
    pub figures: Vec<Published>,
    /// Why those that there are may not.
    pub obstacle: Option<String>,
}

/// The figures that were published on a dataset's data set and classes, if they are of such samples
/// as the dataset holds.
///
/// A dataset is known by where its labels come from, or as IDX files by the checksums of their
/// label files. The registry's figures are of whole sessions, background among them, under policy
/// `paper` and split by lot: figures of other samples say nothing about these.
pub fn of(manifest: &Manifest) -> PublishedBeside {
    let figures = on_data_set(manifest);
    match obstacle(manifest) {
        Some(obstacle) if !figures.is_empty() => PublishedBeside {
            figures: Vec::new(),
            obstacle: Some(obstacle),
        },
        _ => PublishedBeside {
            figures,
            obstacle: None,
        },
    }
}

fn on_data_set(manifest: &Manifest) -> Vec<Published> {
    let found = match &manifest.labels {
        LabelSource::Registry { name, .. } => Registry::named(name),
        LabelSource::Idx { files, .. } => registry::all().iter().find(|registry| {
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

/// In what the samples differ from those of the published figures.
fn obstacle(manifest: &Manifest) -> Option<String> {
    if manifest.filters.background == Choice::Drop {
        return Some(
            "background sessions were left out here, which are most of the published samples"
                .to_owned(),
        );
    }
    let parts = match manifest.cutting.unit {
        UnitRecord::Session => None,
        UnitRecord::Packet => Some("packets"),
        UnitRecord::Window { .. } => Some("windows"),
    };
    if let Some(parts) = parts {
        return Some(format!(
            "the samples here are {parts}, the published ones sessions"
        ));
    }
    let rule = manifest.split.rule;
    if !matches!(rule, SplitRule::Given | SplitRule::Session) {
        return Some(format!(
            "the split here is by `{rule}`, the published one by lot"
        ));
    }
    (manifest.policy != "paper").then(|| {
        format!(
            "the byte policy here is `{}`, the published one `paper`",
            manifest.policy
        )
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn manifest(sha256: &str, classes: &[String]) -> Manifest {
        let labels = LabelSource::Idx {
            files: BTreeMap::from([("labels.gz".to_owned(), sha256.to_owned())]),
            registry: None,
            map: None,
        };
        Manifest {
            labels,
            ..Manifest::new("any name", classes.to_vec(), "paper", 784)
        }
    }

    fn iscx() -> (&'static Registry, Manifest) {
        let iscx = Registry::named("iscx-vpn-2016").unwrap();
        let known = &iscx.checksums.last().unwrap().sha256;
        (iscx, manifest(known, iscx.classes()))
    }

    #[test]
    fn the_papers_figures_go_with_its_data_set_and_classes_only() {
        let (iscx, known) = iscx();
        let found = of(&known).figures;
        let gru = found.iter().find(|figure| figure.model == "gru").unwrap();
        // Table 4 of the paper.
        assert!((gru.accuracy - 0.7615).abs() < 1e-12);
        let none = PublishedBeside::default();
        assert_eq!(of(&manifest("abc", iscx.classes())), none);
        let fewer = Manifest {
            classes: iscx.classes()[..6].to_vec(),
            ..known
        };
        assert_eq!(of(&fewer), none);
    }

    /// What keeps the figures away once the dataset was made otherwise.
    #[track_caller]
    fn check_obstacle(change: impl Fn(&mut Manifest), expected: &str) {
        let (_, mut manifest) = iscx();
        change(&mut manifest);
        let found = of(&manifest);
        assert_eq!(found.figures, []);
        assert_eq!(found.obstacle.as_deref(), Some(expected));
    }

    #[test]
    fn figures_of_other_samples_stand_aside_and_the_reason_is_told() {
        check_obstacle(
            |manifest| manifest.filters.background = Choice::Drop,
            "background sessions were left out here, which are most of the published samples",
        );
        check_obstacle(
            |manifest| manifest.cutting.unit = UnitRecord::Packet,
            "the samples here are packets, the published ones sessions",
        );
        check_obstacle(
            |manifest| manifest.split.rule = SplitRule::Capture,
            "the split here is by `capture`, the published one by lot",
        );
        check_obstacle(
            |manifest| manifest.policy = "ip".to_owned(),
            "the byte policy here is `ip`, the published one `paper`",
        );
    }
}
