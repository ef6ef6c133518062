//! Every tensor of a network: `PyTorch`'s name and shape, where it lies, how it starts.
//!
//! Trainable tensors lie one after another in two groups, those of the `ResNet` branch and the
//! rest, so that the branch is one argument of one operation and an optimiser step is two calls.

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};

use crate::{
    architecture::{Architecture, Shape},
    forward::{autoencoder, cnn_lstm, sequence},
    input::{PACKET_FEATURES, STATISTICS},
    stack::{self, Layer},
    trunk::plan::{FEATURES, Plan},
    weights::{NamedTensor, Weights, WeightsError},
};

/// Length of the temporal feature vector.
pub(crate) const HIDDEN: usize = 64;

/// Outputs of the head's hidden layers.
const HEAD: [usize; 2] = [100, 30];

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

fn push(to: &mut Vec<Parameter>, name: &str, shape: &[usize], initial: Initial) {
    let offset = to.last().map_or(0, |last| last.offset + last.size());
    to.push(Parameter {
        name: name.to_owned(),
        shape: shape.to_vec(),
        offset,
        initial,
    });
}

/// `PyTorch`'s rule for convolutions and linear layers: Kaiming's uniform with a = sqrt 5.
fn by_inputs(inputs: usize) -> Initial {
    Initial::Uniform(1.0 / (inputs as f64).sqrt())
}

/// A linear layer, or a convolution.
fn push_layer(to: &mut Vec<Parameter>, name: &str, shape: &[usize]) {
    let initial = by_inputs(shape[1..].iter().product());
    push(to, &format!("{name}.weight"), shape, initial);
    push(to, &format!("{name}.bias"), &shape[..1], initial);
}

/// The tensors of an auto-encoder; a rectifier is between its halves' two layers.
fn push_autoencoder(to: &mut Vec<Parameter>) {
    use autoencoder::{CODE, MIDDLE};
    push_layer(to, "encoder.0", &[MIDDLE, STATISTICS]);
    push_layer(to, "encoder.2", &[CODE, MIDDLE]);
    push_layer(to, "decoder.0", &[MIDDLE, CODE]);
    push_layer(to, "decoder.2", &[STATISTICS, MIDDLE]);
}

/// The tensors of the convolutions on packets and the LSTM over them.
fn push_cnn_lstm(to: &mut Vec<Parameter>, classes: usize) {
    for (name, shape) in cnn_lstm::weights(classes) {
        push_layer(to, name, &shape);
    }
    let (state, initial) = (cnn_lstm::STATE, by_inputs(cnn_lstm::STATE));
    for (name, inputs) in [("ih", cnn_lstm::CODE), ("hh", state)] {
        let weight = format!("lstm.weight_{name}_l0");
        push(to, &weight, &[4 * state, inputs], initial);
        push(to, &format!("lstm.bias_{name}_l0"), &[4 * state], initial);
    }
}

/// The tensors of layers one behind another.
fn push_stack(to: &mut Vec<Parameter>, layers: &[Layer]) {
    for layer in layers {
        if let Some(shape) = layer.weight() {
            push_layer(to, layer.name, &shape);
        }
    }
}

/// The tensors of the branch that reads packets.
fn push_sequence(to: &mut Vec<Parameter>) {
    let mut inputs = PACKET_FEATURES;
    for layer in 0..sequence::LAYERS {
        let channels = sequence::CHANNELS;
        let initial = by_inputs(sequence::TAPS * inputs);
        let mut add = |kind: &str, part: &str, shape: &[usize], initial: Initial| {
            push(to, &sequence::name_of(kind, layer, part), shape, initial);
        };
        add(
            "conv",
            "weight",
            &[channels, inputs, sequence::TAPS],
            initial,
        );
        add("norm", "weight", &[channels], Initial::Constant(1.0));
        add("norm", "bias", &[channels], Initial::Constant(0.0));
        inputs = channels;
    }
}

