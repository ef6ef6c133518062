//! Layers one behind another in Burn's tensors.

use burn::tensor::{
    Tensor, activation,
    module::{conv1d, max_pool1d},
    ops::{ConvOptions, MaxPoolOptions},
};

use super::{Leaves, matrix, row};
use crate::{
    layout::Layout,
    stack::{Kind, Layer},
};

/// Logits `[batch, classes]` of slices `[batch, slice length]`; `drop_out` is given what a layer
/// gives where dropout follows it, and the layer's number.
pub(crate) fn logits(
    layout: &Layout,
    layers: &[Layer],
    rest: &Leaves,
    slices: Tensor<2>,
    mut drop_out: impl FnMut(Tensor<2>, f64, usize) -> Tensor<2>,
) -> Tensor<2> {
    let [batch, _] = slices.dims();
    // `[batch, channels * length]`, channels outermost: what PyTorch's `flatten` gives.
    let mut values = slices;
    for (number, layer) in layers.iter().enumerate() {
        let [channels, length] = layer.inputs;
        let of = |part: &str| layout.find(&format!("{}.{part}", layer.name));
        values = match layer.kind {
            Kind::Convolution(window) => {
                let weight = of("weight");
                let flat = rest.of(weight);
                let weights = flat.reshape([weight.shape[0], weight.shape[1], weight.shape[2]]);
                let bias = of("bias");
                let bias = rest.of(bias);
                let options = ConvOptions::new([window.stride], [window.padding], [1], 1);
                let input = values.reshape([batch, channels, length]);
                flatten(conv1d(input, weights, Some(bias), options))
            }
            Kind::Pool(window) => {
                let input = values.reshape([batch, channels, length]);
                let options = MaxPoolOptions::new([window.width])
                    .with_stride([window.stride])
                    .with_padding([window.padding]);
                flatten(max_pool1d(input, options))
            }
            Kind::Linear => {
                let weight = matrix(rest, of("weight"));
                values.matmul(weight.transpose()) + row(rest, of("bias"))
            }
        };
        if layer.is_rectified {
            values = activation::relu(values);
        }
        if layer.dropout > 0.0 {
            values = drop_out(values, layer.dropout, number);
        }
    }
    values
}

fn flatten(values: Tensor<3>) -> Tensor<2> {
    let [batch, channels, length] = values.dims();
    values.reshape([batch, channels * length])
}
