//! The engine's answers: alike in any company, none without slices; and shapes that are refused.

use super::samples::{Samples, options};
use crate::{
    architecture::{Architecture, Shape},
    engine::Engine,
    input::Input,
    kernels::Kernels,
    trainer::{Trainer, TrainerOptions},
};

#[test]
fn a_sample_is_answered_alike_in_any_company_and_on_any_threads() {
    for architecture in Architecture::ALL {
        for kernels in Kernels::available() {
            let options = options(architecture, 784);
            let weights = Trainer::new(options).weights();
            let engine = Engine::new(options.shape, &weights)
                .unwrap()
                .with_kernels(kernels);
            let samples = Samples::new(7, 784);
            let together = engine.logits(samples.input(), 1);
            assert_eq!(together, engine.logits(samples.input(), 3));
            let alone: Vec<f32> = (0..7)
                .map(|sample| samples.input().range(options.shape, sample..sample + 1))
                .flat_map(|sample| engine.logits(sample, 2))
                .collect();
            assert_eq!(together, alone);
        }
    }
}

#[test]
fn no_slices_have_no_logits() {
    let options = options(Architecture::ResnetGru, 784);
    let engine = Engine::new(options.shape, &Trainer::new(options).weights()).unwrap();
    assert_eq!(engine.logits(Input::default(), 4), Vec::<f32>::new());
}

#[test]
fn shapes_that_would_exhaust_the_memory_are_refused() {
    let options = options(Architecture::Resnet, 784);
    let weights = Trainer::new(options).weights();
    for (slice_length, classes) in [(0, 5), (1 << 40, 5), (784, 0), (784, 1)] {
        let shape = Shape {
            slice_length,
            classes,
            ..options.shape
        };
        let error = Engine::new(shape, &weights).unwrap_err().to_string();
        assert!(error.starts_with("no network has slices of"), "{error}");
        assert!(Trainer::from_weights(TrainerOptions { shape, ..options }, &weights).is_err());
    }
}

#[test]
fn a_trainer_and_an_engine_can_move_between_threads() {
    fn check<T: Send>() {}
    check::<Trainer>();
    check::<Engine>();
}
