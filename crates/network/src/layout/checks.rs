//! Parameters counted as the papers count them; values drawn, named and found again.

use super::*;
use crate::architecture::Architecture;

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
