//! Occlusion: what a model still answers when one field is taken from its slices.

use std::collections::BTreeMap;

use rand::{SeedableRng, seq::SliceRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use traffic::dissection::Part;

use super::{
    behaviour::Behaviour,
    fields::{TaskScore, task_score},
    samples::Samples,
    task::Task,
    values,
};
use crate::{
    calibration,
    dataset::LabelledSlices,
    evaluation::{ModelFacts, confusion::ConfusionMatrix},
    inputs::{Evidence, Inputs},
    model::Model,
};

/// Windows of the picture: of 784 bytes, four in each of 28 lines.
const WINDOWS: usize = 112;
/// Samples that a network is asked about at once.
const CHUNK: usize = 1024;
/// Seed of the exchange of values between samples.
const SEED: u64 = 1;

/// How much of the test side is occluded: each field costs two runs over it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Effort {
    /// The most samples, drawn evenly.
    pub samples: usize,
    /// The most samples for the picture, which costs more than a hundred runs over them.
    pub picture_samples: usize,
    /// Threads; the result does not depend on it.
    pub threads: usize,
}

/// Which fields and bytes a model uses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelAudit {
    /// Which model.
    pub model: ModelFacts,
    /// Its scores on the whole test side.
    pub scores: Vec<TaskScore>,
    /// Test samples that were occluded.
    pub samples: u64,
    /// Its scores on those, nothing occluded.
    pub unoccluded: Score,
    /// Each field that its slices show, and each thing that it reads beside them, the one whose
    /// loss costs most first.
    pub fields: Vec<FieldUse>,
    /// Test samples behind the picture.
    pub picture_samples: u64,
    /// How much less sure of the right class it is without each byte and its neighbours,
    /// `[slice length]`; the mean over samples, of a probability.
    pub bytes: Vec<f64>,
}

/// Accuracy and macro-F1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// The share of right answers.
    pub accuracy: f64,
    /// The mean F1 of the classes that have samples.
    pub macro_f1: f64,
}

/// How much a model uses one field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldUse {
    /// Its name.
    pub field: String,
    /// Occluded samples that have it.
    pub samples: u64,
    /// With it zeroed.
    pub zeroed: Occluded,
    /// With the values of other samples in its place.
    pub exchanged: Occluded,
}

/// A model's answers without a field.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Occluded {
    /// Its score.
    #[serde(flatten)]
    pub score: Score,
    /// The share of samples that it answers otherwise.
    pub changed: f64,
}

/// Occludes the fields of test samples.
pub(super) fn audit(model: &Model, test: &Samples, tasks: &[Task], effort: Effort) -> ModelAudit {
    let asker = Asker {
        model,
        threads: effort.threads,
    };
    let all = asker.answers(&test.rows.samples);
    let drawn = drawn(test, effort.samples);
    let base = asker.answers(&drawn.rows.samples);
    let shape = model.contract().shape;
    let mut fields: Vec<FieldUse> = Behaviour::read_by(shape)
        .filter_map(|behaviour| asker.behaviour(&drawn, behaviour, &base))
        .collect();
    if shape.architecture.parts().slices {
        let parts = values::parts(&drawn).into_iter();
        let shown = parts.filter(|part| !part.is_blank());
        fields.extend(shown.filter_map(|part| asker.field(&drawn, part, &base)));
    }
    let cost = |field: &FieldUse| field.exchanged.score.accuracy + field.zeroed.score.accuracy;
    fields.sort_by(|one, other| cost(one).total_cmp(&cost(other)));
    let few = self::drawn(test, effort.picture_samples);
    ModelAudit {
        model: ModelFacts::of(model),
        scores: tasks
            .iter()
            .map(|task| task_score(task, test.labels(), &task.labels(&all)))
            .collect(),
        samples: drawn.len() as u64,
        unoccluded: asker.score(drawn.labels(), &base),
        fields,
        picture_samples: few.len() as u64,
        bytes: asker.picture(&few),
    }
}

/// At most so many samples, evenly from first to last.
fn drawn(samples: &Samples, most: usize) -> Samples {
    let step = samples.len().div_ceil(most.max(1)).max(1);
    samples.only((0..samples.len()).step_by(step))
}

/// A model and how to ask it.
struct Asker<'a> {
    model: &'a Model,
    threads: usize,
}

