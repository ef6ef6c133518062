//! Convolutions on three packets and an LSTM over them, in Burn's tensors.
//!
//! Source: Zou et al., *Encrypted traffic classification with a convolutional long short-term
//! memory neural network*, HPCC 2018. Their paper leaves layers open: this is a reconstruction.

use burn::tensor::{
    Tensor, activation,
    module::{conv2d, max_pool2d},
    ops::{ConvOptions, MaxPoolOptions},
};

use super::{Leaves, matrix, row};
use crate::{
    input::{PACKET_SLICES, PICTURE},
    layout::Layout,
};

/// Rows and columns of a convolution's window.
pub(crate) const WINDOW: usize = 5;

/// Channels of the two convolutions.
pub(crate) const CHANNELS: [usize; 2] = [32, 64];

/// What a packet is told by.
pub(crate) const CODE: usize = 1024;

/// Length of the LSTM's state.
pub(crate) const STATE: usize = 256;

/// Values of a packet after the convolutions, each of which halves rows and columns.
pub(crate) const FLAT: usize = CHANNELS[1] * (PICTURE / 4) * (PICTURE / 4);

/// Names and `PyTorch`'s shapes of its weights; biases are as long as these have rows.
pub(crate) fn weights(classes: usize) -> [(&'static str, Vec<usize>); 4] {
    let [first, second] = CHANNELS;
    [
        ("conv1", vec![first, 1, WINDOW, WINDOW]),
        ("conv2", vec![second, first, WINDOW, WINDOW]),
        ("fc1", vec![CODE, FLAT]),
        ("fc2", vec![classes, STATE]),
    ]
}

/// Logits `[batch, classes]` of packets' slices `[batch, PACKET_SLICES * slice length]`.
pub(crate) fn logits(layout: &Layout, rest: &Leaves, packets: Tensor<2>) -> Tensor<2> {
    let [batch, _] = packets.dims();
    let pictures = batch * PACKET_SLICES;
    let linear = |values: Tensor<2>, weight: &str, bias: &str| {
        let weight = matrix(rest, layout.find(weight));
        values.matmul(weight.transpose()) + row(rest, layout.find(bias))
    };
    let convolve = |values: Tensor<4>, name: &str| {
        let weight = layout.find(&format!("{name}.weight"));
        let bias = layout.find(&format!("{name}.bias"));
        let flat = rest.of(weight);
        let weights = flat.reshape([weight.shape[0], weight.shape[1], WINDOW, WINDOW]);
        let bias = rest.of(bias);
        let options = ConvOptions::new([1, 1], [WINDOW / 2, WINDOW / 2], [1, 1], 1);
        let convolved = activation::relu(conv2d(values, weights, Some(bias), options));
        max_pool2d(convolved, MaxPoolOptions::new([2, 2]))
    };
    let values = packets.reshape([pictures, 1, PICTURE, PICTURE]);
    let values = convolve(convolve(values, "conv1"), "conv2");
    let codes = linear(values.reshape([pictures, FLAT]), "fc1.weight", "fc1.bias");
    let codes = activation::relu(codes).reshape([batch, PACKET_SLICES, CODE]);
    let device = codes.device();
    let mut state = Tensor::<2>::zeros([batch, STATE], &device);
    let mut cell = state.clone();
    for packet in 0..PACKET_SLICES {
        let code: Tensor<2> = codes.clone().narrow(1, packet, 1).squeeze_dim(1);
        let gates = linear(code, "lstm.weight_ih_l0", "lstm.bias_ih_l0")
            + linear(state, "lstm.weight_hh_l0", "lstm.bias_hh_l0");
        let gate = |number: usize| gates.clone().narrow(1, number * STATE, STATE);
        let [enter, keep, show] = [0, 1, 3].map(|number| activation::sigmoid(gate(number)));
        cell = keep * cell + enter * activation::tanh(gate(2));
        state = show * activation::tanh(cell.clone());
    }
    linear(state, "fc2.weight", "fc2.bias")
}
