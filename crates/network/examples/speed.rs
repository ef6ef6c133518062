//! Samples a second of training and of inference: `speed [batch] [threads] [steps] [kernels]
//! [fill] [precision] [job] [network]`.
//!
//! `kernels` that are none (`best`) are the best of this processor. `fill` is how many bytes of a
//! slice are filled on average, evenly from none to twice as many; without a number all are. Of
//! the sessions of ISCX-VPN-NonVPN2016 under the policy `paper`, 371 are. `job` is `training` or
//! `inference`, another word or none both. Networks that read packets read 32.
//!
//! What it tells is the median of the steps. Beside the wall clock it tells processor time where
//! Linux keeps it: on a busy machine only that says something of the program.
#![expect(clippy::print_stdout, reason = "an example prints")]
#![expect(clippy::disallowed_methods, reason = "measuring time is its purpose")]

use std::time::Instant;

use undertone_network::{
    architecture::{Architecture, Shape},
    engine::{Activations, Engine},
    input::{Input, PACKET_FEATURES, PACKET_SLICES, STATISTICS},
    kernels::Kernels,
    precision::Precision,
    trainer::{Batch, Trainer, TrainerOptions},
};

/// Seconds all threads of this process have run, ended ones included, to a hundredth; no number
/// where the system does not say.
fn processor_seconds() -> f64 {
    let line = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // User and system time are fields 14 and 15; the second is a name that may hold spaces.
    let fields = line
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11);
    let ticks: Vec<f64> = fields
        .take(2)
        .filter_map(|field| field.parse().ok())
        .collect();
    if ticks.len() == 2 {
        (ticks[0] + ticks[1]) / 100.0
    } else {
        f64::NAN
    }
}

/// Wall-clock and processor seconds of doing it once.
fn seconds_of(work: impl FnOnce()) -> [f64; 2] {
    let (start, run) = (Instant::now(), processor_seconds());
    work();
    [start.elapsed().as_secs_f64(), processor_seconds() - run]
}

/// The median wall-clock seconds, and the mean processor seconds: their clock ticks too rarely
/// for a median of short steps.
fn typical(mut seconds: Vec<[f64; 2]>) -> [f64; 2] {
    let processor: f64 = seconds.iter().map(|[_, processor]| processor).sum();
    seconds.sort_by(|[one, _], [other, _]| one.total_cmp(other));
    [
        seconds[seconds.len() / 2][0],
        processor / seconds.len() as f64,
    ]
}

/// Samples of every part that the network reads.
struct Samples {
    slices: Vec<u8>,
    packets: Vec<f32>,
    seen: Vec<u32>,
    statistics: Vec<f32>,
    packet_slices: Vec<u8>,
}

impl Samples {
    /// So many; `fill` is how many bytes of a slice are filled on average.
    fn new(shape: Shape, count: usize, fill: Option<usize>) -> Self {
        let mut state = 1_u32;
        let mut slices: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(count * shape.slice_length)
        .collect();
        if let Some(fill) = fill {
            let slices = slices.chunks_exact_mut(shape.slice_length);
            for (sample, slice) in slices.enumerate() {
                // Multiples of the golden ratio fill an interval evenly, in no order.
                let part = (sample as f64 * 0.618_033_988_749_895).fract();
                let filled = (part * 2.0 * fill as f64) as usize;
                slice[filled.min(shape.slice_length)..].fill(0);
            }
        }
        let numbers = 0..count * shape.packets * PACKET_FEATURES;
        Self {
            packets: numbers
                .map(|place| (place * 37 % 256) as f32 / 128.0 - 1.0)
                .collect(),
            seen: vec![shape.packets as u32; count],
            statistics: vec![1.0; count * STATISTICS],
            packet_slices: if shape.architecture.parts().packet_slices {
                slices.repeat(PACKET_SLICES)
            } else {
                Vec::new()
            },
            slices,
        }
    }

    fn input(&self) -> Input<'_> {
        Input {
            slices: &self.slices,
            packets: &self.packets,
            seen: &self.seen,
            statistics: &self.statistics,
            packet_slices: &self.packet_slices,
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |place: usize, otherwise: usize| {
        arguments
            .get(place)
            .and_then(|text| text.parse().ok())
            .unwrap_or(otherwise)
    };
    let (batch, threads, steps) = (number(0, 128), number(1, 1), number(2, 5));
    let kernels = arguments.get(3).and_then(|name| name.parse().ok());
    let kernels = kernels.unwrap_or_else(Kernels::detect);
    let architecture: Architecture = arguments
        .get(7)
        .and_then(|name| name.parse().ok())
        .unwrap_or(Architecture::ResnetGru);
    let reads_packets = architecture.parts().packets;
    let shape = Shape {
        architecture,
        slice_length: 784,
        classes: 12,
        packets: if reads_packets { 32 } else { 0 },
    };
    let options = TrainerOptions {
        shape,
        seed: 1,
        dropout: 0.5,
        weight_decay: 0.0,
        precision: if arguments.get(5).is_some_and(|word| word == "bfloat16") {
            Precision::Bfloat16
        } else {
            Precision::Float32
        },
        threads,
    };
    let mut trainer = Trainer::new(options).with_kernels(kernels);
    let fill = arguments.get(4).and_then(|text| text.parse().ok());
    let samples = Samples::new(shape, batch, fill);
    let input = samples.input();
    let labels: Vec<u32> = (0..batch as u32).map(|sample| sample % 12).collect();
    let report = |what: &str, [wall, processor]: [f64; 2]| {
        let (wall, processor) = (batch as f64 / wall, batch as f64 / processor);
        println!(
            "{what}, {kernels}, batch {batch}, {threads} threads: {wall:.0}/s, {processor:.0}/s of processor time"
        );
    };
    let batches = Batch {
        input,
        labels: &labels,
        class_weights: None,
    };
    let job = arguments.get(6).map_or("both", String::as_str);
    let asked = |own: &str| job == own || !["training", "inference"].contains(&job);
    // Not counted: the first step allocates.
    trainer.step(batches, 0.001);
    if asked("training") {
        let step = |_| {
            seconds_of(|| {
                trainer.step(batches, 0.001);
            })
        };
        report("training", typical((0..steps).map(step).collect()));
    }
    if !asked("inference") {
        return;
    }
    let mut weights = trainer.weights();
    let Ok(engine) = Engine::new(shape, &weights) else {
        return;
    };
    let engine = engine.with_kernels(kernels);
    if let Some(mut counts) = Activations::new(shape) {
        engine.count_activations(input, &mut counts);
        counts.ranges(1.0).put_into(&mut weights);
    }
    let int8 = Engine::new_int8(shape, &weights).map(|engine| engine.with_kernels(kernels));
    let Ok(int8) = int8 else { return };
    // In turns, so that whatever else the machine does slows both.
    let mut seconds = [Vec::new(), Vec::new()];
    for step in 0..=steps {
        for (seconds, engine) in seconds.iter_mut().zip([&engine, &int8]) {
            let taken = seconds_of(|| {
                std::hint::black_box(engine.logits(input, threads));
            });
            if step > 0 {
                seconds.push(taken);
            }
        }
    }
    let [float32, int8] = seconds.map(typical);
    report("inference", float32);
    report("inference in int8", int8);
}
