//! `import idx`: rows that are heads of pcap files become a dataset.

use std::ffi::OsString;

use learn::dataset::{Dataset, Split};
use traffic::{
    link::LinkType,
    synth::{self, Conversation},
};

use crate::{Outcome, captures::Folder, undertone};

/// Bytes of a row.
const ROW: usize = 784;

/// An IDX file of images; each row is the head of a big-endian pcap of one session.
fn images(seeds: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 8, 3];
    for length in [seeds.len() as u32, 28, 28] {
        bytes.extend(length.to_be_bytes());
    }
    for &seed in seeds {
        let conversation = Conversation {
            client: ([10, 0, seed, 1], 40_000).into(),
            payloads: vec![(traffic::packet::Direction::Forward, vec![seed; 60])],
            ..Conversation::default()
        };
        let format = synth::Format {
            big_endian: true,
            ..synth::Format::default()
        };
        let mut row = synth::pcap_as(format, LinkType::ETHERNET, &conversation.frames());
        row.resize(ROW, 0);
        bytes.extend(row);
    }
    bytes
}

fn labels(labels: &[u8]) -> Vec<u8> {
    let count = (labels.len() as u32).to_be_bytes();
    [&[0, 0, 8, 1], &count[..], labels].concat()
}

/// Train rows of two classes, and test rows of which one is a train row.
fn files() -> Folder {
    let folder = Folder::new();
    folder
        .file("train-images", &images(&[1, 2, 3, 4, 5, 6]))
        .file("train-labels", &labels(&[0, 0, 0, 1, 1, 1]))
        .file("test-images", &images(&[1, 7]))
        .file("test-labels", &labels(&[0, 1]));
    folder
}

/// Imports both halves into `out` and has the manifest printed.
fn import(folder: &Folder, options: &[&str]) -> Outcome {
    import_as("json", folder, options)
}

/// Imports both halves into `out`, with the summary in this form.
fn import_as(format: &str, folder: &Folder, options: &[&str]) -> Outcome {
    let mut arguments: Vec<OsString> = vec!["import".into(), "idx".into()];
    arguments.extend(["train-images", "train-labels"].map(|name| folder.path(name).into()));
    for (option, name) in [
        ("--test-images", "test-images"),
        ("--test-labels", "test-labels"),
        ("--out", "out"),
    ] {
        arguments.extend([option.into(), folder.path(name).into()]);
    }
    arguments.extend(["--format", format, "--classes", "Chat,Email"].map(OsString::from));
    arguments.extend(options.iter().map(OsString::from));
    undertone(arguments)
}

/// The one place that looks at failures: what is said, and that nothing is left behind.
#[track_caller]
fn refused(folder: &Folder, options: &[&str], expected: &str) {
    let before = folder.entries("");
    assert_eq!(import(folder, options).failure(folder), expected);
    assert_eq!(folder.entries(""), before);
}

#[test]
fn rows_keep_the_split_they_come_in() {
    let folder = files();
    let manifest = import(&folder, &[]).manifest();
    assert_eq!(manifest["split"]["rule"], "given");
    let counts = serde_json::json!({"class": "Chat", "train": 2, "validation": 1, "test": 1, "background": 0});
    assert_eq!(manifest["split"]["classes"][0], counts);
    let rows = serde_json::json!({"rows": 6, "cut_off": 0, "broken": 0, "without_session": 0, "with_several_sessions": 0});
    assert_eq!(manifest["captures"][0]["rows"], rows);
}

#[test]
fn a_row_that_breaks_after_a_session_is_counted_and_keeps_it() {
    let folder = files();
    let mut broken = images(&[1, 2, 3, 4, 5, 6]);
    // The first row's padding begins with a record of 4 GB, longer than any frame.
    let first_row = &mut broken[16..16 + ROW];
    let end = first_row.iter().rposition(|&byte| byte != 0).unwrap() + 1;
    assert!(end + 16 < ROW, "there is padding to break");
    first_row[end..end + 16].fill(0xff);
    folder.file("train-images", &broken);
    let manifest = import(&folder, &[]).manifest();
    let rows = &manifest["captures"][0]["rows"];
    assert_eq!(
        (&rows["broken"], &rows["without_session"]),
        (&1.into(), &0.into())
    );
    assert_eq!(manifest["captures"][0]["samples"], 6);
    let told = import_as("text", &folder, &["--force"]);
    let line = "train-images: 6 rows, 1 cut off by their length, 1 broken in their middle, ";
    assert!(told.success().contains(line), "{}", told.out);
}