impl Asker<'_> {
    fn logits(&self, samples: &LabelledSlices, slices: &[u8]) -> Vec<f32> {
        let engine = self.model.engine();
        let length = samples.slice_length;
        let count = samples.labels.len();
        let mut logits = Vec::with_capacity(count * engine.shape().classes);
        for from in (0..count).step_by(CHUNK) {
            let mut inputs = Inputs::new(engine.shape());
            for sample in from..count.min(from + CHUNK) {
                inputs.push(Evidence {
                    slice: &slices[sample * length..(sample + 1) * length],
                    ..Evidence::of(samples, sample)
                });
            }
            logits.extend(engine.logits(inputs.as_input(), self.threads));
        }
        logits
    }

    fn answers(&self, samples: &LabelledSlices) -> Vec<u32> {
        self.answers_to(samples, &samples.slices)
    }

    fn answers_to(&self, samples: &LabelledSlices, slices: &[u8]) -> Vec<u32> {
        let classes = self.model.contract().shape.classes;
        let logits = self.logits(samples, slices);
        let answers = calibration::confidences(&logits, classes, 1.0).into_iter();
        answers.map(|(answer, _)| answer).collect()
    }

    fn score(&self, labels: &[u32], answers: &[u32]) -> Score {
        let matrix = ConfusionMatrix::of(self.model.contract().shape.classes, labels, answers);
        Score {
            accuracy: matrix.accuracy(),
            macro_f1: matrix.macro_f1(),
        }
    }

    /// One field; none if all its bytes are zero anyway.
    fn field(&self, samples: &Samples, part: Part, base: &[u32]) -> Option<FieldUse> {
        let having: Vec<usize> = (0..samples.len())
            .filter(|&sample| {
                samples.places[sample]
                    .iter()
                    .any(|place| place.part == part)
            })
            .collect();
        let zeroed = zeroed(samples, part);
        if zeroed == samples.rows.samples.slices {
            return None;
        }
        let occluded = |slices: &[u8]| {
            let answers = self.answers_to(&samples.rows.samples, slices);
            self.occluded(samples.labels(), &answers, base)
        };
        Some(FieldUse {
            field: part.name().to_owned(),
            samples: having.len() as u64,
            zeroed: occluded(&zeroed),
            exchanged: occluded(&exchanged(samples, part, &having)),
        })
    }

    /// One thing beside the slice; none if no sample shows any of it.
    fn behaviour(&self, samples: &Samples, which: Behaviour, base: &[u32]) -> Option<FieldUse> {
        let whole = &samples.rows.samples;
        let having = which.having(whole);
        let mut flat = whole.clone();
        for &sample in &having {
            which.flatten(&mut flat, sample);
        }
        if flat == *whole {
            return None;
        }
        let occluded =
            |samples: &LabelledSlices| self.occluded(&samples.labels, &self.answers(samples), base);
        Some(FieldUse {
            field: which.name().to_owned(),
            samples: having.len() as u64,
            zeroed: occluded(&flat),
            exchanged: occluded(&which.exchange(whole, &givers(&having))),
        })
    }

    fn occluded(&self, labels: &[u32], answers: &[u32], base: &[u32]) -> Occluded {
        let changed = answers.iter().zip(base).filter(|(one, other)| one != other);
        Occluded {
            changed: changed.count() as f64 / base.len().max(1) as f64,
            score: self.score(labels, answers),
        }
    }

    /// The mean fall of the right class's probability, window by window.
    fn picture(&self, samples: &Samples) -> Vec<f64> {
        let rows = &samples.rows.samples;
        let length = rows.slice_length;
        let window = length.div_ceil(WINDOWS).max(1);
        let whole = self.right_probability(rows, &rows.slices);
        let mut bytes = Vec::with_capacity(length);
        for from in (0..length).step_by(window) {
            let to = length.min(from + window);
            let mut slices = rows.slices.clone();
            for slice in slices.chunks_exact_mut(length) {
                slice[from..to].fill(0);
            }
            let fall = if slices == rows.slices {
                0.0
            } else {
                whole - self.right_probability(rows, &slices)
            };
            bytes.resize(to, fall);
        }
        bytes
    }

    fn right_probability(&self, samples: &LabelledSlices, slices: &[u8]) -> f64 {
        let contract = self.model.contract();
        let logits = self.logits(samples, slices);
        let sum: f64 = logits
            .chunks_exact(contract.shape.classes)
            .zip(&samples.labels)
            .map(|(logits, &label)| {
                calibration::probabilities(logits, contract.calibration.temperature)[label as usize]
            })
            .sum();
        sum / samples.labels.len().max(1) as f64
    }
}

