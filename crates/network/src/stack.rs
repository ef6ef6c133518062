//! Networks of others that are one layer behind another, on the slice: what their layers are.
//!
//! `cnn1d`: Wang et al., *End-to-end encrypted traffic classification with one-dimensional
//! convolution neural networks*, ISI 2017. `deep-packet-cnn` and `deep-packet-sae`: Lotfollahi
//! et al., *Deep Packet*, 2017. The latter's authors first fit each layer to what the one before it
//! gives; `trainer::layerwise` does so where a recipe asks for it.

use crate::architecture::Architecture;

/// One layer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layer {
    /// What it computes.
    pub(crate) kind: Kind,
    /// `PyTorch`'s name of its tensors; of no use where it has none.
    pub(crate) name: &'static str,
    /// Channels and length of what it reads.
    pub(crate) inputs: [usize; 2],
    /// Channels and length of what it gives.
    pub(crate) outputs: [usize; 2],
    /// Whether what it gives is rectified.
    pub(crate) is_rectified: bool,
    /// Probability that dropout zeroes what it gives.
    pub(crate) dropout: f64,
}

/// What a layer computes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Kind {
    /// A convolution.
    Convolution(Window),
    /// The largest of a window.
    Pool(Window),
    /// A linear layer: it reads all channels and positions.
    Linear,
}

/// Which positions an output sees.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    /// How many.
    pub(crate) width: usize,
    /// From one output to the next.
    pub(crate) stride: usize,
    /// Zeros at both ends.
    pub(crate) padding: usize,
}

impl Window {
    const fn new(width: usize, stride: usize, padding: usize) -> Self {
        Self {
            width,
            stride,
            padding,
        }
    }

    /// Outputs of so many inputs; none where the window does not fit.
    fn outputs(self, length: usize) -> usize {
        (length + 2 * self.padding)
            .checked_sub(self.width)
            .map_or(0, |rest| rest / self.stride + 1)
    }
}

/// Layers under construction.
struct Builder {
    layers: Vec<Layer>,
    shape: [usize; 2],
}

impl Builder {
    fn add(&mut self, kind: Kind, name: &'static str, outputs: [usize; 2]) -> &mut Layer {
        let inputs = std::mem::replace(&mut self.shape, outputs);
        let at = self.layers.len();
        self.layers.push(Layer {
            kind,
            name,
            inputs,
            outputs,
            is_rectified: true,
            dropout: 0.0,
        });
        &mut self.layers[at]
    }

    fn convolve(&mut self, name: &'static str, channels: usize, window: Window) {
        let outputs = [channels, window.outputs(self.shape[1])];
        self.add(Kind::Convolution(window), name, outputs);
    }

    fn pool(&mut self, window: Window) {
        let outputs = [self.shape[0], window.outputs(self.shape[1])];
        self.add(Kind::Pool(window), "", outputs).is_rectified = false;
    }

    fn linear(&mut self, name: &'static str, outputs: usize, dropout: f64) {
        self.add(Kind::Linear, name, [1, outputs]).dropout = dropout;
    }

    fn answer(mut self, name: &'static str, classes: usize) -> Vec<Layer> {
        self.add(Kind::Linear, name, [1, classes]).is_rectified = false;
        self.layers
    }
}

/// The layers of a network that is one layer behind another; none of the others.
pub(crate) fn layers(
    architecture: Architecture,
    slice_length: usize,
    classes: usize,
) -> Option<Vec<Layer>> {
    let mut builder = Builder {
        layers: Vec::new(),
        shape: [1, slice_length],
    };
    match architecture {
        Architecture::Cnn1d => {
            // TensorFlow's same padding: a zero at each end, for all lengths of 784 and after it.
            let pool = Window::new(3, 3, 1);
            builder.convolve("conv1", 32, Window::new(25, 1, 12));
            builder.pool(pool);
            builder.convolve("conv2", 64, Window::new(25, 1, 12));
            builder.pool(pool);
            builder.linear("fc1", 1024, 0.5);
            Some(builder.answer("fc2", classes))
        }
        Architecture::DeepPacketCnn => {
            builder.convolve("conv1", 200, Window::new(5, 3, 0));
            builder.convolve("conv2", 200, Window::new(4, 3, 0));
            builder.pool(Window::new(2, 2, 0));
            for (name, outputs) in [("fc1", 200), ("fc2", 100), ("fc3", 50)] {
                builder.linear(name, outputs, 0.05);
            }
            Some(builder.answer("fc4", classes))
        }
        Architecture::DeepPacketSae => {
            let layers = [
                ("fc1", 400),
                ("fc2", 300),
                ("fc3", 200),
                ("fc4", 100),
                ("fc5", 50),
            ];
            for (name, outputs) in layers {
                builder.linear(name, outputs, 0.05);
            }
            Some(builder.answer("fc6", classes))
        }
        _ => None,
    }
}

impl Layer {
    /// `PyTorch`'s shapes of weight and bias; none of a pool.
    pub(crate) fn weight(&self) -> Option<Vec<usize>> {
        let ([inputs, length], [outputs, width]) = (self.inputs, self.outputs);
        match self.kind {
            Kind::Convolution(window) => Some(vec![outputs, inputs, window.width]),
            Kind::Linear => Some(vec![width, inputs * length]),
            Kind::Pool(_) => None,
        }
    }
}
