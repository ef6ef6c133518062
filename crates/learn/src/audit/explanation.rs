//! Explanations: which fields, and what else, made the verdict on one session.

use std::collections::BTreeSet;

use network::architecture::Shape;
use serde::Serialize;
use traffic::{
    decode::Tunnels,
    dissection::{CutSlice, Part, Place, dissect},
    policy::PolicyError,
    session::Session,
    slice::Slice,
};

use super::behaviour::Behaviour;
use crate::{
    calibration,
    dataset::LabelledSlices,
    inputs::{Evidence, Inputs},
    model::Model,
};

/// Why a model says what it says of a session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Explanation {
    /// The class it names, as a number.
    pub label: u32,
    /// How sure it is.
    pub confidence: f64,
    /// Whether the model says *unknown* instead.
    pub is_unknown: bool,
    /// The probability of each class, `[classes]`.
    pub probabilities: Vec<f64>,
    /// What becomes of it without each field, the most telling first.
    pub fields: Vec<FieldEffect>,
    /// What each byte of the slice is, from its front to its end.
    #[serde(skip)]
    pub places: Vec<Place>,
}

/// The verdict without one field, or without one thing that is known beside the slice.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldEffect {
    /// The field's name.
    pub field: String,
    /// Bytes of the slice that are of it; none of what is known beside the slice.
    pub bytes: usize,
    /// Packets that it is of, where it is known beside the slice.
    pub packets: usize,
    /// How probable the named class still is with them zeroed.
    pub probability: f64,
    /// The class that is named then.
    pub label: u32,
    /// How sure that is.
    pub confidence: f64,
}

/// Explains a session that was cut for this model, from these packets of tunnels.
///
/// # Errors
///
/// If the model's policy is none that slices can be cut under.
pub fn explain(
    model: &Model,
    session: &Session,
    tunnels: Tunnels,
    threads: usize,
) -> Result<Explanation, PolicyError> {
    let contract = model.contract();
    let places = dissect(&CutSlice {
        bytes: session.slice.bytes(),
        policy: contract.policy.parse()?,
        tunnels,
        link_type: session.link_type,
        five_tuple: session.five_tuple,
        packets: &session.summaries,
    })
    .places();
    let sample = sample(session);
    let mut takings = Vec::new();
    if contract.shape.architecture.parts().slices {
        takings.extend(fields(&sample, &places));
    }
    takings.extend(behaviours(&sample, contract.shape));
    let mut inputs = Inputs::new(contract.shape);
    inputs.push(Evidence::of(&sample, 0));
    for taking in &takings {
        inputs.push(Evidence::of(&taking.left, 0));
    }
    let (assessments, logits) = model.assess(inputs.as_input(), None, threads);
    let temperature = contract.calibration.temperature;
    let mut logits = logits.chunks_exact(contract.shape.classes);
    let whole = logits.next().unwrap_or_default();
    let (label, confidence) = calibration::answer(whole, temperature);
    let mut fields: Vec<FieldEffect> = takings
        .into_iter()
        .zip(logits)
        .map(|(taking, logits)| {
            let (without, confidence) = calibration::answer(logits, temperature);
            FieldEffect {
                field: taking.name.to_owned(),
                bytes: taking.bytes,
                packets: taking.packets,
                probability: calibration::probabilities(logits, temperature)[label as usize],
                label: without,
                confidence,
            }
        })
        .collect();
    fields.sort_by(|one, other| one.probability.total_cmp(&other.probability));
    Ok(Explanation {
        label,
        confidence,
        is_unknown: assessments.first().is_some_and(|whole| whole.is_unknown),
        probabilities: calibration::probabilities(whole, temperature),
        fields,
        places,
    })
}

/// One thing taken from a session, and what is left of it.
struct Taking {
    name: &'static str,
    bytes: usize,
    packets: usize,
    left: LabelledSlices,
}

/// A session as a dataset would hold it.
fn sample(session: &Session) -> LabelledSlices {
    let own = session.packet_slices.iter();
    LabelledSlices {
        slice_length: session.slice.bytes().len(),
        slices: session.slice.bytes().to_vec(),
        labels: vec![0],
        link_types: vec![session.link_type],
        five_tuples: vec![session.five_tuple],
        summaries: vec![session.summaries.clone()],
        statistics: vec![session.statistics.clone()],
        packet_slices: vec![own.flat_map(Slice::bytes).copied().collect()],
    }
}

/// Each field of the slice taken; one that is all zeros has nothing to be taken.
fn fields(sample: &LabelledSlices, places: &[Place]) -> Vec<Taking> {
    let parts: BTreeSet<Part> = places.iter().map(|place| place.part).collect();
    let taken = parts.into_iter().map(|part| {
        let mut taking = Taking {
            name: part.name(),
            bytes: 0,
            packets: 0,
            left: sample.clone(),
        };
        for place in places.iter().filter(|place| place.part == part) {
            taking.left.slices[place.range.clone()].fill(0);
            taking.bytes += place.range.len();
        }
        taking
    });
    taken.filter(|taking| taking.left != *sample).collect()
}

/// What the network reads beside the slice, each taken; not what is nothing already.
fn behaviours(sample: &LabelledSlices, shape: Shape) -> Vec<Taking> {
    let taken = Behaviour::read_by(shape).map(|behaviour| {
        let mut left = sample.clone();
        behaviour.flatten(&mut left, 0);
        Taking {
            name: behaviour.name(),
            bytes: 0,
            packets: behaviour.packets(sample, 0, shape.packets),
            left,
        }
    });
    taken.filter(|taking| taking.left != *sample).collect()
}
