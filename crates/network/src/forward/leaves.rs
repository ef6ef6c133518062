//! Parameters, each a leaf of its own.
//!
//! One flat leaf that all tensors are cut out of would do, but each cut's gradient is as long as
//! the whole: with the millions of parameters that some networks have, filling and adding those
//! cost more than the network.

use burn::tensor::{Gradients, Tensor};

use crate::layout::Parameter;

/// Parameters that lie one after another.
#[derive(Debug)]
pub(crate) struct Leaves {
    /// In the order of their offsets.
    parameters: Vec<(usize, Tensor<1>)>,
}

impl Leaves {
    /// Cuts values apart, so that gradients can be taken of each parameter.
    pub(crate) fn new(parameters: &[Parameter], values: &Tensor<1>) -> Self {
        let cut = |parameter: &Parameter| {
            let own = values
                .clone()
                .narrow(0, parameter.offset, parameter.size())
                .autodiff()
                .require_grad();
            (parameter.offset, own)
        };
        Self {
            parameters: parameters.iter().map(cut).collect(),
        }
    }

    /// The values of a parameter.
    ///
    /// # Panics
    ///
    /// If it is none of these.
    pub(crate) fn of(&self, parameter: &Parameter) -> Tensor<1> {
        let found = self
            .parameters
            .binary_search_by_key(&parameter.offset, |(offset, _)| *offset);
        let place = found.unwrap_or_else(|_| panic!("no leaf `{}`", parameter.name));
        self.parameters[place].1.clone()
    }

    /// The gradient of all, one after another; zeros of what a loss does not depend on. None where
    /// there are no parameters.
    pub(crate) fn gradient(&self, gradients: &Gradients) -> Option<Tensor<1>> {
        let of = |(_, leaf): &(usize, Tensor<1>)| {
            let gradient = leaf.grad(gradients);
            gradient.unwrap_or_else(|| leaf.clone().inner().zeros_like())
        };
        let all: Vec<Tensor<1>> = self.parameters.iter().map(of).collect();
        (!all.is_empty()).then(|| Tensor::cat(all, 0))
    }
}
