//! Model files from outside: what is refused, and how it is said.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::collections::BTreeMap;

use network::{
    architecture::{Architecture, Shape},
    engine::Activations,
    precision::{Arithmetic, Precision},
    trainer::{Trainer, TrainerOptions},
    weights::Weights,
};
use undertone_learn::{
    calibration::Calibration,
    dataset::{Manifest, manifest::Cutting},
    drift::{Distribution, Quantity},
    model::{
        Contract, Model, ModelError,
        card::{Card, TrainedOn},
    },
    quantisation::Int8Score,
    recipe::Recipe,
    rejection::{Rejection, Rule, distance::Distance},
};

const SHAPE: Shape = Shape {
    architecture: Architecture::Gru,
    slice_length: 32,
    classes: 2,
    packets: 0,
};

fn contract() -> Contract {
    Contract {
        shape: SHAPE,
        classes: vec!["Chat".to_owned(), "VPN-Chat".to_owned()],
        policy: "ip".to_owned(),
        cutting: Cutting::default(),
        calibration: Calibration {
            temperature: 1.5,
            threshold: 0.6,
        },
        rejection: None,
    }
}

fn card() -> Card {
    Card {
        name: "toy".to_owned(),
        trained_on: TrainedOn::from(&Manifest::new("toy", Vec::new(), "ip", 32)),
        recipe: Recipe::built_in("quick").unwrap(),
        epoch: 2,
        scores: Vec::new(),
        int8: None,
        reference: Vec::new(),
        reference_of: None,
        limits: vec!["it is a toy".to_owned()],
        notes: String::new(),
        licence: "MIT".to_owned(),
    }
}

fn weights(shape: Shape) -> Weights {
    let options = TrainerOptions {
        shape,
        seed: 1,
        dropout: 0.0,
        weight_decay: 0.0,
        precision: Precision::Float32,
        threads: 1,
    };
    Trainer::new(options).weights()
}

fn model() -> Model {
    Model::new(contract(), card(), weights(SHAPE)).unwrap()
}

/// A model with the branch that int8 serves.
fn resnet() -> Model {
    let shape = Shape {
        architecture: Architecture::Resnet,
        ..SHAPE
    };
    let contract = Contract {
        shape,
        ..contract()
    };
    Model::new(contract, card(), weights(shape)).unwrap()
}

/// The model's file with a part of its header's metadata replaced.
fn with_metadata(key: &str, change: impl Fn(&str) -> String) -> Vec<u8> {
    let (weights, mut metadata) = Weights::from_safetensors(&model().to_bytes()).unwrap();
    let value = change(&metadata[key]);
    metadata.insert(key.to_owned(), value);
    weights.to_safetensors(&metadata)
}

#[track_caller]
fn check_refused(bytes: &[u8], expected: &str) {
    let error = Model::from_bytes(bytes).unwrap_err().to_string();
    assert_eq!(error, expected);
}

#[test]
fn a_model_reads_back_as_it_was_written() {
    let model = model();
    let back = Model::from_bytes(&model.to_bytes()).unwrap();
    assert_eq!(back.contract(), model.contract());
    assert_eq!(back.card(), model.card());
    assert_eq!(back.hash(), model.hash());
    assert_eq!(back.to_bytes(), model.to_bytes());
}

#[test]
fn another_card_changes_the_file_but_not_the_weights() {
    let other = model().with_card(Card {
        name: "other".to_owned(),
        ..card()
    });
    assert_ne!(other.hash(), model().hash());
    assert_eq!(other.weights_hash(), model().weights_hash());
}

#[test]
fn a_card_with_a_damaged_reference_is_refused() {
    let damaged = Distribution {
        of: Quantity::Bytes,
        edges: vec![2.0, 1.0],
        counts: vec![1, 1, 1],
    };
    let model = model().with_card(Card {
        reference: vec![damaged],
        ..card()
    });
    check_refused(
        &model.to_bytes(),
        "damaged model: its card's reference for bytes has 2 edges, rising: false, and 3 bins",
    );
}

#[test]
fn ranges_for_int8_change_the_file_but_not_the_weights() {
    let model = resnet();
    let shape = model.contract().shape;
    let ranges = Activations::new(shape).unwrap().ranges(1.0);
    let score = Int8Score {
        share: 1.0,
        samples: 4,
        accuracy_float32: 0.75,
        accuracy_int8: 0.5,
        changed: 1,
        of: None,
    };
    let other = model
        .clone()
        .with_ranges(&ranges, Some(score.clone()))
        .unwrap();
    assert_ne!(other.hash(), model.hash());
    assert_eq!(other.weights_hash(), model.weights_hash());
    assert_eq!(other.parameters(), model.parameters());
    let back = Model::from_bytes(&other.to_bytes()).unwrap();
    assert_eq!(back.card().int8, Some(score));
    assert_eq!(back.engine().arithmetic(), Arithmetic::Float32);
    let back = back.with_arithmetic(Arithmetic::Int8).unwrap();
    assert_eq!(back.engine().arithmetic(), Arithmetic::Int8);
    assert_eq!(back.hash(), other.hash());
}

