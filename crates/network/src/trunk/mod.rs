//! The `ResNet` branch as one operation: slices in, spatial features out, and back.
//!
//! Activations are channels-last, `[length, channels]`, with a row of zeros at each end, so that
//! a convolution is a matrix product over overlapping rows. Memory holds each convolution's
//! output and each block's input; what lies between is computed again on the way back. Of long
//! padding only a part is computed: of each sample, as many rows as its [`Extent`] says, at the
//! start of a place as large as a full slice needs.

mod activations;
mod backward;
mod factors;
mod forward;
mod norm;
mod packing;
pub(crate) mod padding;
mod parallel;
pub(crate) mod plan;
mod rectifier;
mod way;

use std::sync::Mutex;

pub(crate) use activations::average_rows;
pub(crate) use norm::{EPSILON, Norm};
use packing::Packed;
pub(crate) use packing::pack_forward;
use padding::Extent;
use parallel::Scratch;
use plan::{Convolution, Plan};

use crate::{aligned::Aligned, kernels::Kernels, precision::Precision};

/// The branch, its kernels, and the memory of one step.
#[derive(Debug)]
pub(crate) struct Trunk {
    /// Shapes and offsets.
    pub(crate) plan: Plan,
    /// Instructions used.
    pub(crate) kernels: Kernels,
    /// What the products' factors are rounded to.
    precision: Precision,
    /// Statistics of the last forward pass, one per convolution.
    pub(crate) norms: Vec<Norm>,
    packed: Vec<Packed>,
    /// Samples of the last forward pass.
    batch: usize,
    /// The slices of the last forward pass, `[batch, slice length]`, zero to one.
    slices: Aligned<f32>,
    /// How much of each slice is computed.
    extents: Vec<Extent>,
    /// Per convolution, its output before `BatchNorm`: `[batch, length, channels]`.
    outputs: Vec<Aligned<f32>>,
    /// Per block, its input: `[batch, length + 2, channels]`.
    inputs: Vec<Aligned<f32>>,
    /// Gradient behind the rectifier of a block's output, one block at a time.
    outer: Aligned<f32>,
    /// Gradient behind the rectifier between a block's convolutions.
    inner: Aligned<f32>,
    sums: Vec<f64>,
    partials: Vec<f32>,
    scratch: Vec<Mutex<Scratch>>,
}

impl Trunk {
    /// The branch for slices of `slice_length` bytes.
    pub(crate) fn new(slice_length: usize, kernels: Kernels, precision: Precision) -> Self {
        let plan = Plan::new(slice_length);
        let count = plan.convolutions.len();
        Self {
            kernels,
            precision,
            norms: vec![Norm::default(); count],
            packed: vec![Packed::default(); count],
            batch: 0,
            slices: Aligned::default(),
            extents: Vec::new(),
            outputs: vec![Aligned::default(); count],
            inputs: vec![Aligned::default(); plan.blocks.len()],
            outer: Aligned::default(),
            inner: Aligned::default(),
            sums: Vec::new(),
            partials: Vec::new(),
            scratch: Vec::new(),
            plan,
        }
    }

    /// Gamma and beta of a convolution's `BatchNorm` among the branch's parameters.
    fn norm_parameters<'a>(convolution: &Convolution, parameters: &'a [f32]) -> [&'a [f32]; 2] {
        let start = convolution.offset + convolution.weights();
        let (gamma, rest) = parameters[start..].split_at(convolution.outputs);
        [gamma, &rest[..convolution.outputs]]
    }

    /// Floats of one sample in `outer` and `inner`.
    fn largest_output(&self) -> usize {
        self.plan
            .convolutions
            .iter()
            .map(Convolution::output_size)
            .max()
            .unwrap_or(0)
    }
}

/// Where the first output's inputs start among padded rows.
fn window(convolution: &Convolution) -> usize {
    if convolution.taps == 1 {
        convolution.inputs
    } else {
        0
    }
}

/// The rows between the zero rows.
fn interior(padded: &[f32], channels: usize) -> &[f32] {
    &padded[channels..padded.len() - channels]
}

/// The rows between the zero rows.
fn interior_mut(padded: &mut [f32], channels: usize) -> &mut [f32] {
    let end = padded.len() - channels;
    &mut padded[channels..end]
}

/// A padded buffer of the wanted size in front of `buffer`, its zero rows cleared.
fn padded(buffer: &mut [f32], length: usize, channels: usize) -> &mut [f32] {
    let padded = &mut buffer[..(length + 2) * channels];
    padded[..channels].fill(0.0);
    padded[(length + 1) * channels..].fill(0.0);
    padded
}
