//! Every tensor of a network: `PyTorch`'s name and shape, where it lies, how it starts.
//!
//! Trainable tensors lie one after another in two groups, those of the `ResNet` branch and the
//! rest, so that the branch is one argument of one operation and an optimiser step is two calls.

#[cfg(test)]
mod checks;
mod names;
mod tensors;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::{
    architecture::Shape,
    forward::{autoencoder, sequence},
    input::STATISTICS,
    trunk::plan::Plan,
};

/// Length of the temporal feature vector.
pub(crate) const HIDDEN: usize = 64;

/// How a tensor starts.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Initial {
    /// Uniform between plus and minus this.
    Uniform(f64),
    /// All the same.
    Constant(f32),
}

/// One trainable tensor.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parameter {
    /// `PyTorch`'s name.
    pub(crate) name: String,
    /// `PyTorch`'s shape.
    pub(crate) shape: Vec<usize>,
    /// Where it starts in its group.
    pub(crate) offset: usize,
    initial: Initial,
}

impl Parameter {
    /// Floats.
    pub(crate) fn size(&self) -> usize {
        self.shape.iter().product()
    }
}

/// The tensors of a network.
#[derive(Debug, Clone)]
pub(crate) struct Layout {
    /// The `ResNet` branch, if the network has one.
    pub(crate) plan: Option<Plan>,
    /// Trainable tensors of the `ResNet` branch.
    pub(crate) trunk: Vec<Parameter>,
    /// Trainable tensors of the GRU and the head.
    pub(crate) rest: Vec<Parameter>,
    /// Whether there is a branch that reads packets.
    pub(crate) has_sequence: bool,
    /// Whether there is an auto-encoder of statistics.
    pub(crate) has_statistics: bool,
}

/// A `BatchNorm`, and where its running statistics are.
struct Norm {
    name: String,
    offset: usize,
    channels: usize,
}

/// Values of all tensors of a network, in the order of its [`Layout`].
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Values {
    /// The `ResNet` branch's.
    pub(crate) trunk: Vec<f32>,
    /// The GRU's and the head's.
    pub(crate) rest: Vec<f32>,
    /// Running means of all `BatchNorm`s.
    pub(crate) means: Vec<f32>,
    /// Running variances of all `BatchNorm`s.
    pub(crate) variances: Vec<f32>,
}

impl Layout {
    /// The tensors of a network of that shape.
    pub(crate) fn new(shape: Shape) -> Self {
        let architecture = shape.architecture;
        let plan = architecture
            .has_trunk()
            .then(|| Plan::new(shape.slice_length));
        Self {
            trunk: plan.as_ref().map(tensors::of_trunk).unwrap_or_default(),
            rest: tensors::of_rest(shape),
            plan,
            has_sequence: architecture.has_sequence(),
            has_statistics: architecture.has_autoencoder(),
        }
    }

    /// Every `BatchNorm`: those of the `ResNet` branch, then those of the one that reads packets.
    fn norms(&self) -> impl Iterator<Item = Norm> {
        let convolutions = self.plan.iter().flat_map(|plan| &plan.convolutions);
        let of_trunk = convolutions.map(|convolution| Norm {
            name: convolution.norm_name.clone(),
            offset: convolution.channel_offset,
            channels: convolution.outputs,
        });
        let of_sequence = (0..self.sequence_layers()).map(|layer| Norm {
            name: sequence::name_of("norm", layer),
            offset: self.sequence_norm(layer),
            channels: sequence::CHANNELS,
        });
        let of_statistics = self.has_statistics.then(|| Norm {
            name: autoencoder::NORM.to_owned(),
            offset: self.statistics_norm(),
            channels: STATISTICS,
        });
        of_trunk.chain(of_sequence).chain(of_statistics)
    }

    /// Where the means and variances of the training samples' statistics start.
    pub(crate) fn statistics_norm(&self) -> usize {
        self.sequence_norm(self.sequence_layers())
    }

    /// Layers that read packets.
    fn sequence_layers(&self) -> usize {
        if self.has_sequence {
            sequence::LAYERS
        } else {
            0
        }
    }

    /// Where the running statistics of a layer that reads packets start.
    pub(crate) fn sequence_norm(&self, layer: usize) -> usize {
        let before = self.plan.as_ref().map_or(0, |plan| plan.channels);
        before + layer * sequence::CHANNELS
    }

    /// Trainable parameters.
    pub(crate) fn parameters(&self) -> usize {
        self.trunk
            .iter()
            .chain(&self.rest)
            .map(Parameter::size)
            .sum()
    }

    /// A tensor of the second group.
    ///
    /// # Panics
    ///
    /// If there is none of that name: names are constants of this crate.
    pub(crate) fn find(&self, name: &str) -> &Parameter {
        let found = self.rest.iter().find(|parameter| parameter.name == name);
        found.unwrap_or_else(|| panic!("no tensor `{name}` in this network"))
    }

    /// The values of a tensor of the second group.
    ///
    /// # Panics
    ///
    /// As [`Layout::find`].
    pub(crate) fn values_of<'a>(&self, name: &str, values: &'a Values) -> &'a [f32] {
        let parameter = self.find(name);
        &values.rest[parameter.offset..][..parameter.size()]
    }

    /// New values, drawn by `PyTorch`'s rules from the seed.
    pub(crate) fn draw(&self, seed: u64) -> Values {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = |parameters: &[Parameter]| {
            let mut values = Vec::new();
            for parameter in parameters {
                values.extend((0..parameter.size()).map(|_| match parameter.initial {
                    Initial::Constant(value) => value,
                    Initial::Uniform(bound) => {
                        let unit = f64::from(random.next_u32()) / f64::from(u32::MAX);
                        ((2.0 * unit - 1.0) * bound) as f32
                    }
                }));
            }
            values
        };
        let (trunk, rest) = (draw(&self.trunk), draw(&self.rest));
        let channels = self.norms().map(|norm| norm.channels).sum();
        Values {
            trunk,
            rest,
            means: vec![0.0; channels],
            variances: vec![1.0; channels],
        }
    }
}