#[test]
fn int8_is_refused_without_ranges() {
    let error = resnet().with_arithmetic(Arithmetic::Int8).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("the model has no ranges for int8"),
        "{error}"
    );
}

#[test]
fn a_model_cut_short_anywhere_is_an_error() {
    let bytes = model().to_bytes();
    for length in (0..bytes.len()).step_by(97) {
        assert!(
            Model::from_bytes(&bytes[..length]).is_err(),
            "cut to {length}"
        );
    }
}

#[test]
fn a_header_of_an_absurd_length_is_an_error() {
    let mut bytes = model().to_bytes();
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert!(Model::from_bytes(&bytes).is_err());
}

#[test]
fn another_programs_file_is_told_apart_from_a_damaged_one() {
    check_refused(
        &weights(SHAPE).to_safetensors(&BTreeMap::new()),
        "not a model of undertone: its header has no `undertone.schema`",
    );
}

#[test]
fn a_newer_schema_is_refused() {
    check_refused(
        &with_metadata("undertone.schema", |_| "2".to_owned()),
        "the model has schema 2, this program reads schema 1",
    );
}

#[test]
fn values_that_make_no_sense_are_refused() {
    let with_contract = |from: &'static str, to: &'static str| {
        with_metadata("undertone.contract", move |text| {
            assert!(text.contains(from), "{text}");
            text.replace(from, to)
        })
    };
    check_refused(
        &with_contract("[\"Chat\",\"VPN-Chat\"]", "[\"Chat\"]"),
        "damaged model: it names 1 classes and has 2 outputs",
    );
    check_refused(
        &with_contract("\"temperature\":1.5", "\"temperature\":0.0"),
        "damaged model: its temperature is 0",
    );
    for length in ["0", "65536", "99999999999"] {
        let bytes = with_metadata("undertone.contract", |text| {
            text.replace("\"slice_length\":32", &format!("\"slice_length\":{length}"))
        });
        check_refused(
            &bytes,
            &format!(
                "damaged model: no network has slices of {length} bytes and 2 classes; it takes 1 \
                 to 65535 bytes and at least 2 classes"
            ),
        );
    }
    assert!(
        Model::from_bytes(&with_contract("\"slice_length\":32", "\"slice_length\":33")).is_err()
    );
    assert!(Model::from_bytes(&with_contract("\"policy\":\"ip\"", "\"policy\":\"IP\"")).is_err());
}

#[test]
fn slices_of_another_policy_are_refused() {
    assert!(model().check_slices("ip", 32).is_ok());
    let error = model().check_slices("paper", 32).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the model is for slices of policy `ip` and 32 bytes, these have policy `paper` and 32 bytes"
    );
    assert!(matches!(
        model().check_slices("ip", 784),
        Err(ModelError::OtherPolicy { .. })
    ));
}

#[test]
fn classes_in_another_order_are_refused() {
    let classes = ["VPN-Chat".to_owned(), "Chat".to_owned()];
    assert!(matches!(
        model().check_classes(&classes),
        Err(ModelError::OtherClasses { .. })
    ));
}

#[test]
fn a_rule_that_lacks_what_it_needs_is_refused() {
    let rejection = Rejection {
        rule: Rule::Distance,
        threshold: -3.0,
        false_unknowns: 0.05,
        chosen_by: Vec::new(),
    };
    let refused = model().with_rejection(rejection.clone(), None).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "damaged model: it rejects by distance and holds none to any class"
    );
    let features: Vec<f32> = (0..256_u16)
        .map(|place| f32::from(place * 37 % 101))
        .collect();
    let distance = Distance::fit(&features, &[0, 0, 1, 1], 2).unwrap();
    let fitted = model().with_rejection(rejection, Some(distance)).unwrap();
    let back = Model::from_bytes(&fitted.to_bytes()).unwrap();
    assert_eq!(back.to_bytes(), fitted.to_bytes());
    assert_eq!(back.rejection_rule(), (Rule::Distance, -3.0));
    assert_eq!(back.weights_hash(), model().weights_hash());
}