impl Layout {
    /// The tensors of a network of that shape.
    pub(crate) fn new(shape: Shape) -> Self {
        let has_trunk = shape.architecture.has_trunk();
        let has_gru = shape.architecture.has_gru();
        let has_sequence = shape.architecture.has_sequence();
        let (mut trunk, mut rest) = (Vec::new(), Vec::new());
        let plan = has_trunk.then(|| Plan::new(shape.slice_length));
        for convolution in plan.iter().flat_map(|plan| &plan.convolutions) {
            let (inputs, outputs) = (convolution.inputs, convolution.outputs);
            let name = format!("{}.weight", convolution.name);
            let shape = [outputs, inputs, convolution.taps];
            push(&mut trunk, &name, &shape, by_inputs(convolution.depth()));
            let norm = &convolution.norm_name;
            push(
                &mut trunk,
                &format!("{norm}.weight"),
                &[outputs],
                Initial::Constant(1.0),
            );
            push(
                &mut trunk,
                &format!("{norm}.bias"),
                &[outputs],
                Initial::Constant(0.0),
            );
        }
        if has_gru {
            let initial = by_inputs(HIDDEN);
            push(
                &mut rest,
                "gru.weight_ih_l0",
                &[3 * HIDDEN, shape.slice_length],
                initial,
            );
            push(
                &mut rest,
                "gru.weight_hh_l0",
                &[3 * HIDDEN, HIDDEN],
                initial,
            );
            push(&mut rest, "gru.bias_ih_l0", &[3 * HIDDEN], initial);
            push(&mut rest, "gru.bias_hh_l0", &[3 * HIDDEN], initial);
        }
        if has_sequence {
            push_sequence(&mut rest);
        }
        let branches = [
            (has_trunk, FEATURES),
            (has_gru, HIDDEN),
            (has_sequence, sequence::FEATURES),
            (shape.architecture.has_autoencoder(), autoencoder::CODE),
        ];
        if shape.architecture.has_autoencoder() {
            push_autoencoder(&mut rest);
        }
        if shape.architecture == Architecture::CnnLstm {
            push_cnn_lstm(&mut rest, shape.classes);
            return Self {
                plan,
                trunk,
                rest,
                has_sequence,
                has_statistics: false,
            };
        }
        let stack = stack::layers(shape.architecture, shape.slice_length, shape.classes);
        if let Some(layers) = stack {
            push_stack(&mut rest, &layers);
            return Self {
                plan,
                trunk,
                rest,
                has_sequence,
                has_statistics: false,
            };
        }
        let mut inputs: usize = branches
            .iter()
            .filter_map(|&(is_there, features)| is_there.then_some(features))
            .sum();
        // Every other place of PyTorch's `Sequential` is a rectifier.
        for (place, outputs) in [HEAD[0], HEAD[1], shape.classes].into_iter().enumerate() {
            let name = format!("head.{}", 2 * place);
            let initial = by_inputs(inputs);
            push(
                &mut rest,
                &format!("{name}.weight"),
                &[outputs, inputs],
                initial,
            );
            push(&mut rest, &format!("{name}.bias"), &[outputs], initial);
            inputs = outputs;
        }
        Self {
            plan,
            trunk,
            rest,
            has_sequence,
            has_statistics: shape.architecture.has_autoencoder(),
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
        let layers = if self.has_sequence {
            sequence::LAYERS
        } else {
            0
        };
        let of_sequence = (0..layers).map(|layer| {
            let name = sequence::name_of("norm", layer, "");
            Norm {
                name: name.trim_end_matches('.').to_owned(),
                offset: self.sequence_norm(layer),
                channels: sequence::CHANNELS,
            }
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
        self.sequence_norm(if self.has_sequence {
            sequence::LAYERS
        } else {
            0
        })
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

    /// The trainable tensors by name.
    pub(crate) fn name_parameters(&self, trunk: &[f32], rest: &[f32], prefix: &str) -> Weights {
        let mut weights = Weights::default();
        for (parameters, values) in [(&self.trunk, trunk), (&self.rest, rest)] {
            for parameter in parameters {
                let values = values[parameter.offset..][..parameter.size()].to_vec();
                let tensor = NamedTensor {
                    shape: parameter.shape.clone(),
                    values,
                };
                weights
                    .tensors
                    .insert(format!("{prefix}{}", parameter.name), tensor);
            }
        }
        weights
    }

    /// All tensors by name.
    pub(crate) fn name(&self, values: &Values) -> Weights {
        let mut weights = self.name_parameters(&values.trunk, &values.rest, "");
        for norm in self.norms() {
            for (name, all) in [
                ("running_mean", &values.means),
                ("running_var", &values.variances),
            ] {
                let tensor = NamedTensor {
                    shape: vec![norm.channels],
                    values: all[norm.offset..][..norm.channels].to_vec(),
                };
                weights
                    .tensors
                    .insert(format!("{}.{name}", norm.name), tensor);
            }
        }
        weights
    }

    /// Trainable values, each name behind `prefix`: the branch's and the rest.
    pub(crate) fn find_parameters(
        &self,
        weights: &Weights,
        prefix: &str,
    ) -> Result<[Vec<f32>; 2], WeightsError> {
        let mut groups = [Vec::new(), Vec::new()];
        for (parameters, values) in [&self.trunk, &self.rest].into_iter().zip(&mut groups) {
            for parameter in parameters {
                let name = format!("{prefix}{}", parameter.name);
                values.extend_from_slice(weights.values(&name, &parameter.shape)?);
            }
        }
        Ok(groups)
    }

    /// Values of all tensors.
    ///
    /// # Errors
    ///
    /// [`WeightsError`] if one is missing, has another shape, or is not finite; or if a running
    /// variance is below zero.
    pub(crate) fn find_values(&self, weights: &Weights) -> Result<Values, WeightsError> {
        let [trunk, rest] = self.find_parameters(weights, "")?;
        let mut values = Values {
            trunk,
            rest,
            ..Values::default()
        };
        for Norm { name, channels, .. } in self.norms() {
            let shape = [channels];
            let means = weights.values(&format!("{name}.running_mean"), &shape)?;
            let name = format!("{name}.running_var");
            let variances = weights.values(&name, &shape)?;
            if variances.iter().any(|&variance| variance < 0.0) {
                return Err(WeightsError::Value {
                    name,
                    reason: "a variance is below zero",
                });
            }
            values.means.extend_from_slice(means);
            values.variances.extend_from_slice(variances);
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    fn layout(architecture: Architecture) -> Layout {
        Layout::new(Shape {
            architecture,
            slice_length: 784,
            classes: 12,
            packets: if architecture.parts().packets { 32 } else { 0 },
        })
    }

    /// Parameters of all tensors whose name starts so.
    #[track_caller]
    fn check(architecture: Architecture, part: &str, parameters: usize) {
        let layout = layout(architecture);
        let all = layout.trunk.iter().chain(&layout.rest);
        let found: usize = all
            .filter(|one| one.name.starts_with(part))
            .map(Parameter::size)
            .sum();
        assert_eq!(found, parameters, "{architecture} {part}");
    }

    #[test]
    fn the_papers_network_has_the_parameters_of_its_table() {
        check(Architecture::ResnetGru, "", 1_162_254);
        check(Architecture::ResnetGru, "st", 963_552);
        check(Architecture::ResnetGru, "gru", 163_200);
        check(Architecture::ResnetGru, "head.0", 32_100);
        check(Architecture::ResnetGru, "head.2", 3_030);
        check(Architecture::ResnetGru, "head.4", 372);
    }

    #[test]
    fn networks_of_others_have_the_parameters_of_their_papers() {
        check(Architecture::Cnn1d, "", 5_832_588);
        let convolutions = 32 * (25 + 1) + 64 * (25 * 32 + 1);
        let lstm = 4 * 256 * (1024 + 256 + 2);
        let linear = (3136 + 1) * 1024 + (256 + 1) * 12;
        check(Architecture::CnnLstm, "", convolutions + lstm + linear);
        check(Architecture::Centime, "encoder", 486 + 171);
        check(Architecture::Centime, "decoder", 180 + 494);
        check(Architecture::Centime, "head", 30_002);
        check(Architecture::Centime, "", 994_885);
    }

    /// Worked out by hand for packets of 1,500 bytes: convolutions, then linear layers.
    #[test]
    fn networks_of_packets_have_the_parameters_of_their_layers() {
        let parameters = |architecture| {
            Layout::new(Shape {
                architecture,
                slice_length: 1500,
                classes: 12,
                packets: 0,
            })
            .parameters()
        };
        let linear = |[inputs, outputs]: [usize; 2]| (inputs + 1) * outputs;
        // 1,500 bytes are 499 positions after the first, 166 after the second, 83 pooled.
        let convolutions = 200 * (5 + 1) + 200 * (4 * 200 + 1);
        let wide = [[200 * 83, 200], [200, 100], [100, 50], [50, 12]].map(linear);
        let expected = convolutions + wide.iter().sum::<usize>();
        assert_eq!(parameters(Architecture::DeepPacketCnn), expected);
        let narrowing = [
            [1500, 400],
            [400, 300],
            [300, 200],
            [200, 100],
            [100, 50],
            [50, 12],
        ];
        let expected: usize = narrowing.map(linear).iter().sum();
        assert_eq!(parameters(Architecture::DeepPacketSae), expected);
    }

    #[test]
    fn its_halves_have_their_own_heads() {
        check(Architecture::Resnet, "", 963_552 + 25_700 + 3_030 + 372);
        check(Architecture::Gru, "", 163_200 + 6_500 + 3_030 + 372);
    }

    #[test]
    fn the_same_seed_draws_the_same_values_and_another_does_not() {
        let layout = layout(Architecture::ResnetGru);
        assert_eq!(layout.draw(7), layout.draw(7));
        assert_ne!(layout.draw(7), layout.draw(8));
    }

    #[test]
    fn values_drawn_stay_within_pytorchs_bounds_and_fill_them() {
        let layout = layout(Architecture::Gru);
        let values = layout.draw(1);
        let weights = &values.rest[..192 * 784];
        let largest = weights
            .iter()
            .fold(0.0_f32, |largest, value| largest.max(value.abs()));
        assert!(largest <= 0.125 && largest > 0.1249, "{largest}");
        let mean = weights.iter().sum::<f32>() / weights.len() as f32;
        assert!(mean.abs() < 0.001, "{mean}");
    }

    #[test]
    fn values_survive_naming() {
        let layout = layout(Architecture::ResnetGru);
        let values = layout.draw(3);
        assert_eq!(layout.find_values(&layout.name(&values)).unwrap(), values);
    }

    #[test]
    fn a_missing_tensor_is_named() {
        let layout = layout(Architecture::Gru);
        let mut weights = layout.name(&layout.draw(3));
        weights.tensors.remove("gru.bias_hh_l0");
        let error = layout.find_values(&weights).unwrap_err();
        assert_eq!(error.to_string(), "tensor `gru.bias_hh_l0` is missing");
    }

    #[test]
    fn a_negative_variance_is_refused() {
        let layout = layout(Architecture::Resnet);
        let mut values = layout.draw(3);
        values.variances[0] = -1.0;
        let error = layout.find_values(&layout.name(&values)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "tensor `stem.bn.running_var`: a variance is below zero"
        );
    }
}
