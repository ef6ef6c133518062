//! `prepare`: from captures to a dataset.

mod refusals;

use std::{collections::HashMap, ffi::OsString, fs, net::IpAddr};

use learn::dataset::{Dataset, Split};

use crate::{Outcome, captures::Folder, undertone};

/// Runs `prepare` on the folder's `data` with these options, into its `out`.
fn prepare(folder: &Folder, options: &[&str]) -> Outcome {
    prepare_from(folder, "data", options)
}

fn prepare_from(folder: &Folder, data: &str, options: &[&str]) -> Outcome {
    let mut arguments: Vec<OsString> = vec!["prepare".into(), folder.path(data).into()];
    arguments.extend(["--out".into(), folder.path("out").into()]);
    arguments.extend(["--format", "json"].map(OsString::from));
    arguments.extend(options.iter().map(OsString::from));
    undertone(arguments)
}

/// The one place that looks at failures: what is said, and that nothing is left behind.
#[track_caller]
fn refused(folder: &Folder, options: &[&str], expected: &str) {
    let before = folder.entries("");
    let outcome = prepare(folder, options);
    assert_eq!(outcome.failure(folder), expected);
    assert_eq!(folder.entries(""), before);
}

#[test]
fn a_folder_for_each_class_becomes_a_dataset() {
    let folder = Folder::two_classes();
    let manifest = prepare(&folder, &[]).manifest();
    assert_eq!(manifest["classes"], serde_json::json!(["Chat", "Email"]));
    assert_eq!(manifest["tally"]["samples"], 40);
    assert_eq!(manifest["policy"], "paper");
    assert_eq!(manifest["captures"][1]["file"], "Chat/b.pcap");
    assert_eq!(folder.entries("out"), ["manifest.json", "samples.parquet"]);
    assert_eq!(folder.entries(""), ["data", "out"]);
}

#[test]
fn the_dataset_reads_back_as_it_was_cut() {
    let folder = Folder::two_classes();
    prepare(&folder, &["--policy", "ip"]).success();
    let dataset = Dataset::open(&folder.path("out")).unwrap();
    let counts = Split::ALL.map(|split| dataset.split(split).samples.labels.len());
    assert_eq!(counts, [32, 4, 4]);
    assert_eq!(dataset.manifest.policy, "ip");
    let train = dataset.rows(Split::Train);
    assert_eq!(train.samples.slices.len(), 32 * 784);
    assert_eq!(dataset.training_set().train, train.samples);
    let origin = &train.origins[0];
    assert_eq!(origin.five_tuple.destination.to_string(), "10.0.0.2:443");
    // 3 packets of the handshake, 2 with payload, 3 of the end.
    assert_eq!((origin.packets, origin.group.as_str()), (8, "Chat/a.pcap"));
    // From the IP header on: version 4, header of 5 words.
    assert_eq!(train.samples.slices[0], 0x45);
}

#[test]
fn the_same_captures_give_the_same_bytes_on_any_number_of_threads() {
    let folder = Folder::two_classes();
    prepare(&folder, &["--threads", "1", "--seed", "7"]).success();
    let read = |name| fs::read(folder.path("out").join(name)).unwrap();
    let first = ["manifest.json", "samples.parquet"].map(read);
    prepare(&folder, &["--threads", "4", "--seed", "7", "--force"]).success();
    assert!(first == ["manifest.json", "samples.parquet"].map(read));
}

#[test]
fn another_seed_draws_other_samples() {
    let folder = Folder::two_classes();
    let sum = |options: &[&str]| prepare(&folder, options).manifest()["samples_sha256"].clone();
    assert_ne!(sum(&["--seed", "7"]), sum(&["--seed", "8", "--force"]));
}

