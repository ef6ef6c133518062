//! Every kernel at every level held against plain loops in float64, at shapes that fill no tile.

mod bytes;
mod pairs;

use super::{
    Activate, Gate, Kernels, NormGradient, PANEL, Product, Repeated, Residual, WeightGradient,
};

/// No rows that count several times.
const NONE: Repeated = Repeated {
    first: 0,
    rows: 0,
    times: 1,
};

/// Rows with those that count several times written out, behind all others.
fn written_out(rows: &[f32], channels: usize, repeated: Repeated) -> Vec<f32> {
    let again = &rows[repeated.first * channels..][..repeated.rows * channels];
    [rows, &again.repeat(repeated.times - 1)].concat()
}

/// Numbers between -1 and 1 that look like nothing in particular.
fn numbers(seed: u32, count: usize) -> Vec<f32> {
    let mut state = seed.wrapping_mul(747_796_405).wrapping_add(1);
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (f64::from(state >> 8) / f64::from(1 << 23) - 1.0) as f32
    };
    std::iter::repeat_with(next).take(count).collect()
}

/// `panels[panel][row][column]` as `rows[row][column]`.
fn from_panels(panels: &[f32], rows: usize, columns: usize) -> Vec<f64> {
    let place = |n: usize| {
        let (row, column) = (n / columns, n % columns);
        (column / PANEL * rows + row) * PANEL + column % PANEL
    };
    (0..rows * columns)
        .map(|n| f64::from(panels[place(n)]))
        .collect()
}

#[track_caller]
fn check(found: impl IntoIterator<Item = f64>, expected: &[f64]) {
    let found: Vec<f64> = found.into_iter().collect();
    assert_eq!(found.len(), expected.len());
    let size = expected
        .iter()
        .fold(1.0_f64, |size, value| size.max(value.abs()));
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let is_close = (found - expected).abs() < 2e-6 * size;
        assert!(is_close, "place {place}: {found} instead of {expected}");
    }
}

fn wide(values: &[f32]) -> impl Iterator<Item = f64> + '_ {
    values.iter().copied().map(f64::from)
}

/// A product of this shape, with all extras or none.
#[track_caller]
fn check_product(rows: usize, depth: usize, columns: usize, row_stride: usize, extras: bool) {
    let input = numbers(1, (rows - 1) * row_stride + depth);
    let weights = numbers(2, depth * columns);
    let (bias, before) = (numbers(3, columns), numbers(4, rows * (columns + 3)));
    let plain = from_panels(&weights, depth, columns);
    let mut expected: Vec<f64> = wide(&before).collect();
    for row in 0..rows {
        for column in 0..columns {
            let place = row * (columns + 3) + column;
            let sum: f64 = (0..depth)
                .map(|n| f64::from(input[row * row_stride + n]) * plain[n * columns + column])
                .sum();
            let with = (sum + expected[place] + f64::from(bias[column])).max(0.0);
            expected[place] = if extras { with } else { sum };
        }
    }
    for kernels in Kernels::available() {
        let mut output = before.clone();
        kernels.multiply(Product {
            rows,
            depth,
            columns,
            input: &input,
            row_stride,
            weights: &weights,
            bias: extras.then_some(&bias[..]),
            output: &mut output[..rows * (columns + 3) - 3],
            output_stride: columns + 3,
            accumulate: extras,
            rectify: extras,
        });
        check(wide(&output), &expected);
    }
}

#[test]
fn products_are_right_whatever_is_left_over_of_a_tile() {
    for rows in 1..=33 {
        check_product(rows, 7, 32, 32, rows % 2 == 0);
    }
}

#[test]
fn products_are_right_at_every_row_stride_the_networks_have() {
    for row_stride in [1, 32, 64, 128, 256, 784] {
        check_product(15, 9, 64, row_stride, false);
        check_product(31, 96, 96, row_stride, true);
    }
}

#[test]
fn what_is_no_number_stays_none() {
    for kernels in Kernels::available() {
        let mut output = [0.0; 32];
        kernels.multiply(Product {
            rows: 1,
            depth: 1,
            columns: 32,
            input: &[f32::NAN],
            row_stride: 1,
            weights: &[1.0; 32],
            bias: None,
            output: &mut output,
            output_stride: 32,
            accumulate: false,
            rectify: true,
        });
        assert!(output.iter().all(|value| value.is_nan()), "{kernels}");
    }
}

