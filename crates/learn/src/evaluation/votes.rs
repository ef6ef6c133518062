//! Votes: what becomes of a session when each of its packets was answered alone.
//!
//! Models of single packets are compared with models of sessions by the votes of the packets.
//! Source: Lotfollahi et al., *Deep Packet*, Soft Computing 2020, whose figures are of packets; the
//! vote is ours.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use traffic::packet::FiveTuple;

use super::{
    Answers, Scores,
    confusion::ConfusionMatrix,
    intervals::{self, Intervals},
};
use crate::dataset::{Manifest, Rows, manifest::UnitRecord};

/// Scores of sessions, each of which has the class that most of its packets got.
///
/// A session is what a capture, or a row of a published file, holds of one five-tuple, in either
/// direction; of its packets only those vote that are scored here.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Votes {
    /// The figures.
    pub scores: Scores,
    /// How far they would move.
    pub intervals: Intervals,
}

/// Which session a packet is of: its capture, its row in it, its ends.
type Session = (u32, Option<u32>, FiveTuple);

/// What the packets of a session have said so far.
struct Ballot<'a> {
    label: u32,
    group: &'a str,
    /// By class, how many packets say so and how sure they are in all.
    votes: BTreeMap<u32, (u64, f64)>,
}

impl Ballot<'_> {
    /// The class with most votes; of equal ones the surer, then the first.
    fn result(&self) -> u32 {
        let mut best = (0, (0, 0.0));
        for (&class, &votes) in &self.votes {
            if votes > best.1 {
                best = (class, votes);
            }
        }
        best.0
    }
}

impl Votes {
    /// Counts the votes of scored rows; none if the rows are no packets.
    pub fn of(manifest: &Manifest, rows: &Rows, answers: &Answers) -> Option<Self> {
        if manifest.cutting.unit != UnitRecord::Packet {
            return None;
        }
        let classes = manifest.classes.len();
        let mut sessions: BTreeMap<Session, Ballot<'_>> = BTreeMap::new();
        for (sample, origin) in rows.origins.iter().enumerate() {
            let ballot = sessions
                .entry((origin.capture, origin.row, origin.conversation()))
                .or_insert_with(|| Ballot {
                    label: rows.samples.labels[sample],
                    group: &origin.group,
                    votes: BTreeMap::new(),
                });
            let vote = ballot.votes.entry(answers.classes[sample]).or_default();
            vote.0 += 1;
            vote.1 += answers.confidences[sample];
        }
        let labels: Vec<u32> = sessions.values().map(|ballot| ballot.label).collect();
        let results: Vec<u32> = sessions.values().map(Ballot::result).collect();
        let groups: Vec<&str> = sessions.values().map(|ballot| ballot.group).collect();
        Some(Self {
            scores: Scores::of(&ConfusionMatrix::of(classes, &labels, &results))?,
            intervals: intervals::of_groups(classes, &labels, &results, &groups)?,
        })
    }
}

#[cfg(test)]
mod tests {
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
}
