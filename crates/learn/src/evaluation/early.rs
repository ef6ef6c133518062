//! Early verdicts: what a model answers after a session's first packets, or its first moments.

use serde::{Deserialize, Serialize};

use super::confusion::ConfusionMatrix;
use crate::{
    dataset::{LabelledSlices, Manifest, manifest::RAW, manifest::UnitRecord},
    inputs::{CHUNK, Evidence, Inputs, Prefixes},
    model::Model,
    rejection::Assessment,
};

/// Packets after which is asked.
pub const PACKETS: [u64; 5] = [4, 8, 16, 32, 64];

/// Milliseconds since a session's first packet after which is asked.
pub const MILLISECONDS: [u64; 5] = [10, 100, 1_000, 10_000, 60_000];

/// What a model answers early, or why it cannot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case")]
pub enum EarlyVerdicts {
    /// Its answers to the beginnings of the samples.
    Curves {
        /// After so many packets.
        packets: Vec<EarlyPoint>,
        /// After so many milliseconds.
        milliseconds: Vec<EarlyPoint>,
        /// Whether beginnings were among what it was trained on.
        is_trained_on_prefixes: bool,
    },
    /// It cannot be asked about beginnings.
    NotPossible {
        /// Why.
        reason: String,
    },
}

/// The answers to all samples at one moment of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct EarlyPoint {
    /// After how many packets or milliseconds.
    pub after: u64,
    /// The share of samples of which the model had by then seen all that it looks at.
    pub complete: f64,
    /// The mean number of packets it had seen.
    pub mean_packets: f64,
    /// The share of right answers, *unknown* not allowed.
    pub accuracy: f64,
    /// The mean F1 of the classes with samples, *unknown* not allowed.
    pub macro_f1: f64,
    /// The share that gets a class rather than *unknown*.
    pub coverage: f64,
    /// The share of wrong answers among those.
    pub risk: f64,
}

/// Asks a model about the beginnings of samples, cut as training cuts them.
pub fn verdicts(
    model: &Model,
    manifest: &Manifest,
    samples: &LabelledSlices,
    threads: usize,
) -> EarlyVerdicts {
    if let Some(reason) = refusal(model, manifest) {
        return EarlyVerdicts::NotPossible { reason };
    }
    let asking = Asking {
        model,
        samples,
        prefixes: Prefixes::new(0.0, &manifest.policy, 0),
        threads,
    };
    let by_packets = |after: u64| {
        let point = asking.point(&|_| after as usize);
        EarlyPoint { after, ..point }
    };
    let by_milliseconds = |after: u64| {
        let nanoseconds = after * 1_000_000;
        // Offsets of packets out of order are not sorted: those before the first that is too late.
        let point = asking.point(&|evidence| {
            let summaries = evidence.summaries.iter();
            let seen = summaries.take_while(|packet| packet.offset_nanoseconds <= nanoseconds);
            seen.count().max(1)
        });
        EarlyPoint { after, ..point }
    };
    EarlyVerdicts::Curves {
        packets: PACKETS.map(by_packets).to_vec(),
        milliseconds: MILLISECONDS.map(by_milliseconds).to_vec(),
        is_trained_on_prefixes: model.card().recipe.prefix_share > 0.0,
    }
}

/// Why a model cannot be asked about beginnings.
fn refusal(model: &Model, manifest: &Manifest) -> Option<String> {
    let network = model.contract().shape.architecture;
    let parts = network.parts();
    match manifest.cutting.unit {
        UnitRecord::Session => (),
        UnitRecord::Packet => return Some("its samples are single packets".to_owned()),
        UnitRecord::Window { .. } => {
            return Some("its samples are windows, not beginnings of sessions".to_owned());
        }
    }
    if manifest.policy == RAW {
        return Some("its slices were taken as they were found".to_owned());
    }
    if parts.statistics {
        return Some(format!(
            "network `{network}` reads statistics of whole sessions"
        ));
    }
    (!parts.packets).then(|| {
        format!("network `{network}` reads no packets one by one, and was trained on whole slices")
    })
}

/// A model and what it is asked about.
struct Asking<'a> {
    model: &'a Model,
    samples: &'a LabelledSlices,
    prefixes: Prefixes,
    threads: usize,
}

impl Asking<'_> {
    /// The answers to all samples, each cut after as many packets as `packets_of` says.
    fn point(&self, packets_of: &dyn Fn(Evidence<'_>) -> usize) -> EarlyPoint {
        let shape = self.model.contract().shape;
        let labels = &self.samples.labels;
        let mut assessments: Vec<Assessment> = Vec::with_capacity(labels.len());
        let (mut complete, mut packets) = (0_usize, 0_usize);
        for from in (0..labels.len()).step_by(CHUNK) {
            let mut inputs = Inputs::new(shape);
            for sample in from..labels.len().min(from + CHUNK) {
                let evidence = Evidence::of(self.samples, sample);
                let available = evidence.summaries.len().min(shape.packets);
                let seen = packets_of(evidence).min(available);
                packets += seen;
                if seen == available {
                    complete += 1;
                    inputs.push(evidence);
                } else {
                    self.prefixes.push_first(&mut inputs, evidence, seen);
                }
            }
            let input = inputs.as_input();
            assessments.extend(self.model.assess(input, None, self.threads).0);
        }
        let answers: Vec<u32> = assessments.iter().map(|one| one.label).collect();
        let matrix = ConfusionMatrix::of(shape.classes, labels, &answers);
        let answered: Vec<bool> = assessments
            .iter()
            .zip(labels)
            .filter(|(one, _)| !one.is_unknown)
            .map(|(one, &label)| one.label == label)
            .collect();
        let wrong = answered.iter().filter(|&&right| !right).count();
        let part = |count: usize, of: usize| count as f64 / of.max(1) as f64;
        EarlyPoint {
            after: 0,
            complete: part(complete, labels.len()),
            mean_packets: part(packets, labels.len()),
            accuracy: matrix.accuracy(),
            macro_f1: matrix.macro_f1(),
            coverage: part(answered.len(), labels.len()),
            risk: part(wrong, answered.len()),
        }
    }
}
