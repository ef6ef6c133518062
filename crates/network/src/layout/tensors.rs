//! Which trainable tensors each network has, in the order in which they lie.

use super::{HIDDEN, Initial, Parameter};
use crate::{
    architecture::{Architecture, Shape},
    forward::{autoencoder, cnn_lstm, sequence},
    input::{PACKET_FEATURES, STATISTICS},
    stack::{self, Layer},
    trunk::plan::{FEATURES, Plan},
};

/// Outputs of the head's hidden layers.
const HEAD: [usize; 2] = [100, 30];

/// The tensors of the `ResNet` branch.
pub(super) fn of_trunk(plan: &Plan) -> Vec<Parameter> {
    let mut group = Group::default();
    for convolution in &plan.convolutions {
        let (inputs, outputs) = (convolution.inputs, convolution.outputs);
        let name = format!("{}.weight", convolution.name);
        let shape = [outputs, inputs, convolution.taps];
        group.push(&name, &shape, by_inputs(convolution.depth()));
        group.push_norm(&convolution.norm_name, outputs);
    }
    group.tensors
}

/// The tensors of all else of a network.
pub(super) fn of_rest(shape: Shape) -> Vec<Parameter> {
    let mut group = Group::default();
    let stack = stack::layers(shape.architecture, shape.slice_length, shape.classes);
    if let Some(layers) = stack {
        group.push_stack(&layers);
    } else if shape.architecture == Architecture::CnnLstm {
        group.push_cnn_lstm(shape.classes);
    } else {
        group.push_branches(shape);
    }
    group.tensors
}

/// `PyTorch`'s rule for convolutions and linear layers: Kaiming's uniform with a = sqrt 5.
fn by_inputs(inputs: usize) -> Initial {
    Initial::Uniform(1.0 / (inputs as f64).sqrt())
}

/// Tensors one behind another.
#[derive(Default)]
struct Group {
    tensors: Vec<Parameter>,
}

impl Group {
    fn push(&mut self, name: &str, shape: &[usize], initial: Initial) {
        let last = self.tensors.last();
        let offset = last.map_or(0, |last| last.offset + last.size());
        self.tensors.push(Parameter {
            name: name.to_owned(),
            shape: shape.to_vec(),
            offset,
            initial,
        });
    }

    /// A linear layer, or a convolution.
    fn push_layer(&mut self, name: &str, shape: &[usize]) {
        let initial = by_inputs(shape[1..].iter().product());
        self.push(&format!("{name}.weight"), shape, initial);
        self.push(&format!("{name}.bias"), &shape[..1], initial);
    }

    /// A `BatchNorm`.
    fn push_norm(&mut self, name: &str, channels: usize) {
        let shape = [channels];
        self.push(&format!("{name}.weight"), &shape, Initial::Constant(1.0));
        self.push(&format!("{name}.bias"), &shape, Initial::Constant(0.0));
    }

    /// A recurrent layer, of which `PyTorch` draws every tensor by the length of the state.
    fn push_recurrent(&mut self, state: usize, tensors: [(&str, &[usize]); 4]) {
        for (name, shape) in tensors {
            self.push(name, shape, by_inputs(state));
        }
    }

    /// The branches beside the `ResNet`, and the head over all of them.
    fn push_branches(&mut self, shape: Shape) {
        let architecture = shape.architecture;
        let mut features = 0;
        if architecture.has_trunk() {
            features += FEATURES;
        }
        if architecture.has_gru() {
            self.push_gru(shape.slice_length);
            features += HIDDEN;
        }
        if architecture.has_sequence() {
            self.push_sequence();
            features += sequence::FEATURES;
        }
        if architecture.has_autoencoder() {
            self.push_autoencoder();
            features += autoencoder::CODE;
        }
        // Every other place of PyTorch's `Sequential` is a rectifier.
        for (place, outputs) in [HEAD[0], HEAD[1], shape.classes].into_iter().enumerate() {
            self.push_layer(&format!("head.{}", 2 * place), &[outputs, features]);
            features = outputs;
        }
    }

    /// The paper's GRU: three gates.
    fn push_gru(&mut self, inputs: usize) {
        let rows = 3 * HIDDEN;
        self.push_recurrent(
            HIDDEN,
            [
                ("gru.weight_ih_l0", &[rows, inputs]),
                ("gru.weight_hh_l0", &[rows, HIDDEN]),
                ("gru.bias_ih_l0", &[rows]),
                ("gru.bias_hh_l0", &[rows]),
            ],
        );
    }

    /// The branch that reads packets.
    fn push_sequence(&mut self) {
        let mut inputs = PACKET_FEATURES;
        for layer in 0..sequence::LAYERS {
            let channels = sequence::CHANNELS;
            let name = format!("{}.weight", sequence::name_of("conv", layer));
            let shape = [channels, inputs, sequence::TAPS];
            self.push(&name, &shape, by_inputs(sequence::TAPS * inputs));
            self.push_norm(&sequence::name_of("norm", layer), channels);
            inputs = channels;
        }
    }

    /// An auto-encoder; a rectifier is between its halves' two layers.
    fn push_autoencoder(&mut self) {
        use autoencoder::{CODE, MIDDLE};
        self.push_layer("encoder.0", &[MIDDLE, STATISTICS]);
        self.push_layer("encoder.2", &[CODE, MIDDLE]);
        self.push_layer("decoder.0", &[MIDDLE, CODE]);
        self.push_layer("decoder.2", &[STATISTICS, MIDDLE]);
    }

    /// Convolutions on packets and the LSTM over them.
    fn push_cnn_lstm(&mut self, classes: usize) {
        for (name, shape) in cnn_lstm::weights(classes) {
            self.push_layer(name, &shape);
        }
        let (rows, state) = (4 * cnn_lstm::STATE, cnn_lstm::STATE);
        // Not the GRU's order: the same seed is to draw what it always drew.
        self.push_recurrent(
            state,
            [
                ("lstm.weight_ih_l0", &[rows, cnn_lstm::CODE]),
                ("lstm.bias_ih_l0", &[rows]),
                ("lstm.weight_hh_l0", &[rows, state]),
                ("lstm.bias_hh_l0", &[rows]),
            ],
        );
    }

    /// Layers one behind another.
    fn push_stack(&mut self, layers: &[Layer]) {
        for layer in layers {
            if let Some(shape) = layer.weight() {
                self.push_layer(layer.name, &shape);
            }
        }
    }
}
