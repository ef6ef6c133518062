//! Verdicts: what was said so far, counted, and how far the latest sessions drift.

use std::{collections::BTreeMap, num::NonZeroUsize};

use learn::{
    classifier::{Classifier, Moment, Verdict},
    drift::{Drift, Latest, Observation, Quantity},
};
use traffic::background::Background;

use super::judging::Told;
use crate::metrics::Histogram;

/// Bounds of confidences.
const CONFIDENCES: [f64; 12] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1.0];

/// Sessions of which drift is told if nobody says otherwise: the latest ones.
pub(crate) const DRIFT_SESSIONS: NonZeroUsize = NonZeroUsize::new(500).expect("there are some");

/// What may be said of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Said {
    /// This class.
    Class(u32),
    /// That it is unknown.
    Unknown,
    /// That it carries nothing.
    Empty,
    /// That it is background of this kind.
    Background(Background),
}

impl From<Verdict> for Said {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Class { label, .. } => Self::Class(label),
            Verdict::Unknown { .. } => Self::Unknown,
            Verdict::Empty => Self::Empty,
            Verdict::Background(kind) => Self::Background(kind),
        }
    }
}

/// All verdicts that were written.
#[derive(Debug)]
pub(crate) struct Verdicts {
    /// Those on ended sessions, by what they say.
    last: BTreeMap<Said, u64>,
    /// Those on open ones, by when.
    early: BTreeMap<Moment, u64>,
    /// Of ended sessions that the model was asked about.
    confidences: Histogram,
    latest: Latest,
}

impl Verdicts {
    /// None yet; drift is told of so many sessions, where the model's card has a reference.
    pub(super) fn of(classifier: &Classifier, drift_sessions: NonZeroUsize) -> Self {
        let mut references = classifier.model().card().reference.clone();
        if classifier.options().threshold.is_some() {
            // It was measured under the model's own rule.
            references.retain(|reference| reference.of != Quantity::Unknown);
        }
        let classes = classifier.model().contract().classes.len();
        Self::new(classes, Latest::new(references, drift_sessions))
    }

    /// None yet, of a model of so many classes; `latest` tells drift.
    pub(crate) fn new(classes: usize, latest: Latest) -> Self {
        let classes = (0..classes as u32).map(Said::Class);
        let said = classes.chain([Said::Unknown, Said::Empty]);
        Self {
            last: said.map(|said| (said, 0)).collect(),
            early: BTreeMap::new(),
            confidences: Histogram::new(&CONFIDENCES),
            latest,
        }
    }

    /// Counts one.
    pub(crate) fn add(&mut self, told: &Told) {
        if told.moment != Moment::End {
            *self.early.entry(told.moment).or_default() += 1;
            return;
        }
        *self.last.entry(told.verdict.into()).or_default() += 1;
        if let Verdict::Class { confidence, .. } | Verdict::Unknown { confidence, .. } =
            told.verdict
        {
            self.confidences.observe(confidence);
        }
        if let Some(observation) = Observation::of(&told.session, told.verdict) {
            self.latest.add(&observation);
        }
    }

    /// How many on ended sessions, by what they say.
    pub(crate) fn last(&self) -> &BTreeMap<Said, u64> {
        &self.last
    }

    /// How many on open sessions, by when.
    pub(crate) fn early(&self) -> &BTreeMap<Moment, u64> {
        &self.early
    }

    /// Of ended sessions that the model was asked about.
    pub(crate) fn confidences(&self) -> &Histogram {
        &self.confidences
    }

    /// The latest sessions that the model was asked about, against its reference.
    pub(crate) fn latest(&self) -> &Latest {
        &self.latest
    }

    /// In what the latest sessions are another population and how far, the furthest first.
    pub(crate) fn drift(&self) -> Option<String> {
        let alarming = self.latest.alarming();
        let drifts = alarming.iter();
        let drifts = drifts.map(|drift| format!("{} {:.2}", drift.of.name(), drift.index));
        (!alarming.is_empty()).then(|| drifts.collect::<Vec<_>>().join(", "))
    }

    /// What is to be told of drift now, if anything is.
    pub(crate) fn warning(&mut self) -> Option<String> {
        let alarms = self.latest.alarms();
        (!alarms.is_empty()).then(|| warning(&alarms))
    }
}

fn warning(alarms: &[Drift]) -> String {
    let drift = |drift: &Drift| {
        let Drift {
            of,
            index,
            by_chance,
        } = drift;
        format!("{} {index:.2} ({by_chance:.2} by chance)", of.name())
    };
    let drifts: Vec<String> = alarms.iter().map(drift).collect();
    format!(
        "warning: the latest sessions are not like those that the model was validated on; \
         population stability index of {}",
        drifts.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_names_what_drifts_and_how_far() {
        let drift = |of, index| Drift {
            of,
            index,
            by_chance: 0.03,
        };
        let found = warning(&[
            drift(Quantity::Packets, 1.234),
            drift(Quantity::Confidence, 0.5),
        ]);
        let expected = "index of packets 1.23 (0.03 by chance), confidence 0.50 (0.03 by chance)";
        assert!(found.ends_with(expected), "{found}");
    }
}
