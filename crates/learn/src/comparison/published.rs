//! What others have published on the same data set.

use traffic::policy::{BytePolicy, Start};

use crate::{
    dataset::{
        Manifest,
        manifest::{LabelSource, UnitRecord},
    },
    filters::Choice,
    registry::{self, Published, PublishedSamples, Registry},
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
/// label files. Each figure is of samples of one kind ([`PublishedSamples`]): figures of other
/// samples say nothing about these.
pub fn of(manifest: &Manifest) -> PublishedBeside {
    let mut beside = PublishedBeside::default();
    let mut first_obstacle = None;
    for figure in on_data_set(manifest) {
        match obstacle(manifest, figure.samples) {
            None => beside.figures.push(figure),
            Some(obstacle) => {
                first_obstacle.get_or_insert(obstacle);
            }
        }
    }
    if beside.figures.is_empty() {
        beside.obstacle = first_obstacle;
    }
    beside
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

/// In what the samples differ from those of published figures.
fn obstacle(manifest: &Manifest, published: PublishedSamples) -> Option<String> {
    match published {
        PublishedSamples::Sessions => other_sessions(manifest).or_else(|| other_bytes(manifest)),
        PublishedSamples::Flows => other_sessions(manifest),
        PublishedSamples::Packets => other_packets(manifest),
    }
}

fn other_packets(manifest: &Manifest) -> Option<String> {
    if manifest.cutting.unit != UnitRecord::Packet {
        return Some("the samples here are no packets, the published ones are".to_owned());
    }
    let policy = manifest.policy.parse::<BytePolicy>();
    if !policy.is_ok_and(|policy| policy.start() == Start::Ip) {
        return Some(format!(
            "the byte policy here is `{}`, the published packets begin with the IP header",
            manifest.policy
        ));
    }
    other_lot(manifest)
}

fn other_sessions(manifest: &Manifest) -> Option<String> {
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
    other_lot(manifest)
}

fn other_lot(manifest: &Manifest) -> Option<String> {
    let rule = manifest.split.rule;
    let is_by_lot = matches!(rule, SplitRule::Given | SplitRule::Session);
    (!is_by_lot).then(|| format!("the split here is by `{rule}`, the published one by lot"))
}

fn other_bytes(manifest: &Manifest) -> Option<String> {
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
        assert_eq!(gru.accuracy, Some(0.7615));
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
    fn figures_of_packets_stand_beside_packets_only() {
        let (_, mut manifest) = iscx();
        let models = |manifest: &Manifest| -> Vec<String> {
            let figures = of(manifest).figures.into_iter();
            figures.map(|figure| figure.model).collect()
        };
        let of_sessions = models(&manifest);
        assert!(!of_sessions.contains(&"deep-packet-cnn".to_owned()));
        assert!(of_sessions.contains(&"cnn1d".to_owned()));
        manifest.cutting.unit = UnitRecord::Packet;
        manifest.policy = "ip".to_owned();
        assert_eq!(models(&manifest), ["deep-packet-cnn"]);
        manifest.split.rule = SplitRule::Connection;
        assert_eq!(models(&manifest), [""; 0]);
    }

    #[test]
    fn figures_of_statistics_do_not_ask_for_a_byte_policy() {
        let (iscx, known) = iscx();
        let manifest = Manifest {
            classes: iscx.map("2").unwrap().classes.clone(),
            policy: "strict".to_owned(),
            ..known
        };
        let found = of(&manifest).figures;
        assert_eq!(found[0].model, "c45:time-features");
        assert_eq!((found[0].accuracy, found[0].precision), (None, Some(0.898)));
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
            |manifest| {
                manifest.cutting.unit = UnitRecord::Packet;
                manifest.policy = "payload".to_owned();
            },
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
