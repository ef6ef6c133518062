//! Loss and gradients of one batch.

use burn::tensor::{Tensor, TensorData, activation::log_softmax};

use super::{Batch, StepReport, Trainer, flat, floats};
use crate::{
    architecture::Architecture,
    engine::to_unit,
    forward::{
        self, Leaves, autoencoder, cnn_lstm,
        sequence::{self, Moments},
        stack,
    },
    input::Input,
    operation::spatial_features,
};

/// Loss and gradients of one batch.
pub(crate) struct Gradients {
    pub(crate) report: StepReport,
    pub(crate) trunk: Tensor<1>,
    pub(crate) rest: Tensor<1>,
    /// Of the branch that reads packets; the `ResNet` branch keeps its own.
    pub(super) moments: Vec<Moments>,
}

/// What a network says of a batch.
struct Answer {
    /// `[samples, classes]`.
    logits: Tensor<2>,
    /// How far CENTIME's auto-encoder's statistics are from the true ones.
    reconstruction: Option<Tensor<1>>,
    moments: Vec<Moments>,
}

impl Answer {
    /// Of a network that leaves nothing beside its logits.
    fn plain(logits: Tensor<2>) -> Self {
        Self {
            logits,
            reconstruction: None,
            moments: Vec::new(),
        }
    }
}

impl Trainer {
    /// Loss and gradients of a batch; nothing changes but the statistics left in the branch.
    pub(crate) fn gradients(&self, batch: Batch<'_>) -> Gradients {
        let shape = self.options.shape;
        let (samples, classes) = (batch.labels.len(), shape.classes);
        assert!(samples > 0, "a batch holds at least one sample");
        assert_eq!(batch.input.samples(shape), samples, "samples and labels");
        let targets = targets(batch, classes);
        let total: f64 = targets.iter().copied().map(f64::from).sum();

        let trunk = self.trunk.values.clone().autodiff().require_grad();
        let rest = Leaves::new(&self.layout.rest, &self.rest.values);
        let Answer {
            logits,
            reconstruction,
            moments,
        } = self.answer(batch.input, samples, &trunk, &rest);
        let correct = count_correct(&floats(logits.clone().inner()), batch.labels, classes);
        let targets = self.rows(targets, samples);
        let loss = (log_softmax(logits, 1) * targets).sum().div_scalar(-total);
        let loss = match reconstruction {
            Some(difference) => loss + difference,
            None => loss,
        };
        let gradients = loss.backward();
        // A group without parameters has no gradient.
        let none = || flat(Vec::new(), &self.device);
        Gradients {
            report: StepReport {
                loss: floats(loss.clone().inner())[0],
                correct,
            },
            trunk: trunk.grad(&gradients).unwrap_or_else(none),
            rest: rest.gradient(&gradients).unwrap_or_else(none),
            moments,
        }
    }

    /// Values of samples, through which gradients can be taken: `[samples, values of one]`.
    pub(super) fn rows(&self, values: Vec<f32>, samples: usize) -> Tensor<2> {
        let columns = values.len() / samples;
        let data = TensorData::new(values, [samples, columns]);
        Tensor::from_data(data, &self.device.clone().autodiff())
    }

    fn answer(&self, input: Input<'_>, samples: usize, trunk: &Tensor<1>, rest: &Leaves) -> Answer {
        if let Some(layers) = &self.stack {
            let slices = self.rows(to_unit(input.slices), samples);
            let drop_out = |values: Tensor<2>, dropout, number| {
                let ones = vec![1.0; values.shape().num_elements()];
                values * self.rows(self.drop_out_by(dropout, &ones, number as u64), samples)
            };
            let layout = &self.layout;
            return Answer::plain(stack::logits(layout, layers, rest, slices, drop_out));
        }
        if self.options.shape.architecture == Architecture::CnnLstm {
            let packets = self.rows(to_unit(input.packet_slices), samples);
            return Answer::plain(cnn_lstm::logits(&self.layout, rest, packets));
        }
        self.answer_of_branches(input, samples, trunk, rest)
    }

    fn answer_of_branches(
        &self,
        input: Input<'_>,
        samples: usize,
        trunk: &Tensor<1>,
        rest: &Leaves,
    ) -> Answer {
        let (layout, shape) = (&self.layout, self.options.shape);
        let architecture = shape.architecture;
        let unit = to_unit(input.slices);
        let temporal = architecture.has_gru().then(|| {
            let dropped = self.rows(self.drop_out(&unit, 0), samples);
            forward::temporal_features(layout, rest, dropped)
        });
        let sequential = architecture.has_sequence().then(|| {
            let packets = self.rows(input.packets.to_vec(), samples);
            let (features, moments) =
                sequence::features(layout, rest, packets, input.seen, shape.packets);
            let ones = vec![1.0; samples * sequence::FEATURES];
            let dropped = features * self.rows(self.drop_out(&ones, 1), samples);
            (dropped, moments)
        });
        let (sequential, moments) = sequential.unzip();
        let spatial = self
            .branch
            .clone()
            .map(|branch| spatial_features(trunk.clone(), self.rows(unit, samples), branch));
        let coded = architecture.has_autoencoder().then(|| {
            let statistics = self.rows(self.standardised(input.statistics), samples);
            autoencoder::features(layout, rest, statistics)
        });
        let (code, reconstruction) = coded.unzip();
        Answer {
            logits: forward::logits(layout, rest, [spatial, temporal, sequential, code]),
            reconstruction,
            moments: moments.unwrap_or_default(),
        }
    }
}

/// One row a sample, one after another: its class's weight at its class, else zero.
fn targets(batch: Batch<'_>, classes: usize) -> Vec<f32> {
    let class_weights = batch
        .class_weights
        .map_or_else(|| vec![1.0; classes], <[f32]>::to_vec);
    assert_eq!(class_weights.len(), classes, "class weights");
    let mut targets = vec![0.0; batch.labels.len() * classes];
    for (target, &label) in targets.chunks_exact_mut(classes).zip(batch.labels) {
        let label = label as usize;
        assert!(
            label < classes,
            "label {label} of a network of {classes} classes"
        );
        target[label] = class_weights[label];
    }
    targets
}

/// How many rows have their largest logit, the first of equals, at their label.
fn count_correct(logits: &[f32], labels: &[u32], classes: usize) -> usize {
    let is_correct = |(row, label): (&[f32], &u32)| {
        let mut best = 0;
        for (class, logit) in row.iter().enumerate() {
            if *logit > row[best] {
                best = class;
            }
        }
        best == *label as usize
    };
    logits
        .chunks_exact(classes)
        .zip(labels)
        .filter(|&pair| is_correct(pair))
        .count()
}
