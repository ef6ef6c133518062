//! Samples a second of training and of inference: `speed [batch] [threads] [steps] [kernels]`.
#![expect(clippy::print_stdout, reason = "an example prints")]
#![expect(clippy::disallowed_methods, reason = "measuring time is its purpose")]

use std::time::Instant;

use undertone_network::{
    architecture::{Architecture, Shape},
    engine::Engine,
    kernels::Kernels,
    trainer::{Batch, Trainer, TrainerOptions},
};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, otherwise: usize| {
        arguments.get(place).and_then(|text| text.parse().ok()).unwrap_or(otherwise)
    };
    let (batch, threads, steps) = (number(0, 128), number(1, 1), number(2, 5));
    let kernels = arguments.get(3).and_then(|name| name.parse().ok());
    let kernels = kernels.unwrap_or_else(Kernels::detect);
    let shape = Shape { architecture: Architecture::ResnetGru, slice_length: 784, classes: 12 };
    let options = TrainerOptions { shape, seed: 1, dropout: 0.5, weight_decay: 0.0, threads };
    let mut trainer = Trainer::new(options).with_kernels(kernels);
    let mut state = 1_u32;
    let slices: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(batch * 784)
    .collect();
    let labels: Vec<u32> = (0..batch as u32).map(|sample| sample % 12).collect();
    let mut best = f64::INFINITY;
    for _ in 0..steps {
        let start = Instant::now();
        let report = trainer
            .step(Batch { slices: &slices, labels: &labels, class_weights: None }, 0.001);
        let seconds = start.elapsed().as_secs_f64();
        best = best.min(seconds);
        println!("loss {:.4} in {:.1} ms", report.loss, 1e3 * seconds);
    }
    println!("training, {kernels}, batch {batch}, {threads} threads: {:.0}/s", batch as f64 / best);
    let Ok(engine) = Engine::new(shape, &trainer.weights()) else { return };
    let engine = engine.with_kernels(kernels);
    let mut best = f64::INFINITY;
    for _ in 0..steps {
        let start = Instant::now();
        std::hint::black_box(engine.logits(&slices, threads));
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("inference: {:.0}/s", batch as f64 / best);
}
