//! Convolutions on three packets and an LSTM over them, without Burn.

use super::dense::Dense;
use crate::{
    forward::cnn_lstm::{CHANNELS, CODE, FLAT, STATE, WINDOW},
    input::PICTURE,
    kernels::{Kernels, Product},
    layout::{Layout, Values},
};

/// The layers, their weights ready to multiply by.
#[derive(Debug)]
pub(super) struct CnnLstm {
    convolutions: [Dense; 2],
    code: Dense,
    input: Dense,
    state: Dense,
    answer: Dense,
}

impl CnnLstm {
    /// The network of these values.
    pub(super) fn new(layout: &Layout, values: &Values) -> Self {
        let of = |name: &str| layout.values_of(name, values);
        // PyTorch has positions innermost, our rows have the channels innermost.
        let turned = |name: &str, channels: usize, positions: usize| {
            let weights = of(&format!("{name}.weight"));
            let rows = weights.chunks_exact(channels * positions);
            let turned: Vec<f32> = rows
                .flat_map(|row| {
                    (0..positions)
                        .flat_map(move |place| row[place..].iter().step_by(positions).copied())
                })
                .collect();
            Dense::linear(&turned, of(&format!("{name}.bias")))
        };
        let window = WINDOW * WINDOW;
        Self {
            convolutions: [
                turned("conv1", 1, window),
                turned("conv2", CHANNELS[0], window),
            ],
            code: turned("fc1", CHANNELS[1], FLAT / CHANNELS[1]),
            input: Dense::linear(of("lstm.weight_ih_l0"), of("lstm.bias_ih_l0")),
            state: Dense::linear(of("lstm.weight_hh_l0"), of("lstm.bias_hh_l0")),
            answer: Dense::linear(of("fc2.weight"), of("fc2.bias")),
        }
    }

    /// Logits of packets' slices, zero to one, one after another.
    pub(super) fn apply(&self, kernels: Kernels, packets: &[f32], logits: &mut [f32]) {
        let mut code = vec![0.0; CODE];
        let mut gates = [vec![0.0; 4 * STATE], vec![0.0; 4 * STATE]];
        let (mut state, mut cell) = (vec![0.0; STATE], vec![0.0; STATE]);
        for picture in packets.chunks_exact(PICTURE * PICTURE) {
            let [first, second] = &self.convolutions;
            let values = convolve_and_halve(kernels, first, picture, PICTURE);
            let values = convolve_and_halve(kernels, second, &values, PICTURE / 2);
            self.code.apply(kernels, &values, &mut code, true);
            let [from_input, from_state] = &mut gates;
            self.input.apply(kernels, &code, from_input, false);
            self.state.apply(kernels, &state, from_state, false);
            for (unit, (state, cell)) in state.iter_mut().zip(&mut cell).enumerate() {
                let gate = |number: usize| {
                    let place = number * STATE + unit;
                    from_input[place] + from_state[place]
                };
                let sigmoid = |value: f32| 1.0 / (1.0 + (-value).exp());
                *cell = sigmoid(gate(1)) * *cell + sigmoid(gate(0)) * gate(2).tanh();
                *state = sigmoid(gate(3)) * cell.tanh();
            }
        }
        let mut output = vec![0.0; self.answer.bias.len()];
        self.answer.apply(kernels, &state, &mut output, false);
        logits.copy_from_slice(&output[..logits.len()]);
    }
}

/// A convolution with its rectifier, of a picture `[side, side, channels]`, and of each square of
/// four the largest.
fn convolve_and_halve(kernels: Kernels, dense: &Dense, picture: &[f32], side: usize) -> Vec<f32> {
    let channels = picture.len() / (side * side);
    let mut windows = vec![0.0; side * side * dense.inputs];
    for (place, window) in windows.chunks_exact_mut(dense.inputs).enumerate() {
        let (row, column) = (place / side, place % side);
        for (tap, values) in window.chunks_exact_mut(channels).enumerate() {
            let (from_row, from_column) = (row + tap / WINDOW, column + tap % WINDOW);
            let is_inside = |at: usize| (WINDOW / 2..side + WINDOW / 2).contains(&at);
            if is_inside(from_row) && is_inside(from_column) {
                let at = (from_row - WINDOW / 2) * side + from_column - WINDOW / 2;
                values.copy_from_slice(&picture[at * channels..][..channels]);
            }
        }
    }
    let outputs = dense.bias.len();
    let mut convolved = vec![0.0; side * side * outputs];
    kernels.multiply(Product {
        rows: side * side,
        depth: dense.inputs,
        columns: outputs,
        input: &windows,
        row_stride: dense.inputs,
        weights: &dense.weights,
        bias: Some(&dense.bias),
        output: &mut convolved,
        output_stride: outputs,
        accumulate: false,
        rectify: true,
    });
    let half = side / 2;
    let mut largest = vec![0.0_f32; half * half * outputs];
    for (place, values) in convolved.chunks_exact(outputs).enumerate() {
        let at = place / side / 2 * half + place % side / 2;
        for (most, &value) in largest[at * outputs..][..outputs].iter_mut().zip(values) {
            *most = most.max(value);
        }
    }
    largest
}
