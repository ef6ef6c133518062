//! A batch spread over threads, with results that do not depend on how many there are.
//!
//! Samples go in a fixed number of chunks; what is summed over a chunk has a buffer per chunk,
//! what is summed over the batch a buffer per sample, and both are added up in order afterwards.

use std::sync::{Mutex, PoisonError};

use rayon::prelude::*;

use super::factors::Gradient;
use crate::{aligned::Aligned, kernels::Pair};

/// Chunks of a batch; fewer if there are fewer samples. More would use more threads and cost
/// more memory for partial weight gradients.
const CHUNKS: usize = 16;

/// What a thread needs beside the data of its sample; sized for the largest layer.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// A padded activation.
    pub(crate) activation: Aligned<f32>,
    /// Pairs of it.
    pub(crate) pairs: Aligned<Pair>,
    /// Gradient of a convolution's output.
    pub(super) gradient: Gradient,
    /// Gradient of a convolution's input.
    pub(crate) input: Aligned<f32>,
}

/// One sample's share of the work.
#[derive(Debug)]
pub(crate) struct Share<'a, const N: usize> {
    /// Number of the sample in the batch.
    pub(crate) sample: usize,
    /// Whether the chunk's partial sums still have to be started.
    pub(crate) is_first: bool,
    /// The sample's part of each buffer.
    pub(crate) buffers: [&'a mut [f32]; N],
    /// The sample's sums.
    pub(crate) sums: &'a mut [f64],
    /// The chunk's partial sums.
    pub(crate) partial: &'a mut [f32],
    /// The thread's scratch.
    pub(crate) scratch: &'a mut Scratch,
}

/// How many chunks a batch has.
pub(crate) fn chunks(batch: usize) -> usize {
    batch.div_ceil(chunk_size(batch))
}

fn chunk_size(batch: usize) -> usize {
    batch.div_ceil(CHUNKS).max(1)
}

/// Runs `work` for each sample, on the threads of the current pool.
///
/// Each of `buffers` and `sums` is cut into `batch` equal parts, `partials` into as many as
/// there are chunks. `scratch` holds at least one entry a thread.
pub(crate) fn each_sample<const N: usize>(
    batch: usize,
    mut buffers: [&mut [f32]; N],
    mut sums: &mut [f64],
    mut partials: &mut [f32],
    scratch: &[Mutex<Scratch>],
    work: impl Fn(Share<'_, N>) + Sync,
) {
    let sizes = buffers.each_ref().map(|buffer| buffer.len() / batch);
    let (sums_size, partial_size) = (sums.len() / batch, partials.len() / chunks(batch));
    let mut jobs = Vec::with_capacity(chunks(batch));
    for first in (0..batch).step_by(chunk_size(batch)) {
        let samples = chunk_size(batch).min(batch - first);
        let parts = std::array::from_fn::<_, N, _>(|number| {
            buffers[number]
                .split_off_mut(..samples * sizes[number])
                .unwrap_or_default()
        });
        let sums = sums
            .split_off_mut(..samples * sums_size)
            .unwrap_or_default();
        jobs.push((
            first,
            samples,
            parts,
            sums,
            partials.split_off_mut(..partial_size).unwrap_or_default(),
        ));
    }
    jobs.into_par_iter()
        .for_each(|(first, samples, mut parts, mut sums, partial)| {
            let thread = rayon::current_thread_index().unwrap_or(0);
            let mut scratch = scratch[thread]
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            for number in 0..samples {
                let mut sizes = sizes.iter();
                let buffers = parts.each_mut().map(|part| {
                    part.split_off_mut(..*sizes.next().unwrap_or(&0))
                        .unwrap_or_default()
                });
                work(Share {
                    sample: first + number,
                    is_first: number == 0,
                    buffers,
                    sums: sums.split_off_mut(..sums_size).unwrap_or_default(),
                    partial,
                    scratch: &mut scratch,
                });
            }
        });
}
