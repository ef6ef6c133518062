//! Training from outside: small runs, and the files they leave.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod fit;
mod learner;
mod resume;

use std::{path::Path, sync::atomic::AtomicBool};

use traffic::{
    link::LinkType,
    packet::{FiveTuple, Protocol},
    timestamp::Timestamp,
};
use undertone_learn::{
    dataset::{Dataset, LabelledSlices, Manifest, Origin, Rows, manifest::ClassCounts},
    recipe::Recipe,
    run::{DatasetReference, Run, Start},
    training::{MissingClasses, Outcome, Progress, Training, TrainingError, train},
};

const LENGTH: usize = 48;

/// Samples of three classes whose first bytes differ, with a little noise that differs by sample.
fn rows(samples: u32, salt: u32) -> Rows {
    let mut slices = Vec::new();
    let mut labels = Vec::new();
    let mut origins = Vec::new();
    for sample in 0..samples {
        let label = sample % 3;
        for place in 0..LENGTH as u32 {
            let noise = (sample * 31 + place * 17 + salt * 7) % 23;
            let signal = if place % 3 == label { 200 } else { 20 };
            slices.push((signal + noise) as u8);
        }
        labels.push(label);
        origins.push(Origin {
            capture: 0,
            row: None,
            group: format!("G{}", sample % 4),
            five_tuple: FiveTuple {
                protocol: Protocol::Tcp,
                source: ([10, 0, 0, 1], 1024 + (salt * 1000 + sample) as u16).into(),
                destination: ([10, 0, 0, 2], 443).into(),
            },
            link_type: LinkType(1),
            start: Timestamp::from_nanoseconds(i64::from(sample)),
            packets: 3,
            bytes: 300,
            background: None,
            has_preamble: false,
        });
    }
    Rows {
        samples: LabelledSlices {
            slice_length: LENGTH,
            slices,
            labels,
            ..LabelledSlices::default()
        },
        origins,
    }
}

fn dataset() -> Dataset {
    let classes: Vec<String> = ["Chat", "Email", "VoIP"].map(str::to_owned).to_vec();
    let mut manifest = Manifest::new("toy", classes.clone(), "paper", LENGTH);
    manifest.samples_sha256 = "00ff".repeat(16);
    manifest.split.classes = classes
        .iter()
        .map(|class| ClassCounts {
            class: class.clone(),
            train: 14,
            validation: 5,
            test: 5,
            background: 0,
        })
        .collect();
    Dataset::from_rows(manifest, [rows(42, 0), rows(15, 1), rows(15, 2)])
}

fn recipe() -> Recipe {
    Recipe::parse(
        "schema = 1\nnetwork = \"gru\"\nepochs = 4\nbatch_size = 8\nlearning_rate = 0.01\n\
         schedule = \"cosine\"\nwarm_up_epochs = 1\ndropout = 0.25\nclass_weights = \"sqrt\"\nseed = 3\n",
    )
    .unwrap()
}

fn training(folder: &Path, start: Start, dataset: &Dataset) -> Training {
    Training {
        recipe: recipe(),
        run: Run::at(folder),
        start,
        dataset: DatasetReference::new(dataset, Path::new("toy")),
        missing_classes: MissingClasses::Refuse,
        threads: 1,
    }
}

/// Says nothing, stops nothing.
struct Silent;

impl Progress for Silent {}

fn never() -> AtomicBool {
    AtomicBool::new(false)
}

/// Trains to the end.
fn fit(training: &Training, dataset: &Dataset) -> Result<Outcome, TrainingError> {
    train(training, dataset, &mut Silent, &never())
}