#[test]
fn labels_come_from_names() {
    let folder = Folder::new();
    for (name, seed) in [
        ("chat.g1.train", 1),
        ("chat.g2.t10k", 2),
        ("mail.g1.train", 3),
        ("mail.g2.t10k", 4),
    ] {
        folder.capture(&format!("data/{name}.pcap"), seed, 5);
    }
    let pattern = r"^(?<class>\w+)\.g(?<group>\d+)\.(?<split>\w+)\.pcap$";
    let manifest = prepare(&folder, &["--label-pattern", pattern]).manifest();
    assert_eq!(manifest["classes"], serde_json::json!(["chat", "mail"]));
    assert_eq!(manifest["split"]["rule"], "given");
    // Validation is one of nine parts of train: of 5 samples, 1.
    let chat = serde_json::json!({"class": "chat", "train": 4, "validation": 1, "test": 5, "background": 0});
    assert_eq!(manifest["split"]["classes"][0], chat);
    assert_eq!(manifest["captures"][0]["group"], "1");
}

#[test]
fn labels_come_from_a_table() {
    let folder = Folder::new();
    folder
        .capture("data/x.pcap", 1, 5)
        .capture("data/y.pcap", 2, 5)
        .file("labels.tsv", b"x.pcap\tChat\ny.pcap\tEmail\n");
    let table = folder.path("labels.tsv").into_os_string();
    let manifest = prepare(&folder, &["--labels", table.to_str().unwrap()]).manifest();
    assert_eq!(manifest["classes"], serde_json::json!(["Chat", "Email"]));
    assert_eq!(manifest["labels"]["file"], "labels.tsv");
}

#[test]
fn labels_come_from_a_registry() {
    let folder = Folder::new();
    folder
        .capture("data/AIMchat1.pcapng", 1, 5)
        .capture("data/gmailchat1.pcapng", 2, 5)
        .capture("data/torGoogle.pcap", 3, 5);
    let options = ["--registry", "iscx-vpn-nonvpn-2016"];
    let manifest = prepare(&folder, &options).manifest();
    assert_eq!(manifest["classes"], serde_json::json!(["Chat", "Email"]));
    assert_eq!(manifest["set_aside"][0]["file"], "torGoogle.pcap");
    // The university publishes no checksums of captures.
    assert_eq!(manifest["published_files"]["unknown"], 2);
    let other = [&options[..], &["--disputed", "other-class", "--force"]].concat();
    let manifest = prepare(&folder, &other).manifest();
    assert_eq!(manifest["classes"], serde_json::json!(["Chat"]));
}

#[test]
fn a_label_map_of_the_registry_merges_classes_and_is_on_record() {
    let folder = Folder::new();
    folder
        .capture("data/AIMchat1.pcapng", 1, 5)
        .capture("data/vpn_aim_chat1a.pcap", 2, 5)
        .capture("data/email1a.pcap", 3, 5);
    let options = ["--registry", "iscx-vpn-2016", "--map"];
    let with = |map| prepare(&folder, &[&options[..], &[map, "--force"]].concat());
    let manifest = with("6").manifest();
    assert_eq!(manifest["classes"], serde_json::json!(["Chat", "Email"]));
    assert_eq!(manifest["labels"]["map"], "6");
    let manifest = with("2").manifest();
    assert_eq!(manifest["classes"], serde_json::json!(["NonVPN", "VPN"]));
    let manifest = with("6-vpn").manifest();
    assert_eq!(manifest["classes"], serde_json::json!(["VPN-Chat"]));
    assert_eq!(
        manifest["set_aside"][0]["reason"],
        "map `6-vpn` leaves `Chat` out"
    );
    assert_eq!(
        with("7").failure(&folder),
        "error: `iscx-vpn-nonvpn-2016` has no label map `7`, only 12, 6, 6-nonvpn, 6-vpn, 2"
    );
}

#[test]
fn files_in_folders_that_are_no_captures_are_counted() {
    let folder = Folder::two_classes();
    folder.file("data/Chat/notes.txt", b"made on a Monday");
    let manifest = prepare(&folder, &[]).manifest();
    let expected = serde_json::json!([{"file": "notes.txt", "reason": "no capture"}]);
    assert_eq!(manifest["set_aside"], expected);
}

#[test]
fn duplicates_and_empty_sessions_go_and_are_counted() {
    let folder = Folder::two_classes();
    // The same sessions again, under another name.
    folder.capture("data/Chat/again.pcap", 1, 10);
    let manifest = prepare(&folder, &[]).manifest();
    assert_eq!(manifest["tally"]["sessions"], 50);
    assert_eq!(manifest["tally"]["duplicates"], 10);
    let manifest = prepare(&folder, &["--duplicates", "keep", "--force"]).manifest();
    assert_eq!(manifest["tally"]["samples"], 50);
    assert_eq!(manifest["tally"]["duplicates_kept"], 10);
}

