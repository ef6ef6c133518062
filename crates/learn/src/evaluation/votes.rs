//! Votes: what becomes of a session when each of its packets or windows was answered alone.
//!
//! Models of single packets are compared with models of sessions by the votes of the packets.
//! Source: Lotfollahi et al., *Deep Packet*, Soft Computing 2020, whose figures are of packets; the
//! vote is ours. Of windows, the geometric mean of what they say decides, as in `classify`.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};
use traffic::packet::FiveTuple;

use super::{
    Answers, Scores,
    confusion::ConfusionMatrix,
    intervals::{self, Intervals},
};
use crate::{
    dataset::{Manifest, Rows, manifest::UnitRecord},
    windows::Ballot,
};

/// What votes on a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parts {
    /// Its packets.
    #[default]
    Packets,
    /// Its windows.
    Windows,
}

impl fmt::Display for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Packets => "packets",
            Self::Windows => "windows",
        })
    }
}

/// Scores of sessions, each of which has the class that most of its packets got, or that its
/// windows agree on.
///
/// A session is what a capture, or a row of a published file, holds of one five-tuple, in either
/// direction; of its packets or windows only those vote that are scored here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Votes {
    /// What votes.
    #[serde(default)]
    pub parts: Parts,
    /// The figures.
    pub scores: Scores,
    /// How far they would move.
    pub intervals: Intervals,
}

/// Which session a packet is of: its capture, its row in it, its ends.
type Session = (u32, Option<u32>, FiveTuple);

/// What the parts of a session have said so far.
struct Poll<'a> {
    label: u32,
    group: &'a str,
    said: Said,
}

enum Said {
    /// By class, how many packets say so and how sure they are in all.
    Packets(BTreeMap<u32, (u64, f64)>),
    /// What windows say together.
    Windows(Ballot),
}

impl Said {
    /// The class with most votes, of equal ones the surer, then the first; or what windows agree on.
    fn result(&self) -> u32 {
        let votes = match self {
            Self::Packets(votes) => votes,
            Self::Windows(ballot) => return ballot.result().0,
        };
        let mut best = (0, (0, 0.0));
        for (&class, &votes) in votes {
            if votes > best.1 {
                best = (class, votes);
            }
        }
        best.0
    }
}

impl Votes {
    /// Counts the votes of scored rows; none if the rows are whole sessions.
    pub fn of(manifest: &Manifest, rows: &Rows, answers: &Answers) -> Option<Self> {
        let classes = manifest.classes.len();
        let parts = match manifest.cutting.unit {
            UnitRecord::Session => return None,
            UnitRecord::Packet => Parts::Packets,
            UnitRecord::Window { .. } => Parts::Windows,
        };
        let mut sessions: BTreeMap<Session, Poll<'_>> = BTreeMap::new();
        for (sample, origin) in rows.origins.iter().enumerate() {
            let poll = sessions
                .entry((origin.capture, origin.row, origin.conversation()))
                .or_insert_with(|| Poll {
                    label: rows.samples.labels[sample],
                    group: &origin.group,
                    said: match parts {
                        Parts::Packets => Said::Packets(BTreeMap::new()),
                        Parts::Windows => Said::Windows(Ballot::new(classes)),
                    },
                });
            match &mut poll.said {
                Said::Packets(votes) => {
                    let vote = votes.entry(answers.classes[sample]).or_default();
                    vote.0 += 1;
                    vote.1 += answers.confidences[sample];
                }
                Said::Windows(ballot) => {
                    ballot.add(&answers.probabilities[sample * classes..][..classes], 0.0);
                }
            }
        }
        let labels: Vec<u32> = sessions.values().map(|poll| poll.label).collect();
        let results: Vec<u32> = sessions.values().map(|poll| poll.said.result()).collect();
        let groups: Vec<&str> = sessions.values().map(|poll| poll.group).collect();
        Some(Self {
            parts,
            scores: Scores::of(&ConfusionMatrix::of(classes, &labels, &results))?,
            intervals: intervals::of_groups(classes, &labels, &results, &groups)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use super::*;
    use crate::evaluation::sharing::tests::rows;

    /// Packets of (slice, label, five-tuple's number, ...) and what is answered to each.
    #[track_caller]
    fn check(packets: &[(u8, u32, u16, &str, bool)], answers: &[(u32, f64)], expected: (u64, f64)) {
        let mut manifest = Manifest::new(
            "made",
            vec!["Chat".to_owned(), "Email".to_owned()],
            "ip",
            784,
        );
        let rows = rows(packets);
        let (classes, confidences) = answers.iter().copied().unzip();
        let answers = Answers {
            classes,
            confidences,
            ..Answers::default()
        };
        assert_eq!(Votes::of(&manifest, &rows, &answers), None);
        manifest.cutting.unit = UnitRecord::Packet;
        let found = Votes::of(&manifest, &rows, &answers).unwrap().scores;
        assert_eq!((found.samples, found.accuracy), expected);
    }

    #[test]
    fn a_session_is_of_the_class_that_most_of_its_packets_got() {
        check(
            &[
                (1, 0, 1, "a", false),
                (2, 0, 1, "a", false),
                (3, 0, 1, "a", false),
                (4, 1, 2, "a", false),
            ],
            &[(0, 0.6), (1, 0.99), (0, 0.6), (0, 0.9)],
            // Of the first session two of three packets are right, of the second none.
            (2, 0.5),
        );
    }

    #[test]
    fn of_equally_many_votes_the_surer_ones_count() {
        let packets = [(1, 1, 1, "a", false), (2, 1, 1, "a", false)];
        check(&packets, &[(0, 0.7), (1, 0.8)], (1, 1.0));
        check(&packets, &[(0, 0.9), (1, 0.8)], (1, 0.0));
    }

    #[test]
    fn windows_agree_on_a_class_by_how_sure_each_is_of_all() {
        let mut manifest = Manifest::new("made", vec!["a".to_owned(), "b".to_owned()], "ip", 784);
        manifest.cutting.unit = UnitRecord::Window {
            nanoseconds: NonZeroU64::MIN,
            skipped_packets: 0,
        };
        // Of the first session, two windows lean to class 0 and one is sure of class 1.
        let rows = rows(&[
            (1, 1, 1, "a", false),
            (2, 1, 1, "a", false),
            (3, 1, 1, "a", false),
            (4, 0, 2, "a", false),
        ]);
        let answers = Answers {
            probabilities: vec![0.6, 0.4, 0.6, 0.4, 0.1, 0.9, 0.7, 0.3],
            ..Answers::default()
        };
        let found = Votes::of(&manifest, &rows, &answers).unwrap().scores;
        assert_eq!((found.samples, found.accuracy), (2, 1.0));
    }
}
