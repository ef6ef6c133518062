//! Parts of the networks: a training step and inference, by batch, threads and kernels.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use network::{
    architecture::{Architecture, Shape},
    engine::Engine,
    kernels::Kernels,
    precision::Precision,
    trainer::{Trainer, TrainerOptions},
};

const SHAPE: Shape = Shape {
    architecture: Architecture::ResnetGru,
    slice_length: 784,
    classes: 12,
    packets: 0,
};

/// Bytes without a pattern: a linear congruential generator's upper ones.
fn slices(batch: usize) -> Vec<u8> {
    let mut state = 1_u32;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(batch * SHAPE.slice_length)
    .collect()
}

fn trainer(threads: usize) -> Trainer {
    Trainer::new(TrainerOptions {
        shape: SHAPE,
        seed: 1,
        dropout: 0.5,
        weight_decay: 0.0,
        precision: Precision::Float32,
        threads,
    })
}

fn inference(criterion: &mut Criterion) {
    let weights = trainer(1).weights();
    let engine = Engine::new(SHAPE, &weights).expect("weights of that shape");
    let mut group = criterion.benchmark_group("inference");
    group.sample_size(10);
    for kernels in [Kernels::Portable, Kernels::Avx2, Kernels::Avx512] {
        if !kernels.is_available() {
            continue;
        }
        let engine = engine.clone().with_kernels(kernels);
        for (batch, threads) in [(1, 1), (32, 1), (256, 1), (256, 2)] {
            let slices = slices(batch);
            group.throughput(Throughput::Elements(batch as u64));
            let name = format!("{kernels}, {threads} threads");
            group.bench_function(BenchmarkId::new(name, batch), |bencher| {
                bencher.iter(|| black_box(engine.logits(&slices[..], threads)));
            });
        }
    }
    group.finish();
}

criterion_group!(parts, inference);
criterion_main!(parts);