#[test]
fn packets_get_slices_of_their_own_on_request() {
    let folder = Folder::two_classes();
    let manifest = prepare(&folder, &["--packet-slices", "3"]).manifest();
    assert_eq!(manifest["cutting"]["packet_slices"], 3);
    Dataset::open(&folder.path("out")).unwrap();
}

#[test]
fn each_packet_can_be_a_sample() {
    let folder = Folder::two_classes();
    // 10 sessions of 8 packets in each of 4 captures; 6 of each 8 carry nothing.
    let options = ["--unit", "packet", "--duplicates", "keep"];
    let manifest = prepare(&folder, &options).manifest();
    assert_eq!(manifest["tally"]["sessions"], 320);
    assert_eq!(manifest["tally"]["empty"], 240);
}

/// Addresses of the clients and servers in a dataset, a pair a sample, and its samples' slices.
fn addresses(folder: &Folder) -> (Vec<[IpAddr; 2]>, Vec<u8>) {
    let dataset = Dataset::open(&folder.path("out")).unwrap();
    let (mut addresses, mut slices) = (Vec::new(), Vec::new());
    for split in Split::ALL {
        let rows = dataset.rows(split);
        let tuples = rows.origins.iter().map(|origin| origin.five_tuple);
        addresses.extend(tuples.map(|tuple| [tuple.source.ip(), tuple.destination.ip()]));
        slices.extend(rows.samples.slices);
    }
    (addresses, slices)
}

#[test]
fn addresses_can_be_stored_as_digests_that_stay_equal() {
    let folder = Folder::two_classes();
    folder.file("key", &[7; 32]);
    let manifest = prepare(&folder, &["--policy", "ip"]).manifest();
    assert_eq!(manifest["addresses"], serde_json::json!({"form": "clear"}));
    let (clear, slices) = addresses(&folder);
    let key = folder.path("key").display().to_string();
    let options = ["--policy", "ip", "--force", "--anonymise", &key];
    let manifest = prepare(&folder, &options).manifest();
    assert_eq!(manifest["addresses"]["form"], "hmac-sha256");
    let (hidden, same_slices) = addresses(&folder);
    assert_eq!(slices, same_slices);
    // One digest an address, wherever it stands, and none of them an address of before.
    let pairs = || clear.iter().flatten().zip(hidden.iter().flatten());
    let digests: HashMap<IpAddr, IpAddr> =
        pairs().map(|(&clear, &hidden)| (clear, hidden)).collect();
    assert_eq!(digests.len(), 5, "a client a capture and one server");
    assert!(pairs().all(|(clear, hidden)| digests[clear] == *hidden));
    assert!(digests.values().all(|hidden| !digests.contains_key(hidden)));
    // Neither do the files tell it in other places.
    let manifest = fs::read_to_string(folder.path("out/manifest.json")).unwrap();
    assert!(!manifest.contains("10.0."), "{manifest}");
}

#[test]
fn addresses_that_slices_would_show_are_not_called_hidden() {
    let folder = Folder::two_classes();
    folder.file("key", &[7; 32]);
    let key = folder.path("key").display().to_string();
    refused(
        &folder,
        &["--policy", "paper", "--anonymise", &key],
        "error: slices of policy `paper` show ip-checksum+transport-checksum, from which addresses \
         can be told; choose policy `ip`, `strict` or `payload`, or add \
         `,zero=ip-checksum+transport-checksum`",
    );
    let nowhere = folder.path("nowhere").display().to_string();
    refused(
        &folder,
        &["--policy", "ip", "--anonymise", &nowhere],
        "error: cannot read key `nowhere`: No such file or directory (os error 2)",
    );
}

#[test]
fn whole_captures_are_held_out() {
    let folder = Folder::two_classes();
    let manifest = prepare(&folder, &["--split", "capture"]).manifest();
    for class in 0..2 {
        let counts = &manifest["split"]["classes"][class];
        assert_eq!(
            (&counts["train"], &counts["test"]),
            (&10.into(), &10.into())
        );
    }
}