#[test]
#[should_panic(expected = "assertion failed")]
fn a_product_beyond_its_slice_is_refused() {
    let mut output = [0.0; 32];
    Kernels::detect().multiply(Product {
        rows: 2,
        depth: 1,
        columns: 32,
        input: &[1.0, 1.0],
        row_stride: 1,
        weights: &[1.0; 32],
        bias: None,
        output: &mut output,
        output_stride: 32,
        accumulate: false,
        rectify: false,
    });
}

/// A weight gradient of this shape.
#[track_caller]
fn check_weight_gradient(rows: usize, depth: usize, row_stride: usize, accumulate: bool) {
    let columns = 64;
    let input = numbers(5, (rows - 1) * row_stride + depth);
    let (gradient, before) = (numbers(6, rows * columns), numbers(7, depth * columns));
    let plain = from_panels(&gradient, rows, columns);
    let mut expected = from_panels(&before, depth, columns);
    for (place, value) in expected.iter_mut().enumerate() {
        let (at, column) = (place / columns, place % columns);
        let sum: f64 = (0..rows)
            .map(|row| f64::from(input[row * row_stride + at]) * plain[row * columns + column])
            .sum();
        *value = if accumulate { *value + sum } else { sum };
    }
    for kernels in Kernels::available() {
        let mut output = before.clone();
        kernels.weight_gradient(WeightGradient {
            rows,
            depth,
            columns,
            input: &input,
            row_stride,
            gradient: &gradient,
            output: &mut output,
            accumulate,
        });
        check(from_panels(&output, depth, columns), &expected);
    }
}

#[test]
fn weight_gradients_are_right_at_odd_shapes() {
    check_weight_gradient(1, 1, 1, false);
    check_weight_gradient(49, 9, 1, true);
    check_weight_gradient(98, 96, 32, false);
    check_weight_gradient(13, 67, 64, true);
}

#[test]
fn activations_add_each_kind_of_residual() {
    let (rows, channels) = (13, 64);
    let [input, other] = [8, 9].map(|seed| numbers(seed, rows * channels));
    let [scale, shift, own_scale, own_shift] = [1, 2, 3, 4].map(|seed| numbers(seed, channels));
    let scaled = Residual::Scaled {
        values: &other,
        scale: &own_scale,
        shift: &own_shift,
    };
    for residual in [Residual::None, Residual::Identity(&other), scaled] {
        let expected: Vec<f64> = (0..rows * channels)
            .map(|place| {
                let channel = place % channels;
                let own = f64::from(input[place]) * f64::from(scale[channel]);
                let added = match residual {
                    Residual::None => 0.0,
                    Residual::Identity(values) => f64::from(values[place]),
                    Residual::Scaled {
                        values,
                        scale,
                        shift,
                    } => {
                        f64::from(values[place]) * f64::from(scale[channel])
                            + f64::from(shift[channel])
                    }
                };
                (own + f64::from(shift[channel]) + added).max(0.0)
            })
            .collect();
        for kernels in Kernels::available() {
            let mut output = vec![0.0; rows * channels];
            kernels.activate(Activate {
                channels,
                input: &input,
                scale: &scale,
                shift: &shift,
                residual,
                output: &mut output,
            });
            check(wide(&output), &expected);
        }
    }
}

#[test]
fn moments_survive_a_mean_a_thousand_times_the_deviation() {
    let (rows, channels) = (784, 32);
    let input: Vec<f32> = numbers(10, rows * channels)
        .iter()
        .map(|value| 1000.0 + value)
        .collect();
    for kernels in Kernels::available() {
        let mut moments = vec![0.0; 2 * channels];
        kernels.moments(channels, &input, NONE, &mut moments);
        for channel in 0..channels {
            let own = || wide(&input).skip(channel).step_by(channels);
            let mean = own().sum::<f64>() / rows as f64;
            let squares: f64 = own().map(|value| (value - mean).powi(2)).sum();
            assert!((moments[channel] - mean).abs() < 1e-4, "{kernels}");
            let found = moments[channels + channel];
            assert!(
                (found - squares).abs() < 1e-4 * squares,
                "{kernels}: {found}, {squares}"
            );
        }
    }
}

