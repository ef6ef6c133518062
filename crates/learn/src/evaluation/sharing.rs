//! Sharing: what the scored samples have in common with those the weights were fitted to.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use traffic::packet::FiveTuple;

use super::{Answers, Scores, confusion::ConfusionMatrix};
use crate::dataset::{LabelledSlices, Rows, manifest::CaptureRecord};

/// The training samples, and the captures they index.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    /// The rows that the weights were fitted to.
    pub rows: &'a Rows,
    /// The captures of their dataset.
    pub captures: &'a [CaptureRecord],
}

/// How many scored samples share something with a training sample, and what that is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sharing {
    /// Training samples compared with.
    pub training_samples: u64,
    /// Scored samples whose slice is, byte for byte, that of a training sample.
    pub slices: u64,
    /// Those among them that a look-up answers right: the training slice's most frequent label.
    pub look_up_right: u64,
    /// The scores on the samples whose slice is new; none if no slice is.
    pub unshared: Option<Scores>,
    /// Scored samples whose five-tuple, whichever way round, is that of a training sample.
    pub five_tuples: u64,
    /// Scored samples whose capture has training samples too; none where they are rows of IDX
    /// files, whose captures are not known.
    pub captures: Option<u64>,
    /// Scored samples whose group has training samples too.
    pub groups: u64,
    /// Distinct slices that have more than one label, in training and scored samples together.
    pub conflicting_slices: u64,
    /// Scored samples with such a slice: nobody can be sure of them.
    pub conflicting_samples: u64,
    /// Distinct five-tuples that have more than one label.
    pub conflicting_five_tuples: u64,
}

impl Sharing {
    /// Compares scored rows, and the answers to them, with the rows of training.
    pub fn of(
        rows: &Rows,
        captures: &[CaptureRecord],
        answers: &Answers,
        classes: usize,
        seen: Seen<'_>,
    ) -> Self {
        let known = labels_of(slices(&seen.rows.samples), &seen.rows.samples.labels);
        let mut unshared = ConfusionMatrix::new(classes);
        let (mut shared, mut look_up_right) = (0, 0);
        for (sample, slice) in slices(&rows.samples).enumerate() {
            let label = rows.samples.labels[sample];
            if let Some(labels) = known.get(slice) {
                shared += 1;
                look_up_right += u64::from(most_frequent(labels) == Some(label));
            } else {
                unshared.count(label, answers.classes[sample]);
            }
        }
        let slice_labels = merged(
            known,
            labels_of(slices(&rows.samples), &rows.samples.labels),
        );
        let tuple_labels = merged(
            labels_of(five_tuples(seen.rows), &seen.rows.samples.labels),
            labels_of(five_tuples(rows), &rows.samples.labels),
        );
        let is_conflicting = |labels: &BTreeMap<u32, u64>| labels.len() > 1;
        Self {
            training_samples: seen.rows.samples.labels.len() as u64,
            slices: shared,
            look_up_right,
            unshared: Scores::of(&unshared),
            five_tuples: count_shared(five_tuples(rows), five_tuples(seen.rows)),
            captures: knows_captures(rows).then(|| {
                count_shared(
                    capture_sums(rows, captures),
                    capture_sums(seen.rows, seen.captures),
                )
            }),
            groups: count_shared(groups(rows), groups(seen.rows)),
            conflicting_slices: slice_labels
                .values()
                .filter(|labels| is_conflicting(labels))
                .count() as u64,
            conflicting_samples: slices(&rows.samples)
                .filter(|slice| slice_labels.get(slice).is_some_and(is_conflicting))
                .count() as u64,
            conflicting_five_tuples: tuple_labels
                .values()
                .filter(|labels| is_conflicting(labels))
                .count() as u64,
        }
    }
}

/// How often each label occurs under one key.
type Labels = BTreeMap<u32, u64>;

fn slices(samples: &LabelledSlices) -> impl Iterator<Item = &[u8]> {
    samples.slices.chunks_exact(samples.slice_length.max(1))
}

/// Five-tuples without direction: the smaller end first.
fn five_tuples(rows: &Rows) -> impl Iterator<Item = FiveTuple> {
    rows.origins.iter().map(|origin| {
        let FiveTuple {
            protocol,
            source,
            destination,
        } = origin.five_tuple;
        FiveTuple {
            protocol,
            source: source.min(destination),
            destination: source.max(destination),
        }
    })
}

fn groups(rows: &Rows) -> impl Iterator<Item = &str> {
    rows.origins.iter().map(|origin| origin.group.as_str())
}

/// Whether rows come from captures, and not from files that hold the heads of many.
fn knows_captures(rows: &Rows) -> bool {
    rows.origins.iter().all(|origin| origin.row.is_none())
}

/// Captures by checksum: their numbers mean nothing in another dataset.
fn capture_sums<'a>(
    rows: &'a Rows,
    captures: &'a [CaptureRecord],
) -> impl Iterator<Item = &'a str> {
    rows.origins.iter().map(|origin| {
        captures
            .get(origin.capture as usize)
            .map_or("", |capture| capture.sha256.as_str())
    })
}

fn labels_of<K: std::hash::Hash + Eq>(
    keys: impl Iterator<Item = K>,
    labels: &[u32],
) -> HashMap<K, Labels> {
    let mut by_key: HashMap<K, Labels> = HashMap::new();
    for (key, &label) in keys.zip(labels) {
        *by_key.entry(key).or_default().entry(label).or_default() += 1;
    }
    by_key
}

