//! `BatchNorm` over a batch: statistics from samples, and the coefficients of both directions.

/// Added to the variance, as `PyTorch` does.
pub(crate) const EPSILON: f64 = 1e-5;

/// One `BatchNorm` during a step; all fields are `[channels]`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Norm {
    /// Mean over the batch.
    pub(crate) mean: Vec<f32>,
    /// Variance over the batch, divided by the number of values.
    pub(crate) variance: Vec<f64>,
    /// Values per channel.
    pub(crate) count: usize,
    /// Forward: `output = input * scale + shift`.
    pub(crate) scale: Vec<f32>,
    /// See `scale`.
    pub(crate) shift: Vec<f32>,
    /// Backward: `input's gradient = gradient * scale + (input - mean) * slope + offset`.
    pub(crate) slope: Vec<f32>,
    /// See `slope`.
    pub(crate) offset: Vec<f32>,
}

impl Norm {
    /// From the moments of each sample: `moments(sample)` is `[mean.., squared distances..]`,
    /// each over `rows` values. Merged as by Chan et al., so that no large squares cancel.
    pub(crate) fn set<'a>(
        &mut self,
        batch: usize,
        rows: usize,
        moments: impl Fn(usize) -> &'a [f64],
        [gamma, beta]: [&[f32]; 2],
    ) {
        let channels = gamma.len();
        for list in [&mut self.mean, &mut self.scale, &mut self.shift] {
            list.resize(channels, 0.0);
        }
        self.variance.resize(channels, 0.0);
        self.count = batch * rows;
        for channel in 0..channels {
            let mean = (0..batch)
                .map(|sample| moments(sample)[channel])
                .sum::<f64>()
                / batch as f64;
            let squares: f64 = (0..batch)
                .map(|sample| {
                    let moments = moments(sample);
                    let distance = moments[channel] - mean;
                    moments[channels + channel] + rows as f64 * distance * distance
                })
                .sum();
            let variance = squares / self.count as f64;
            let scale = f64::from(gamma[channel]) / (variance + EPSILON).sqrt();
            self.mean[channel] = mean as f32;
            self.variance[channel] = variance;
            self.scale[channel] = scale as f32;
            self.shift[channel] = (f64::from(beta[channel]) - mean * scale) as f32;
        }
    }

    /// Variance as running statistics have it: divided by one less.
    pub(crate) fn unbiased_variance(&self, channel: usize) -> f64 {
        let count = self.count as f64;
        self.variance[channel] * count / (count - 1.0).max(1.0)
    }

    /// From the sums of each sample: `sums(sample)` is `[gradient.., gradient * (input - mean)..]`.
    /// Writes the gradients of gamma and beta.
    pub(crate) fn set_gradient<'a>(
        &mut self,
        batch: usize,
        sums: impl Fn(usize) -> (&'a [f64], &'a [f64]),
        [gamma, beta]: [&mut [f32]; 2],
    ) {
        let channels = gamma.len();
        self.slope.resize(channels, 0.0);
        self.offset.resize(channels, 0.0);
        let count = self.count as f64;
        for channel in 0..channels {
            let plain: f64 = (0..batch).map(|sample| sums(sample).0[channel]).sum();
            let product: f64 = (0..batch).map(|sample| sums(sample).1[channel]).sum();
            let inverse = 1.0 / (self.variance[channel] + EPSILON).sqrt();
            let scale = f64::from(self.scale[channel]);
            gamma[channel] = (product * inverse) as f32;
            beta[channel] = plain as f32;
            self.slope[channel] = (-scale * inverse * inverse * product / count) as f32;
            self.offset[channel] = (-scale * plain / count) as f32;
        }
    }
}