#[test]
fn a_test_row_that_is_a_train_row_is_counted_and_goes_on_request() {
    let folder = files();
    // Addresses and ports zeroed, seeds differ in the payload only.
    let manifest = import(&folder, &["--policy", "strict"]).manifest();
    assert_eq!(manifest["tally"]["duplicates_across_splits"], 1);
    assert_eq!(manifest["tally"]["samples"], 8);
    folder
        .file("test-images", &images(&[1, 7, 8]))
        .file("test-labels", &labels(&[0, 1, 0]));
    let manifest = import(&folder, &["--duplicates", "remove", "--force"]).manifest();
    assert_eq!(manifest["split"]["classes"][0]["test"], 1);
}

#[test]
fn the_same_files_give_the_same_bytes_on_any_number_of_threads() {
    let folder = files();
    let sum = |options: &[&str]| import(&folder, options).manifest()["samples_sha256"].clone();
    assert_eq!(
        sum(&["--threads", "1"]),
        sum(&["--threads", "4", "--force"])
    );
}

#[test]
fn an_index_gives_the_groups_of_the_capture_rule() {
    let folder = files();
    let mut lines = vec!["split,row,class,capture_group".to_owned()];
    for (row, (class, group)) in (0..).zip([
        ("Chat", 1),
        ("Chat", 1),
        ("Chat", 2),
        ("Email", 1),
        ("Email", 2),
        ("Email", 2),
    ]) {
        lines.push(format!("train,{row},{class},{group}"));
    }
    lines.extend(["test,0,Chat,2", "test,1,Email,1"].map(str::to_owned));
    folder.file("index.csv", lines.join("\n").as_bytes());
    let path = folder.path("index.csv").into_os_string();
    let index = path.to_str().unwrap();
    let manifest = import(&folder, &["--index", index, "--split", "capture"]).manifest();
    // Two groups of two samples a class each: one is train, one is test.
    for class in 0..2 {
        let counts = &manifest["split"]["classes"][class];
        assert_eq!((&counts["train"], &counts["test"]), (&2.into(), &2.into()));
    }
}

#[test]
fn an_index_of_other_files_is_refused() {
    let folder = files();
    folder.file(
        "index.csv",
        b"split,row,class,capture_group\ntrain,0,Email,1\n",
    );
    let path = folder.path("index.csv").into_os_string();
    refused(
        &folder,
        &["--index", path.to_str().unwrap()],
        "error: the index says that row 0 of split `train` is `Email`, its label says `Chat`; the index is of other files, or the classes are in another order",
    );
}

#[test]
fn without_an_index_captures_cannot_be_held_out() {
    let folder = files();
    let outcome = import(
        &folder,
        &["--split", "capture", "--test-images", "/dev/null"],
    );
    assert_eq!(outcome.code, 2);
    // Each file is one group: the two halves are all there is to hold out.
    let manifest = import(&folder, &["--split", "capture"]).manifest();
    assert_eq!(manifest["split"]["classes"][0]["validation"], 0);
}

#[test]
fn labels_of_other_images_are_refused() {
    let folder = files();
    folder.file("train-labels", &labels(&[0, 1]));
    refused(
        &folder,
        &[],
        "error: `train-images` has 6 rows, `train-labels` has 2 labels; they do not belong together",
    );
}

#[test]
fn a_label_without_a_class_is_refused() {
    let folder = files();
    folder.file("test-labels", &labels(&[0, 2]));
    refused(
        &folder,
        &[],
        "error: `test-labels` row 1 has label 2, there are 2 classes; name one for each label",
    );
}

#[test]
fn rows_without_packets_are_refused() {
    let folder = files();
    let mut digits = images(&[7, 7]);
    digits[16 + ROW..].fill(0x80);
    folder.file("test-images", &digits);
    refused(
        &folder,
        &[],
        "error: `test-images` row 1 is no head of a pcap file; take rows as they are with `--raw`",
    );
}

