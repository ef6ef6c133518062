//! The kernels' path held against Burn's own layers, thread counts against each other, a
//! resumed trainer against one that never stopped, short cuts through padding against none.

mod answers;
mod bfloat16;
mod branch;
mod int8;
mod layerwise;
mod padding;
mod reference;
pub(crate) mod samples;
mod sequence;
mod training;

/// The largest difference, as a fraction of the largest expected value.
fn difference(found: &[f32], expected: &[f32]) -> f32 {
    assert_eq!(found.len(), expected.len());
    let largest = expected
        .iter()
        .fold(0.0_f32, |largest, value| largest.max(value.abs()));
    let worst = found
        .iter()
        .zip(expected)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max);
    assert!(found.iter().all(|value| value.is_finite()), "not finite");
    worst / largest.max(1e-30)
}

/// Some loss that weighs every feature of every sample otherwise.
fn mixed_weights(features: usize) -> Vec<f32> {
    (0..features).map(|n| (n as f32 * 0.37).sin()).collect()
}
