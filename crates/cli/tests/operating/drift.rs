//! Drift from the samples that a model was validated on, as `live` tells it.

use std::{fs, path::Path};

use traffic::{link::LinkType, synth};

use crate::{
    metrics::{Service, value},
    output_of, root,
};

/// A model whose card has a reference: of the captures by class, after one epoch.
fn model(folder: &Path) -> String {
    let captures = root().join("samples/by-class");
    let [dataset, run] = ["dataset", "run"].map(|name| folder.join(name).display().to_string());
    let captures = captures.to_str().unwrap();
    output_of(&["prepare", captures, "--policy", "ip", "--out", &dataset]);
    let network = ["--network", "gru", "--epochs", "1", "--quiet"];
    output_of(&[&["train", &dataset, "--out", &run], &network[..]].concat());
    format!("{run}/model.safetensors")
}

/// Sessions of one packet each, a minute and more apart.
fn strange_capture(sessions: u16) -> Vec<u8> {
    let records: Vec<_> = (0..sessions)
        .map(|number| {
            let client = ([10, 0, 0, 1], 40_000 + number).into();
            let server = ([10, 0, 0, 2], 4_433).into();
            let segment = synth::udp(client, server, &[1; 8]);
            let packet = synth::ip(
                client.ip(),
                server.ip(),
                traffic::packet::Protocol::Udp,
                &segment,
            );
            let nanoseconds = i64::from(number) * 100_000_000_000;
            synth::record(nanoseconds, synth::ethernet(&packet))
        })
        .collect();
    synth::pcap(LinkType::ETHERNET, &records)
}

#[test]
fn sessions_unlike_the_validation_samples_are_warned_of_once_for_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let model = model(folder.path());
    let card = output_of(&["model", "show", &model]);
    let card = String::from_utf8(card.stdout).unwrap();
    assert!(card.contains("drift       measured by 1"), "{card}");
    let options = ["--model", &model, "--drift-sessions", "40", "--quiet"];
    let mut service = Service::start(folder.path(), &options);
    service.feed(&strange_capture(100));
    // The last two are still open: a time far ahead has to be confirmed.
    let page = service.metrics_with("undertone_confidence_count", 98.0);
    assert_eq!(value(&page, "undertone_drift_reference"), Some(1.0));
    let index = value(&page, "undertone_drift_psi{of=\"packets\"}").unwrap();
    assert!(index > 1.0, "{page}");
    let (output, talk) = service.end();
    assert_eq!(output.status.code(), Some(0), "{talk}");
    // At the 40th session and at the 80th.
    assert_eq!(talk.matches("warning: ").count(), 2, "{talk}");
    assert!(talk.contains("packets "), "{talk}");
}

#[test]
fn export_gives_a_card_without_reference_one_and_changes_no_weight() {
    let folder = tempfile::tempdir().unwrap();
    let with = model(folder.path());
    let bytes = fs::read(&with).unwrap();
    let dataset = folder.path().join("dataset").display().to_string();
    let run = folder.path().join("run").display().to_string();
    let out = folder.path().join("out.safetensors").display().to_string();
    output_of(&[
        "model",
        "export",
        &run,
        "--dataset",
        &dataset,
        "--out",
        &out,
    ]);
    // Measured again on the same samples: the very same file.
    assert_eq!(fs::read(&out).unwrap(), bytes);
}
