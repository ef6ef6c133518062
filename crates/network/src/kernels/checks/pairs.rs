//! Products of pairs held against float64 products of the factors they were rounded to.

use super::{check, from_panels, numbers, wide};
use crate::kernels::{Kernels, PANEL, Pair, Product, WeightGradient};

/// Pairs of neighbours, and the floats they were rounded to.
fn neighbours(kernels: Kernels, from: &[f32]) -> (Vec<Pair>, Vec<f64>) {
    let mut pairs = vec![Pair::default(); from.len() / 2];
    kernels.pair_neighbours(from, &mut pairs);
    let rounded = pairs.iter().flat_map(|pair| pair.numbers()).map(f64::from);
    let rounded = rounded.collect();
    (pairs, rounded)
}

/// Panels of pairs of rows, and `[rows, columns]` that they were rounded to.
fn paired_panels(
    kernels: Kernels,
    panels: &[f32],
    rows: usize,
    columns: usize,
) -> (Vec<Pair>, Vec<f64>) {
    let (mut all, mut rounded) = (Vec::new(), vec![0.0; rows * columns]);
    for (panel, from) in panels.chunks_exact(rows * PANEL).enumerate() {
        let mut pairs = vec![Pair::default(); rows.div_ceil(2) * PANEL];
        kernels.pair_rows(from, &mut pairs);
        for (place, pair) in pairs.iter().enumerate() {
            for (half, number) in pair.numbers().into_iter().enumerate() {
                let row = 2 * (place / PANEL) + half;
                if row < rows {
                    rounded[row * columns + panel * PANEL + place % PANEL] = f64::from(number);
                }
            }
        }
        all.extend(pairs);
    }
    (all, rounded)
}

/// A product of pairs of this shape; depth and row stride are in floats, and even.
#[track_caller]
fn check_product_of_pairs(rows: usize, depth: usize, row_stride: usize, accumulate: bool) {
    let columns = 64;
    let input = numbers(1, (rows - 1) * row_stride + depth);
    let weights = numbers(2, depth * columns);
    let before = numbers(4, rows * columns);
    for kernels in Kernels::available() {
        let (input, rounded) = neighbours(kernels, &input);
        let (weights, plain) = paired_panels(kernels, &weights, depth, columns);
        let mut expected: Vec<f64> = wide(&before).collect();
        for (place, value) in expected.iter_mut().enumerate() {
            let (row, column) = (place / columns, place % columns);
            let sum: f64 = (0..depth)
                .map(|n| rounded[row * row_stride + n] * plain[n * columns + column])
                .sum();
            *value = if accumulate { *value + sum } else { sum };
        }
        let mut output = before.clone();
        kernels.multiply(Product {
            rows,
            depth: depth / 2,
            columns,
            input: &input,
            row_stride: row_stride / 2,
            weights: &weights,
            bias: None,
            output: &mut output,
            output_stride: columns,
            accumulate,
            rectify: false,
        });
        check(wide(&output), &expected);
    }
}

#[test]
fn products_of_pairs_are_those_of_the_rounded_factors() {
    for rows in 1..=31 {
        check_product_of_pairs(rows, 14, 32, rows % 2 == 0);
    }
    // What tiles of sixteen leave over.
    for rows in [1, 15, 16, 17, 31, 32, 33, 47, 64, 81] {
        check_product_of_pairs(rows, 32, 32, rows % 2 == 0);
        check_product_of_pairs(rows, 192, 64, rows % 2 == 1);
    }
    for row_stride in [64, 128, 256, 512] {
        check_product_of_pairs(15, 96, row_stride, false);
    }
}

/// A weight gradient of pairs, of a convolution of that stride over rows of `channels`.
#[track_caller]
fn check_weight_gradient_of_pairs(rows: usize, taps: usize, stride: usize, channels: usize) {
    let (columns, depth) = (64, taps * channels);
    let input = numbers(5, ((rows - 1) * stride + taps) * channels);
    let (gradient, before) = (numbers(6, rows * columns), numbers(7, depth * columns));
    for kernels in Kernels::available() {
        let (gradient, plain) = paired_panels(kernels, &gradient, rows, columns);
        let mut ahead = vec![Pair::default(); input.len()];
        kernels.pair_ahead(&input, stride * channels, &mut ahead);
        let mut expected = from_panels(&before, depth, columns);
        for (place, value) in expected.iter_mut().enumerate() {
            let (at, column) = (place / columns, place % columns);
            *value += (0..rows)
                .map(|row| {
                    let input = ahead[row * stride * channels + at].numbers()[0];
                    f64::from(input) * plain[row * columns + column]
                })
                .sum::<f64>();
        }
        let mut output = before.clone();
        kernels.weight_gradient(WeightGradient {
            rows: rows.div_ceil(2),
            depth,
            columns,
            input: &ahead,
            row_stride: 2 * stride * channels,
            gradient: &gradient,
            output: &mut output,
            accumulate: true,
        });
        check(from_panels(&output, depth, columns), &expected);
    }
}

#[test]
fn weight_gradients_of_pairs_are_those_of_the_rounded_factors() {
    check_weight_gradient_of_pairs(1, 1, 1, 32);
    check_weight_gradient_of_pairs(13, 3, 1, 32);
    check_weight_gradient_of_pairs(14, 3, 2, 64);
    check_weight_gradient_of_pairs(49, 1, 2, 32);
    check_weight_gradient_of_pairs(64, 3, 1, 32);
    check_weight_gradient_of_pairs(600, 1, 1, 32);
}