/// The slices with a part zeroed.
fn zeroed(samples: &Samples, part: Part) -> Vec<u8> {
    let length = samples.rows.samples.slice_length;
    let mut slices = samples.rows.samples.slices.clone();
    for (slice, places) in slices.chunks_exact_mut(length).zip(&samples.places) {
        for place in places.iter().filter(|place| place.part == part) {
            slice[place.range.clone()].fill(0);
        }
    }
    slices
}

/// From whom each sample takes what it is to have instead of its own.
fn givers(having: &[usize]) -> BTreeMap<usize, usize> {
    let mut order = having.to_vec();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(SEED));
    // Each takes from the next in a ring, so that nobody keeps its own.
    let next = order.iter().cycle().skip(1);
    order.iter().copied().zip(next.copied()).collect()
}

/// The slices with each one's part taken from another that has it: place by place, as far as both
/// reach, zeros behind that.
fn exchanged(samples: &Samples, part: Part, having: &[usize]) -> Vec<u8> {
    let length = samples.rows.samples.slice_length;
    let mut slices = zeroed(samples, part);
    for (taker, giver) in givers(having) {
        let values: Vec<&[u8]> = samples.places[giver]
            .iter()
            .filter(|place| place.part == part)
            .map(|place| &samples.slice(giver)[place.range.clone()])
            .collect();
        let slice = &mut slices[taker * length..(taker + 1) * length];
        let own = samples.places[taker]
            .iter()
            .filter(|place| place.part == part);
        for (at, place) in own.enumerate() {
            let bytes = values[at.min(values.len() - 1)];
            let place = &mut slice[place.range.clone()];
            let both = bytes.len().min(place.len());
            place[..both].copy_from_slice(&bytes[..both]);
        }
    }
    slices
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::audit::tests::made::{Hello, subject};

    /// The bytes of a part in each slice.
    fn own(samples: &Samples, slices: &[u8], part: Part) -> Vec<Vec<u8>> {
        let length = samples.rows.samples.slice_length;
        let of_slice = |(slice, places): (&[u8], &Vec<traffic::dissection::Place>)| {
            let places = places.iter().filter(|place| place.part == part);
            places
                .flat_map(|place| slice[place.range.clone()].to_vec())
                .collect()
        };
        slices
            .chunks_exact(length)
            .zip(&samples.places)
            .map(of_slice)
            .collect()
    }

    /// All slices with a part blotted out: what is left is the rest.
    fn rest(samples: &Samples, slices: &[u8], part: Part) -> Vec<u8> {
        let mut blotted = samples.clone();
        blotted.rows.samples.slices = slices.to_vec();
        zeroed(&blotted, part)
    }

    #[test]
    fn every_part_is_zeroed_and_exchanged_where_it_is_and_nowhere_else() {
        let subject = subject("paper", &|lots, _, random| {
            lots.payload = Hello::draw(random, true).bytes();
        });
        let samples = &subject.test;
        let slices = &samples.rows.samples.slices;
        let all: Vec<usize> = (0..samples.len()).collect();
        let parts = values::parts(samples);
        let names: BTreeSet<&str> = parts.iter().map(|part| part.name()).collect();
        for name in [
            "ttl",
            "ports",
            "window",
            "server-name",
            "client-hello-random",
        ] {
            assert!(names.contains(name), "{name}");
        }
        for part in parts.into_iter().filter(|part| !part.is_blank()) {
            let zeroed = zeroed(samples, part);
            assert!(
                own(samples, &zeroed, part)
                    .concat()
                    .iter()
                    .all(|&byte| byte == 0)
            );
            let exchanged = exchanged(samples, part, &all);
            assert_eq!(rest(samples, &exchanged, part), rest(samples, slices, part));
            // All samples are alike in form, so that values change hands and none is lost.
            let mut values = [slices, &exchanged].map(|slices| own(samples, slices, part));
            let kept = values[0]
                .iter()
                .zip(&values[1])
                .filter(|(one, other)| one == other);
            assert!(
                values[0][0].len() < 4 || part_is_constant(&values[0]) || kept.count() == 0,
                "{}",
                part.name()
            );
            for values in &mut values {
                values.sort();
            }
            assert_eq!(values[0], values[1], "{}", part.name());
        }
    }

    fn part_is_constant(values: &[Vec<u8>]) -> bool {
        let distinct: BTreeSet<&Vec<u8>> = values.iter().collect();
        distinct.len() < values.len()
    }
}
