//! The reference: how a model's answers to its validation samples, and these samples, are distributed.

use traffic::session_table::Unit;

use super::{Distribution, Quantity, filled};
use crate::{
    calibration,
    dataset::{Dataset, Rows, Split},
    model::{Model, ModelError},
};

/// The model with a card that says how the dataset's validation samples are distributed, asked about
/// with `threads` threads; the result does not depend on their number.
///
/// Background samples do not count. Models of windows, of single packets and of raw slices get no
/// reference, since nobody watches their sessions one by one.
///
/// # Errors
///
/// [`ModelError`] if the model is for other slices or classes.
pub fn refer(model: Model, dataset: &Dataset, threads: usize) -> Result<Model, ModelError> {
    let manifest = &dataset.manifest;
    let rows = dataset.split(Split::Validation);
    model.check_slices(&manifest.policy, manifest.slice_length)?;
    model.check_classes(&manifest.classes)?;
    model.check_parts(&rows.samples)?;
    let is_of_sessions = model
        .cut_options()
        .is_ok_and(|options| options.unit == Unit::Session);
    let mut card = model.card().clone();
    card.reference = if is_of_sessions {
        distributions(&model, rows, threads)
    } else {
        Vec::new()
    };
    card.reference_of = card.trained_on.others(manifest);
    Ok(model.with_card(card))
}

fn distributions(model: &Model, rows: &Rows, threads: usize) -> Vec<Distribution> {
    let classes = model.contract().shape.classes;
    let outputs = model.outputs(&rows.samples, threads);
    let temperature = model.contract().calibration.temperature;
    let answers = calibration::confidences(&outputs.logits, classes, temperature);
    let (_, threshold) = model.rejection_rule();
    let familiarity = model.familiarity(&outputs);
    let slices = rows.samples.slices.chunks_exact(rows.samples.slice_length);
    let mut values = Quantity::ALL.map(|_| Vec::new());
    for (((origin, slice), (label, confidence)), familiarity) in rows
        .origins
        .iter()
        .zip(slices)
        .zip(answers)
        .zip(familiarity)
    {
        if origin.background.is_some() {
            continue;
        }
        let is_unknown = familiarity.is_nan() || familiarity < threshold;
        let of_sample = [
            confidence,
            f64::from(label),
            f64::from(u8::from(is_unknown)),
            origin.packets as f64,
            origin.bytes as f64,
            filled(slice),
        ];
        for (values, value) in values.iter_mut().zip(of_sample) {
            values.push(value);
        }
    }
    if values[0].is_empty() {
        return Vec::new();
    }
    let all = Quantity::ALL.into_iter().zip(&values);
    all.map(|(of, values)| match of {
        Quantity::Class => Distribution::by_kind(of, classes, values),
        Quantity::Unknown => Distribution::by_kind(of, 2, values),
        _ => Distribution::in_tenths(of, values),
    })
    .collect()
}