#[test]
fn rows_can_be_taken_as_they_are() {
    let folder = files();
    let manifest = import(&folder, &["--raw"]).manifest();
    assert_eq!(
        (&manifest["policy"], &manifest["slice_length"]),
        (&"raw".into(), &ROW.into())
    );
    let dataset = Dataset::open(&folder.path("out")).unwrap();
    // The magic number of pcap: nothing was taken apart.
    let test = dataset.split(Split::Test);
    assert_eq!(test.samples.slices[..4], [0xa1, 0xb2, 0xc3, 0xd4]);
    assert_eq!(test.origins[0].five_tuple.source.to_string(), "0.0.0.0:0");
}

#[test]
fn images_that_end_early_are_refused() {
    let folder = files();
    folder.file("train-images", &images(&[1, 2, 3, 4, 5, 6])[..4000]);
    refused(
        &folder,
        &[],
        "error: `train-images` announces 6 rows and ends in row 5",
    );
}

#[test]
fn files_that_only_bear_the_names_of_published_ones_are_told() {
    let folder = Folder::new();
    let published = "train-labels-idx1-ubyte.gz";
    folder
        .file("images", &images(&[1, 2, 3, 4, 5, 6]))
        .file(published, &labels(&[0, 0, 0, 6, 6, 6]));
    let mut arguments: Vec<OsString> = vec!["import".into(), "idx".into()];
    arguments.extend(["images", published].map(|name| folder.path(name).into()));
    let rest = "--registry iscx-vpn-2016 --map 2 --allow-untestable --out";
    arguments.extend(rest.split(' ').map(OsString::from));
    arguments.push(folder.path("out").into());
    let told = undertone(arguments);
    let expected = "not the published files of iscx-vpn-nonvpn-2016: train-labels-idx1-ubyte.gz has \
                    another checksum; 0 are as published; of 1 file no published checksum is known";
    assert!(told.success().contains(expected), "{}", told.out);
}

#[test]
fn a_label_map_merges_classes_and_leaves_out_those_it_does_not_have() {
    let folder = Folder::new();
    // Of the twelve classes: Chat, and the six inside of a tunnel.
    folder
        .file("train-images", &images(&[1, 2, 3, 4, 5, 6, 7]))
        .file("train-labels", &labels(&[0, 6, 7, 8, 9, 10, 11]))
        .file("test-images", &images(&[11, 12, 13, 14, 15, 16, 17]))
        .file("test-labels", &labels(&[0, 6, 7, 8, 9, 10, 11]));
    let import = |more: &[&str]| {
        let mut arguments: Vec<OsString> = vec!["import".into(), "idx".into()];
        arguments.extend(["train-images", "train-labels"].map(|name| folder.path(name).into()));
        for (option, name) in [
            ("--test-images", "test-images"),
            ("--test-labels", "test-labels"),
            ("--out", "out"),
        ] {
            arguments.extend([option.into(), folder.path(name).into()]);
        }
        let rest = "--format json --force --registry iscx-vpn-nonvpn-2016";
        arguments.extend(
            rest.split(' ')
                .chain(more.iter().copied())
                .map(OsString::from),
        );
        undertone(arguments)
    };
    let manifest = import(&["--map", "2"]).manifest();
    assert_eq!(manifest["classes"], serde_json::json!(["NonVPN", "VPN"]));
    assert_eq!(manifest["labels"]["map"], "2");
    let test = |class: usize| &manifest["split"]["classes"][class]["test"];
    assert_eq!((test(0), test(1)), (&1.into(), &6.into()));
    let files = &manifest["published_files"];
    assert_eq!(files["registry"], "iscx-vpn-nonvpn-2016");
    assert_eq!(
        (&files["same"], &files["unknown"]),
        (&serde_json::json!([]), &4.into())
    );
    let manifest = import(&["--map", "6-vpn"]).manifest();
    assert_eq!(manifest["classes"].as_array().unwrap().len(), 6);
    assert_eq!(manifest["captures"][0]["rows"]["left_out"], 1);
    assert_eq!(manifest["tally"]["samples"], 12);
    assert_eq!(
        import(&["--map", "2", "--numbered-by", "6"]).failure(&folder),
        "error: labels that `6` numbers are merged already and cannot be merged by `2`; leave out \
         `--map`"
    );
}
