//! What the branch's products multiply: floats, or pairs of bfloat16 made of them.

use crate::aligned::Aligned;
use crate::kernels::{Kernels, PANEL, Pair, Product};

/// A right factor in panels.
#[derive(Debug, Clone, Default)]
pub(crate) struct Panels {
    /// `[columns / PANEL, depth, PANEL]`.
    pub(crate) floats: Aligned<f32>,
    /// The same in pairs, `[columns / PANEL, depth / 2, PANEL]`; empty where floats are multiplied.
    pub(crate) pairs: Aligned<Pair>,
}

impl Panels {
    /// Pairs of the floats, of which there is an even number of rows a panel.
    pub(crate) fn pair(&mut self, kernels: Kernels) {
        self.pairs.resize(self.floats.len() / 2);
        kernels.pair_rows(&self.floats, &mut self.pairs);
    }
}

/// A left factor: rows of floats, and their pairs where pairs are multiplied.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<'a> {
    /// Row after row.
    pub(super) floats: &'a [f32],
    /// The same; empty where floats are multiplied.
    pub(super) pairs: &'a [Pair],
}

impl<'a> From<&'a [f32]> for Rows<'a> {
    fn from(floats: &'a [f32]) -> Self {
        Self { floats, pairs: &[] }
    }
}

impl<'a> Rows<'a> {
    /// Of an even number of floats, in pairs.
    pub(super) fn paired(
        kernels: Kernels,
        floats: &'a [f32],
        place: &'a mut Aligned<Pair>,
    ) -> Self {
        place.resize(floats.len() / 2);
        kernels.pair_neighbours(floats, place);
        Self {
            floats,
            pairs: place,
        }
    }

    /// Without the first floats, an even number.
    pub(super) fn behind(self, floats: usize) -> Self {
        Self {
            floats: &self.floats[floats..],
            pairs: self.pairs.get(floats / 2..).unwrap_or_default(),
        }
    }
}

/// A product at the precision of its right factor. All sizes are in floats.
#[derive(Debug)]
pub(super) struct Multiplication<'a> {
    pub(super) rows: usize,
    pub(super) depth: usize,
    pub(super) columns: usize,
    pub(super) left: Rows<'a>,
    pub(super) row_stride: usize,
    pub(super) right: &'a Panels,
    pub(super) output: &'a mut [f32],
    pub(super) output_stride: usize,
    pub(super) accumulate: bool,
}

impl Multiplication<'_> {
    /// Computes it.
    pub(super) fn run(self, kernels: Kernels) {
        let Self {
            rows,
            depth,
            columns,
            left,
            row_stride,
            right,
            output,
            output_stride,
            accumulate,
        } = self;
        let (bias, rectify) = (None, false);
        if right.pairs.is_empty() {
            kernels.multiply(Product {
                rows,
                depth,
                columns,
                input: left.floats,
                row_stride,
                weights: &right.floats,
                bias,
                output,
                output_stride,
                accumulate,
                rectify,
            });
        } else {
            kernels.multiply(Product {
                rows,
                depth: depth / 2,
                columns,
                input: left.pairs,
                row_stride: row_stride / 2,
                weights: &right.pairs,
                bias,
                output,
                output_stride,
                accumulate,
                rectify,
            });
        }
    }
}

/// Gradient of a convolution's output, in all forms that the way back multiplies.
#[derive(Debug, Default)]
pub(super) struct Gradient {
    /// Padded rows, for the gradient of the input.
    pub(super) rows: Aligned<f32>,
    /// The same in pairs.
    pub(super) row_pairs: Aligned<Pair>,
    /// Panels, for the gradient of the weights.
    pub(super) panels: Aligned<f32>,
    /// The same in pairs of rows.
    pub(super) panel_pairs: Aligned<Pair>,
}

impl Gradient {
    /// For padded rows of so many floats and panels of so many.
    pub(super) fn new(rows: usize, panels: usize) -> Self {
        Self {
            rows: Aligned::new(rows),
            panels: Aligned::new(panels),
            row_pairs: Aligned::default(),
            panel_pairs: Aligned::default(),
        }
    }

    /// Pairs of what the first `rows` padded rows and their panels hold.
    pub(super) fn pair(&mut self, kernels: Kernels, rows: usize, channels: usize) {
        let padded = &self.rows[..(rows + 2) * channels];
        self.row_pairs.resize(padded.len() / 2);
        kernels.pair_neighbours(padded, &mut self.row_pairs);
        let paired = rows.div_ceil(2) * PANEL;
        self.panel_pairs.resize(channels / PANEL * paired);
        let panels = self.panels[..rows * channels].chunks_exact(rows * PANEL);
        for (panel, pairs) in panels.zip(self.panel_pairs.chunks_exact_mut(paired)) {
            kernels.pair_rows(panel, pairs);
        }
    }
}
