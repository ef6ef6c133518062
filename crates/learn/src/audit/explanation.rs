//! Explanations: which fields made the verdict on one session.

use serde::Serialize;
use traffic::{
    decode::Tunnels,
    dissection::{CutSlice, Place, dissect},
    policy::PolicyError,
    session::Session,
};

use crate::{
    calibration,
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

/// The verdict without one field.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldEffect {
    /// The field's name.
    pub field: String,
    /// Bytes of the slice that are of it.
    pub bytes: usize,
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
    let slice = session.slice.bytes();
    let places = dissect(&CutSlice {
        bytes: slice,
        policy: contract.policy.parse()?,
        tunnels,
        link_type: session.link_type,
        five_tuple: session.five_tuple,
        packets: &session.summaries,
    })
    .places();
    let mut parts: Vec<_> = places.iter().map(|place| place.part).collect();
    parts.sort_unstable();
    parts.dedup();
    // A field that is all zeros has nothing to be occluded.
    let occluded: Vec<_> = parts
        .into_iter()
        .filter_map(|part| {
            let mut bytes = slice.to_vec();
            let mut count = 0;
            for place in places.iter().filter(|place| place.part == part) {
                bytes[place.range.clone()].fill(0);
                count += place.range.len();
            }
            (bytes != slice).then_some((part, count, bytes))
        })
        .collect();
    let mut inputs = Inputs::new(contract.shape);
    let evidence = Evidence::from(session);
    inputs.push(evidence);
    for (_, _, slice) in &occluded {
        inputs.push(Evidence { slice, ..evidence });
    }
    let (assessments, logits) = model.assess(inputs.as_input(), None, threads);
    let temperature = contract.calibration.temperature;
    let mut logits = logits.chunks_exact(contract.shape.classes);
    let whole = logits.next().unwrap_or_default();
    let (label, confidence) = calibration::answer(whole, temperature);
    let mut fields: Vec<FieldEffect> = occluded
        .iter()
        .zip(logits)
        .map(|((part, bytes, _), logits)| {
            let (without, confidence) = calibration::answer(logits, temperature);
            FieldEffect {
                field: part.name().to_owned(),
                bytes: *bytes,
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