#[test]
fn gates_close_where_the_activation_is_zero_and_sum_what_passes() {
    let (rows, channels) = (61, 32);
    let [gradient, values, other] = [11, 12, 13].map(|seed| numbers(seed, rows * channels));
    let activation: Vec<f32> = numbers(14, rows * channels)
        .iter()
        .map(|value| value.max(0.0))
        .collect();
    let [mean, own_mean] = [5, 6].map(|seed| numbers(seed, channels));
    let mut expected = vec![0.0; rows * channels];
    let mut sums = vec![0.0; 3 * channels];
    for (place, value) in expected.iter_mut().enumerate() {
        let channel = place % channels;
        if activation[place] > 0.0 {
            *value = f64::from(gradient[place]);
        }
        sums[channel] += *value;
        let distance = f64::from(values[place]) - f64::from(mean[channel]);
        sums[channels + channel] += *value * distance;
        let distance = f64::from(other[place]) - f64::from(own_mean[channel]);
        sums[2 * channels + channel] += *value * distance;
    }
    for kernels in Kernels::available() {
        for shortcut in [None, Some((&other[..], &own_mean[..]))] {
            let mut output = vec![f32::NAN; rows * channels];
            let parts = 2 + usize::from(shortcut.is_some());
            let mut found = vec![f64::NAN; parts * channels];
            kernels.gate(Gate {
                channels,
                gradient: &gradient,
                activation: &activation,
                values: (&values, &mean),
                shortcut,
                repeated: NONE,
                output: &mut output,
                sums: &mut found,
            });
            check(wide(&output), &expected);
            check(found, &sums[..parts * channels]);
        }
    }
}

#[test]
fn repeated_rows_count_as_often_as_they_stand_for() {
    let (rows, channels) = (75, 64);
    let [gradient, values] = [11, 12].map(|seed| numbers(seed, rows * channels));
    let mean = numbers(5, channels);
    for (first, count, times) in [(0, 8, 2), (50, 8, 61), (74, 1, 3), (20, 0, 1)] {
        let repeated = Repeated {
            first,
            rows: count,
            times,
        };
        let [all_gradients, all_values] =
            [&gradient, &values].map(|rows| written_out(rows, channels, repeated));
        for kernels in Kernels::available() {
            let [mut found, mut expected] = [(); 2].map(|()| vec![0.0; 2 * channels]);
            kernels.moments(channels, &values, repeated, &mut found);
            kernels.moments(channels, &all_values, NONE, &mut expected);
            check(found, &expected);
            let sums = |gradient: &[f32], values: &[f32], repeated| {
                let mut sums = vec![0.0; 2 * channels];
                let mut output = vec![0.0; gradient.len()];
                kernels.gate(Gate {
                    channels,
                    gradient,
                    activation: &vec![1.0; gradient.len()],
                    values: (values, &mean),
                    shortcut: None,
                    repeated,
                    output: &mut output,
                    sums: &mut sums,
                });
                assert_eq!(output, gradient, "no gate is closed");
                sums
            };
            check(
                sums(&gradient, &values, repeated),
                &sums(&all_gradients, &all_values, NONE),
            );
        }
    }
}

#[test]
fn norm_gradients_come_as_rows_and_as_panels() {
    let (rows, channels) = (7, 96);
    let [gradient, values] = [15, 16].map(|seed| numbers(seed, rows * channels));
    let [mean, scale, slope, offset] = [1, 2, 3, 4].map(|seed| numbers(seed, channels));
    let expected: Vec<f64> = (0..rows * channels)
        .map(|place| {
            let of = |list: &[f32]| f64::from(list[place % channels]);
            f64::from(gradient[place]) * of(&scale)
                + (f64::from(values[place]) - of(&mean)) * of(&slope)
                + of(&offset)
        })
        .collect();
    for kernels in Kernels::available() {
        let [mut as_rows, mut as_panels] = [(); 2].map(|()| vec![f32::NAN; rows * channels]);
        kernels.norm_gradient(NormGradient {
            channels,
            gradient: &gradient,
            values: &values,
            mean: &mean,
            scale: &scale,
            slope: &slope,
            offset: &offset,
            rows: &mut as_rows,
            panels: &mut as_panels,
        });
        check(wide(&as_rows), &expected);
        check(from_panels(&as_panels, rows, channels), &expected);
    }
}

#[test]
fn levels_are_found_by_name() {
    assert_eq!("portable".parse::<Kernels>().unwrap(), Kernels::Portable);
    for kernels in Kernels::available() {
        assert_eq!(kernels.to_string().parse::<Kernels>().unwrap(), kernels);
    }
    let error = "avx9".parse::<Kernels>().unwrap_err().to_string();
    assert!(error.starts_with("no kernels `avx9` on this processor; there are portable"));
}
