//! From inputs to logits in Burn's tensors: what gradients are taken through.

pub(crate) mod autoencoder;
pub(crate) mod cnn_lstm;
mod leaves;
pub(crate) mod sequence;
pub(crate) mod stack;

use burn::tensor::{
    Tensor, activation,
    module::{batch_norm_train, conv1d},
    ops::ConvOptions,
};

pub(crate) use leaves::Leaves;

use crate::{
    layout::{HIDDEN, Layout, Parameter},
    trunk::plan::Convolution,
};

/// Logits `[batch, classes]` of the branches' features.
pub(crate) fn logits(
    layout: &Layout,
    rest: &Leaves,
    features: [Option<Tensor<2>>; 4],
) -> Tensor<2> {
    let features: Vec<Tensor<2>> = features.into_iter().flatten().collect();
    let mut values = Tensor::cat(features, 1);
    for (place, name) in ["head.0", "head.2", "head.4"].into_iter().enumerate() {
        if place > 0 {
            values = activation::relu(values);
        }
        let weight = matrix(rest, layout.find(&format!("{name}.weight")));
        let bias = row(rest, layout.find(&format!("{name}.bias")));
        values = values.matmul(weight.transpose()) + bias;
    }
    values
}

/// Temporal features `[batch, 64]` of slices `[batch, slice length]`: one step of a GRU from a
/// state of zeros, gates in `PyTorch`'s order reset, update, new.
///
/// The state is zero, so `weight_hh` multiplies nothing and its gradient is zero; its bias stays.
pub(crate) fn temporal_features(layout: &Layout, rest: &Leaves, slices: Tensor<2>) -> Tensor<2> {
    let weight = matrix(rest, layout.find("gru.weight_ih_l0"));
    let input = slices.matmul(weight.transpose()) + row(rest, layout.find("gru.bias_ih_l0"));
    let state = row(rest, layout.find("gru.bias_hh_l0"));
    let gate = |number: usize| {
        let (from, bias) = (input.clone(), state.clone());
        (
            from.narrow(1, number * HIDDEN, HIDDEN),
            bias.narrow(1, number * HIDDEN, HIDDEN),
        )
    };
    let opened = |number: usize| {
        let (input, state) = gate(number);
        activation::sigmoid(input + state)
    };
    let (reset_gate, update_gate) = (opened(0), opened(1));
    let (input, state) = gate(2);
    let new = activation::tanh(input + reset_gate * state);
    (update_gate.neg() + 1.0) * new
}

/// Spatial features `[batch, 256]` of slices `[batch, slice length]` by Burn's own layers: for
/// back ends that our kernels do not serve, and to check them. Also the mean and the variance
/// (over the number of values) of each convolution's output.
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "GPU back ends come with issue 5")
)]
pub(crate) fn spatial_features(
    layout: &Layout,
    trunk: &Tensor<1>,
    slices: Tensor<2>,
) -> (Tensor<2>, Vec<[Tensor<1>; 2]>) {
    let [batch, length] = slices.dims();
    let Some(plan) = &layout.plan else {
        return (slices, Vec::new());
    };
    let mut statistics = vec![None; plan.convolutions.len()];
    let mut apply = |number: usize, input: Tensor<3>| {
        let convolution = &plan.convolutions[number];
        let Convolution {
            inputs,
            outputs,
            taps,
            stride,
            offset,
            ..
        } = *convolution;
        let weights = trunk.clone().narrow(0, offset, convolution.weights());
        let weights = weights.reshape([outputs, inputs, taps]);
        let options = ConvOptions::new([stride], [taps / 2], [1], 1);
        let values = conv1d(input, weights, None, options);
        let gamma = offset + convolution.weights();
        let beta = gamma + outputs;
        let gamma = trunk.clone().narrow(0, gamma, outputs);
        let beta = trunk.clone().narrow(0, beta, outputs);
        let normed = batch_norm_train(values, gamma, beta, crate::trunk::EPSILON);
        statistics[number] = Some([normed.mean, normed.variance]);
        normed.output
    };
    let mut values = activation::relu(apply(0, slices.reshape([batch, 1, length])));
    for block in &plan.blocks {
        let middle = activation::relu(apply(block.first, values.clone()));
        let residual = match block.shortcut {
            None => values,
            Some(own) => apply(own, values),
        };
        values = activation::relu(apply(block.second, middle) + residual);
    }
    let features = values.mean_dim(2).squeeze_dim(2);
    (features, statistics.into_iter().flatten().collect())
}

pub(crate) fn matrix(rest: &Leaves, parameter: &Parameter) -> Tensor<2> {
    let flat = rest.of(parameter);
    flat.reshape([parameter.shape[0], parameter.shape[1]])
}

pub(crate) fn row(rest: &Leaves, parameter: &Parameter) -> Tensor<2> {
    let flat = rest.of(parameter);
    flat.reshape([1, parameter.size()])
}
