//! The shape of the `ResNet` branch: its convolutions, where their parameters lie, their lengths.

/// Channels of the four stages; the stem has the first stage's.
const STAGE_CHANNELS: [usize; 4] = [32, 64, 128, 256];

/// Basic blocks of a stage.
const STAGE_BLOCKS: usize = 2;

/// Length of the spatial feature vector.
pub(crate) const FEATURES: usize = STAGE_CHANNELS[3];

/// One convolution without bias, and the `BatchNorm` behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Convolution {
    /// `PyTorch`'s name of the convolution: `stage2.0.conv1`.
    pub(crate) name: String,
    /// `PyTorch`'s name of its `BatchNorm`: `stage2.0.bn1`.
    pub(crate) norm_name: String,
    /// Input channels.
    pub(crate) inputs: usize,
    /// Output channels.
    pub(crate) outputs: usize,
    /// Width of the kernel.
    pub(crate) taps: usize,
    /// 1 or 2.
    pub(crate) stride: usize,
    /// Positions read.
    pub(crate) input_length: usize,
    /// Positions written.
    pub(crate) output_length: usize,
    /// Bytes of the slice from one output to the next: the strides up to here, multiplied.
    pub(crate) spacing: usize,
    /// Where its weights `[outputs, inputs, taps]` start among the branch's parameters; the
    /// `BatchNorm`'s weights and biases follow.
    pub(crate) offset: usize,
    /// Where its channels start among those of all convolutions.
    pub(crate) channel_offset: usize,
}

impl Convolution {
    /// Inputs per output.
    pub(crate) fn depth(&self) -> usize {
        self.inputs * self.taps
    }

    /// Weights, without the `BatchNorm`'s.
    pub(crate) fn weights(&self) -> usize {
        self.outputs * self.depth()
    }

    /// Floats of one sample's output.
    pub(crate) fn output_size(&self) -> usize {
        self.output_length * self.outputs
    }
}

/// A basic block: two convolutions, and a shortcut where the shape changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    /// Number of its first convolution.
    pub(crate) first: usize,
    /// Number of its second convolution.
    pub(crate) second: usize,
    /// Number of its shortcut's convolution; without one the input itself is added.
    pub(crate) shortcut: Option<usize>,
}

/// The branch for slices of one length. The order of `convolutions` is `PyTorch`'s order of
/// parameters; number 0 is the stem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// Bytes of a slice.
    pub(crate) slice_length: usize,
    /// The stem, then those of each block.
    pub(crate) convolutions: Vec<Convolution>,
    /// In the order of the data.
    pub(crate) blocks: Vec<Block>,
    /// Trainable parameters.
    pub(crate) parameters: usize,
    /// Output channels of all convolutions together: running means, and as many variances.
    pub(crate) channels: usize,
}

impl Plan {
    /// The branch for slices of `slice_length` bytes.
    pub(crate) fn new(slice_length: usize) -> Self {
        let mut plan = Self {
            slice_length,
            convolutions: Vec::new(),
            blocks: Vec::new(),
            parameters: 0,
            channels: 0,
        };
        let mut channels = STAGE_CHANNELS[0];
        let (mut length, mut spacing) = (slice_length, 1);
        plan.push("stem.conv", "stem.bn", [1, channels, 9, 1], length, spacing);
        for (stage, &outputs) in STAGE_CHANNELS.iter().enumerate() {
            for number in 0..STAGE_BLOCKS {
                let block = format!("stage{}.{number}", stage + 1);
                let name = |part: &str| format!("{block}.{part}");
                let stride = if stage > 0 && number == 0 { 2 } else { 1 };
                spacing *= stride;
                let first = plan.push(
                    &name("conv1"),
                    &name("bn1"),
                    [channels, outputs, 3, stride],
                    length,
                    spacing,
                );
                let halved = length.div_ceil(stride);
                let second = plan.push(
                    &name("conv2"),
                    &name("bn2"),
                    [outputs, outputs, 3, 1],
                    halved,
                    spacing,
                );
                let shortcut = (channels != outputs).then(|| {
                    plan.push(
                        &name("shortcut.conv"),
                        &name("shortcut.bn"),
                        [channels, outputs, 1, stride],
                        length,
                        spacing,
                    )
                });
                plan.blocks.push(Block {
                    first,
                    second,
                    shortcut,
                });
                (channels, length) = (outputs, halved);
            }
        }
        plan
    }

    fn push(
        &mut self,
        name: &str,
        norm_name: &str,
        [inputs, outputs, taps, stride]: [usize; 4],
        input_length: usize,
        spacing: usize,
    ) -> usize {
        let convolution = Convolution {
            name: name.to_owned(),
            norm_name: norm_name.to_owned(),
            inputs,
            outputs,
            taps,
            stride,
            input_length,
            output_length: input_length.div_ceil(stride),
            spacing,
            offset: self.parameters,
            channel_offset: self.channels,
        };
        self.parameters += convolution.weights() + 2 * outputs;
        self.channels += outputs;
        self.convolutions.push(convolution);
        self.convolutions.len() - 1
    }

    /// A convolution of the last block's output's shape: its second one.
    pub(crate) fn last(&self) -> &Convolution {
        &self.convolutions[self.blocks[self.blocks.len() - 1].second]
    }

    /// Bytes after which all strides begin anew: how far the last outputs are apart.
    pub(crate) fn period(&self) -> usize {
        self.last().spacing
    }

    /// Floats of the largest padded activation of one sample.
    pub(crate) fn largest_rows(&self) -> usize {
        let padded = |c: &Convolution| (c.output_length + 2) * c.outputs;
        self.convolutions.iter().map(padded).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Parameters of all convolutions whose name starts so, with their `BatchNorm`s.
    fn check(part: &str, parameters: usize) {
        let found: usize = Plan::new(784)
            .convolutions
            .iter()
            .filter(|convolution| convolution.name.starts_with(part))
            .map(|convolution| convolution.weights() + 2 * convolution.outputs)
            .sum();
        assert_eq!(found, parameters, "{part}");
    }

    #[test]
    fn each_part_has_the_parameters_of_the_papers_table() {
        check("stem", 288 + 64);
        check("stage1", 12_544);
        check("stage2", 45_696);
        check("stage3", 181_504);
        check("stage4", 723_456);
        assert_eq!(Plan::new(784).parameters, 963_552);
    }

    #[test]
    fn each_second_block_has_the_parameters_the_paper_prints() {
        check("stage1.1", 6_272);
        check("stage2.1", 24_832);
        check("stage3.1", 98_816);
        check("stage4.1", 394_240);
    }

    #[test]
    fn each_stage_halves_the_length() {
        let plan = Plan::new(784);
        let lengths: Vec<usize> = plan
            .blocks
            .iter()
            .map(|b| plan.convolutions[b.second].output_length)
            .collect();
        assert_eq!(lengths, [784, 784, 392, 392, 196, 196, 98, 98]);
        assert_eq!(plan.last().output_length, 98);
        assert_eq!(plan.period(), 8);
    }

    #[test]
    fn an_odd_length_is_rounded_up() {
        assert_eq!(Plan::new(9).last().output_length, 2);
    }
}