fn merged<K: std::hash::Hash + Eq>(
    mut seen: HashMap<K, Labels>,
    scored: HashMap<K, Labels>,
) -> HashMap<K, Labels> {
    for (key, labels) in scored {
        let all = seen.entry(key).or_default();
        for (label, count) in labels {
            *all.entry(label).or_default() += count;
        }
    }
    seen
}

/// The smallest of equally frequent ones.
fn most_frequent(labels: &Labels) -> Option<u32> {
    labels
        .iter()
        .max_by_key(|(label, count)| (**count, std::cmp::Reverse(**label)))
        .map(|(label, _)| *label)
}

fn count_shared<K: std::hash::Hash + Eq>(
    scored: impl Iterator<Item = K>,
    seen: impl Iterator<Item = K>,
) -> u64 {
    let seen: HashSet<K> = seen.collect();
    scored.filter(|key| seen.contains(key)).count() as u64
}

#[cfg(test)]
pub(crate) mod tests {
    use traffic::{link::LinkType, packet::Protocol, timestamp::Timestamp};

    use super::*;
    use crate::dataset::Origin;

    /// Rows of one-byte slices: byte, label, client port, group, whether background.
    pub(crate) fn rows(samples: &[(u8, u32, u16, &str, bool)]) -> Rows {
        let origin = |&(_, _, port, group, is_background): &(u8, u32, u16, &str, bool)| Origin {
            capture: u32::from(port % 2),
            row: None,
            group: group.to_owned(),
            five_tuple: FiveTuple {
                protocol: Protocol::Tcp,
                source: ([10, 0, 0, 1], port).into(),
                destination: ([10, 0, 0, 2], 443).into(),
            },
            link_type: LinkType(1),
            start: Timestamp::from_nanoseconds(0),
            packets: 1,
            bytes: 1,
            background: is_background.then_some(traffic::background::Background::Dns),
            has_preamble: false,
        };
        Rows {
            samples: LabelledSlices {
                slice_length: 1,
                slices: samples.iter().map(|sample| sample.0).collect(),
                labels: samples.iter().map(|sample| sample.1).collect(),
                ..LabelledSlices::default()
            },
            origins: samples.iter().map(origin).collect(),
        }
    }

    fn compare(
        train: &[(u8, u32, u16, &str, bool)],
        test: &[(u8, u32, u16, &str, bool)],
    ) -> Sharing {
        let (train, test) = (rows(train), rows(test));
        let answers = Answers {
            classes: vec![0; test.samples.labels.len()],
            confidences: vec![1.0; test.samples.labels.len()],
            ..Answers::default()
        };
        Sharing::of(
            &test,
            &[],
            &answers,
            2,
            Seen {
                rows: &train,
                captures: &[],
            },
        )
    }

    #[test]
    fn identical_slices_are_counted_and_looked_up() {
        let found = compare(
            &[
                (1, 0, 1, "a", false),
                (1, 0, 2, "a", false),
                (1, 1, 3, "a", false),
                (2, 1, 4, "a", false),
            ],
            &[
                (1, 0, 5, "b", false),
                (1, 1, 6, "b", false),
                (2, 1, 7, "b", false),
                (9, 0, 8, "b", false),
            ],
        );
        // Three slices are known; the look-up answers 0, 0, 1 to labels 0, 1, 1.
        assert_eq!((found.slices, found.look_up_right), (3, 2));
        // The one new sample has label 0 and was answered 0.
        let unshared = found.unshared.unwrap();
        assert_eq!(unshared.samples, 1);
        assert!((unshared.accuracy - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_slice_with_two_labels_is_a_conflict() {
        let found = compare(
            &[(1, 0, 1, "a", false), (2, 0, 2, "a", false)],
            &[(1, 1, 3, "a", false), (2, 0, 4, "a", false)],
        );
        assert_eq!(
            (found.conflicting_slices, found.conflicting_samples),
            (1, 1)
        );
    }

    #[test]
    fn five_tuples_are_shared_whichever_way_round() {
        let train = rows(&[(1, 0, 1, "a", false)]);
        let mut test = rows(&[(2, 1, 1, "b", false)]);
        let tuple = &mut test.origins[0].five_tuple;
        std::mem::swap(&mut tuple.source, &mut tuple.destination);
        let answers = Answers {
            classes: vec![0],
            confidences: vec![1.0],
            ..Answers::default()
        };
        let found = Sharing::of(
            &test,
            &[],
            &answers,
            2,
            Seen {
                rows: &train,
                captures: &[],
            },
        );
        assert_eq!((found.five_tuples, found.conflicting_five_tuples), (1, 1));
        assert_eq!(found.groups, 0);
    }

    #[test]
    fn rows_of_an_idx_file_are_not_of_one_capture() {
        let train = rows(&[(1, 0, 1, "a", false)]);
        let mut test = rows(&[(2, 1, 1, "b", false)]);
        let answers = Answers {
            classes: vec![0],
            confidences: vec![1.0],
            ..Answers::default()
        };
        let seen = Seen {
            rows: &train,
            captures: &[],
        };
        assert_eq!(Sharing::of(&test, &[], &answers, 2, seen).captures, Some(1));
        test.origins[0].row = Some(7);
        assert_eq!(Sharing::of(&test, &[], &answers, 2, seen).captures, None);
    }

    #[test]
    fn nothing_shared_leaves_all_samples_unshared() {
        let found = compare(
            &[(1, 0, 1, "a", false)],
            &[(2, 0, 2, "b", false), (3, 1, 3, "a", false)],
        );
        assert_eq!((found.slices, found.five_tuples, found.groups), (0, 0, 1));
        assert_eq!(found.unshared.unwrap().samples, 2);
    }
}
