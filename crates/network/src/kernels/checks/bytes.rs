//! Products of bytes held against plain loops: the same bits at every level.

use super::{Kernels, PANEL, numbers};
use crate::kernels::{Addend, ByteProduct, Output, QUAD};

/// What is added, and what becomes of it.
#[derive(Debug, Clone, Copy)]
enum Kind {
    BytesAlone,
    FloatsAlone,
    BytesAndBytes,
    BytesAndFloats,
    RectifiedAndFloats,
}

const KINDS: [Kind; 5] = [
    Kind::BytesAlone,
    Kind::FloatsAlone,
    Kind::BytesAndBytes,
    Kind::BytesAndFloats,
    Kind::RectifiedAndFloats,
];

/// Times of an added byte.
const TIMES: f32 = 0.375;

/// Numbers as bytes, from all to all.
fn bytes(seed: u32, count: usize) -> Vec<u8> {
    let numbers = numbers(seed, count).into_iter();
    numbers
        .map(|number| ((number + 1.0) * 128.0) as u8)
        .collect()
}

/// A product by the definition: sums in int64, every step of float32 rounded by itself.
fn expected(kind: Kind, product: &ByteProduct<'_>, bytes: &[u8], floats: &[f32]) -> Vec<f32> {
    let ByteProduct {
        rows,
        depth,
        columns,
        input,
        row_stride,
        weights,
        scale,
        shift,
        ..
    } = *product;
    let mut values = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let weight = |k: usize| {
                let quad = (column / PANEL * (depth / QUAD) + k / QUAD) * PANEL + column % PANEL;
                weights[quad * QUAD + k % QUAD]
            };
            let sum: i64 = (0..depth)
                .map(|k| i64::from(input[row * row_stride + k]) * i64::from(weight(k)))
                .sum();
            let place = row * columns + column;
            let mut value = sum as f32 * scale[column];
            value += shift[column];
            match kind {
                Kind::BytesAndBytes => value += f32::from(bytes[place]) * TIMES,
                Kind::BytesAndFloats | Kind::RectifiedAndFloats => value += floats[place],
                Kind::BytesAlone | Kind::FloatsAlone => {}
            }
            values.push(match kind {
                Kind::FloatsAlone => value,
                Kind::RectifiedAndFloats => value.max(0.0),
                _ => value.clamp(0.0, 255.0).round_ties_even(),
            });
        }
    }
    values
}

/// A product of this shape, of every kind, at every level.
#[track_caller]
fn check(rows: usize, depth: usize, columns: usize, row_stride: usize) {
    let mut input = bytes(1, (rows - 1) * row_stride + depth);
    let mut weights: Vec<i8> = bytes(2, depth * columns)
        .into_iter()
        .map(|byte| byte.cast_signed().max(-127))
        .collect();
    // The largest products, which do not fit in 16 bits when two are added up.
    input[..depth].fill(255);
    for column in 0..4 {
        for step in 0..depth / QUAD {
            let place = (step * PANEL + column) * QUAD;
            weights[place..][..QUAD].fill(if column % 2 == 0 { 127 } else { -127 });
        }
    }
    // Of the size that makes outputs bytes, and in steps that give ties.
    let size = 1.0 / (64.0 * (depth as f32));
    let scale: Vec<f32> = numbers(3, columns).iter().map(|n| n.abs() * size).collect();
    let shift: Vec<f32> = numbers(4, columns)
        .iter()
        .map(|n| (n * 64.0).round() / 2.0)
        .collect();
    let added_bytes = bytes(5, rows * columns);
    let floats: Vec<f32> = numbers(6, rows * columns)
        .iter()
        .map(|n| n * 99.0)
        .collect();
    for kind in KINDS {
        for kernels in Kernels::available() {
            let (mut to_bytes, mut to_floats) =
                (vec![7; rows * columns], vec![f32::NAN; rows * columns]);
            let product = ByteProduct {
                rows,
                depth,
                columns,
                input: &input,
                row_stride,
                weights: &weights,
                scale: &scale,
                shift: &shift,
                addend: match kind {
                    Kind::BytesAlone | Kind::FloatsAlone => Addend::None,
                    Kind::BytesAndBytes => Addend::Bytes(&added_bytes, TIMES),
                    Kind::BytesAndFloats | Kind::RectifiedAndFloats => Addend::Floats(&floats),
                },
                output: match kind {
                    Kind::FloatsAlone => Output::Floats(&mut to_floats),
                    Kind::RectifiedAndFloats => Output::Rectified(&mut to_floats),
                    _ => Output::Bytes(&mut to_bytes),
                },
            };
            let expected = expected(kind, &product, &added_bytes, &floats);
            kernels.multiply_bytes(product);
            let found = match kind {
                Kind::FloatsAlone | Kind::RectifiedAndFloats => to_floats,
                _ => to_bytes.iter().copied().map(f32::from).collect(),
            };
            assert!(
                found == expected,
                "{kernels}, {kind:?}, {rows} rows of {depth}"
            );
        }
    }
}

#[test]
fn products_of_bytes_are_the_same_bits_at_every_level() {
    check(1, 4, 32, 4);
    check(3, 12, 32, 1);
    check(29, 96, 32, 32);
    check(15, 96, 64, 64);
    check(14, 192, 64, 64);
    check(5, 32, 64, 64);
    check(17, 384, 128, 128);
    check(6, 768, 256, 256);
    check(2, 256, 64, 300);
}
