//! A start layer by layer, as Deep Packet's auto-encoder is given: before the network is trained as a
//! whole, each hidden layer learns to give back what it reads, through a layer that is thrown away.

use burn::{
    optim::{AdamWState, Optimizer},
    tensor::{Tensor, activation},
};
use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use super::{Trainer, flat, floats};
use crate::{
    architecture::Architecture,
    engine::to_unit,
    forward::{Leaves, matrix, row, stack},
    layout::Parameter,
};

/// Places of dropout and draws that no layer of a whole network has.
const PLACE: u64 = 1 << 8;

/// One hidden layer in training, with the layer that is to give back what it reads.
#[derive(Clone)]
pub struct LayerStart {
    layer: usize,
    /// The layer's weight and bias, then those of the layer that gives back.
    parameters: [Parameter; 4],
    values: Tensor<1>,
    state: Option<AdamWState<1>>,
    steps: u64,
}

impl std::fmt::Debug for LayerStart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LayerStart")
            .field("layer", &self.layer)
            .field("steps", &self.steps)
            .finish_non_exhaustive()
    }
}

impl Trainer {
    /// How many hidden layers of this network can be started one after another; none of any but
    /// Deep Packet's auto-encoder.
    pub fn startable_layers(&self) -> usize {
        match (self.options.shape.architecture, &self.stack) {
            (Architecture::DeepPacketSae, Some(layers)) => layers.len() - 1,
            _ => 0,
        }
    }

    /// Begins with one of these layers, counted from 0.
    ///
    /// # Panics
    ///
    /// If there is no such layer ([`Self::startable_layers`]).
    pub fn start_layer(&self, layer: usize) -> LayerStart {
        assert!(layer < self.startable_layers(), "no layer {layer} to start");
        let [weight, bias] = self.layer_tensors(layer);
        let (outputs, inputs) = (weight.shape[0], weight.shape[1]);
        let mut values = floats(
            self.rest
                .values
                .clone()
                .narrow(0, weight.offset, weight.size()),
        );
        values.extend(floats(self.rest.values.clone().narrow(
            0,
            bias.offset,
            bias.size(),
        )));
        // PyTorch's rule for a linear layer.
        let bound = 1.0 / (outputs as f64).sqrt();
        let mut random = ChaCha8Rng::seed_from_u64(self.options.seed);
        random.set_stream((PLACE + layer as u64) << 48);
        let drawn = inputs * outputs + inputs;
        values.extend((0..drawn).map(|_| {
            let unit = f64::from(random.next_u32()) / f64::from(u32::MAX);
            ((2.0 * unit - 1.0) * bound) as f32
        }));
        let mut offset = 0;
        let parameters = [
            vec![outputs, inputs],
            vec![outputs],
            vec![inputs, outputs],
            vec![inputs],
        ]
        .map(|shape| {
            let mut parameter = weight.clone();
            parameter.shape = shape;
            parameter.offset = offset;
            offset += parameter.size();
            parameter
        });
        LayerStart {
            layer,
            parameters,
            values: flat(values, &self.device),
            state: None,
            steps: 0,
        }
    }

    /// One step of that layer on slices `[samples, slice length]`; the mean squared difference
    /// between what it reads and what was given back of it, before the step.
    ///
    /// # Panics
    ///
    /// If there are no slices, or they have another length.
    pub fn step_layer(&mut self, start: &mut LayerStart, slices: &[u8], rate: f64) -> f32 {
        let pool = self.pool.take();
        let loss = match &pool {
            Some(pool) => pool.install(|| self.step_layer_here(start, slices, rate)),
            None => self.step_layer_here(start, slices, rate),
        };
        self.pool = pool;
        loss
    }

    fn step_layer_here(&self, start: &mut LayerStart, slices: &[u8], rate: f64) -> f32 {
        let length = self.options.shape.slice_length;
        assert!(
            !slices.is_empty() && slices.len().is_multiple_of(length),
            "slices of {length} bytes"
        );
        let samples = slices.len() / length;
        let read = self.before(start.layer, slices, samples);
        let values = Leaves::new(&start.parameters, &start.values);
        let [weight, bias, back_weight, back_bias] = &start.parameters;
        let hidden = read.clone().matmul(matrix(&values, weight).transpose()) + row(&values, bias);
        let hidden = activation::relu(hidden);
        let ones = vec![1.0; samples * bias.size()];
        let dropout = self
            .stack
            .as_ref()
            .map_or(0.0, |all| all[start.layer].dropout);
        let place = PLACE + start.layer as u64;
        let kept = self.drop_out_at(dropout, &ones, place, start.steps);
        let hidden = hidden * self.rows(kept, samples);
        let again =
            hidden.matmul(matrix(&values, back_weight).transpose()) + row(&values, back_bias);
        let difference = again - read;
        let loss = (difference.clone() * difference).mean();
        let gradients = loss.backward();
        if let Some(gradient) = values.gradient(&gradients) {
            let (values, state) =
                self.optimizer
                    .step(rate, start.values.clone(), gradient, start.state.take());
            start.values = values;
            start.state = state;
        }
        start.steps += 1;
        floats(loss.inner())[0]
    }

    /// What that layer reads: slices, or what the layer before it gives of them, without dropout.
    fn before(&self, layer: usize, slices: &[u8], samples: usize) -> Tensor<2> {
        let slices = self.rows(to_unit(slices), samples);
        let layers = self.stack.as_deref().unwrap_or_default();
        let rest = Leaves::new(&self.layout.rest, &self.rest.values);
        stack::logits(
            &self.layout,
            &layers[..layer],
            &rest,
            slices,
            |kept, _, _| kept,
        )
    }

    /// Gives the network what that layer has learnt.
    pub fn keep_layer(&mut self, start: &LayerStart) {
        let learnt = floats(start.values.clone());
        let mut rest = floats(self.rest.values.clone());
        let mut from = 0;
        for tensor in self.layer_tensors(start.layer) {
            let size = tensor.size();
            rest[tensor.offset..][..size].copy_from_slice(&learnt[from..][..size]);
            from += size;
        }
        self.rest.values = flat(rest, &self.device);
    }

    /// Weight and bias of a layer of the stack.
    fn layer_tensors(&self, layer: usize) -> [&Parameter; 2] {
        let name = self.stack.as_ref().map_or("", |layers| layers[layer].name);
        ["weight", "bias"].map(|part| self.layout.find(&format!("{name}.{part}")))
    }
}
