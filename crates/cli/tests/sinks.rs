//! Verdicts in the forms of other tools, and in files.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use arrow::array::{Array, UInt64Array};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;

fn classify(options: &[&str]) -> Output {
    let capture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/sample.pcap");
    Command::new(env!("CARGO_BIN_EXE_undertone"))
        .arg("classify")
        .arg(capture)
        .arg("--quiet")
        .args(options)
        .output()
        .unwrap()
}

#[track_caller]
fn lines(options: &[&str]) -> Vec<String> {
    let output = classify(options);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*err), (Some(0), ""));
    let out = String::from_utf8(output.stdout).unwrap();
    out.lines().map(str::to_owned).collect()
}

fn objects(format: &str) -> Vec<Value> {
    let lines = lines(&["--format", format]);
    let objects = lines.iter().map(|line| serde_json::from_str(line).unwrap());
    objects.collect()
}

#[test]
fn an_event_of_eve_has_what_suricata_says_of_a_flow_and_what_we_say() {
    let (records, events) = (objects("json"), objects("eve"));
    assert_eq!(events.len(), 42);
    let flow_ids: BTreeSet<u64> = events
        .iter()
        .map(|one| one["flow_id"].as_u64().unwrap())
        .collect();
    assert_eq!(flow_ids.len(), 42);
    for (record, event) in records.iter().zip(&events) {
        assert_eq!(event["event_type"], "flow");
        assert_eq!(event["src_ip"], record["client_address"]);
        assert_eq!(event["dest_port"], record["server_port"]);
        let flow = &event["flow"];
        let sum = |of: &str| {
            let count = |way: &str| flow[format!("{of}_{way}")].as_u64().unwrap();
            count("toserver") + count("toclient")
        };
        assert_eq!(sum("pkts"), record["packets"]);
        assert_eq!(sum("bytes"), record["bytes"]);
        let start = record["start"].as_str().unwrap().replace('Z', "+0000");
        assert_eq!(flow["start"], start);
        assert_eq!(event["timestamp"], flow["end"]);
        let ours = &event["undertone"];
        for field in [
            "verdict",
            "class",
            "confidence",
            "moment",
            "model",
            "policy",
        ] {
            assert_eq!(ours[field], record[field], "{field}");
        }
    }
}

#[test]
fn a_log_of_zeek_says_the_same_as_lines_and_as_objects() {
    let lines = lines(&["--format", "zeek"]);
    let (head, rest) = lines.split_at(8);
    let (close, rows) = rest.split_last().unwrap();
    assert!(head[5].starts_with("#open\t2026-") && close.starts_with("#close\t2026-"));
    let names: Vec<&str> = head[6].split('\t').skip(1).collect();
    assert_eq!(head[7].split('\t').count(), names.len() + 1);
    let objects = objects("zeek-json");
    assert_eq!((rows.len(), objects.len()), (42, 42));
    for (row, object) in rows.iter().zip(&objects) {
        let cells: Vec<&str> = row.split('\t').collect();
        assert_eq!(cells.len(), names.len());
        for (name, cell) in names.iter().zip(cells) {
            let expected = match &object[name] {
                Value::Null => "-".to_owned(),
                Value::String(text) => text.clone(),
                Value::Number(number) if number.is_f64() => {
                    format!("{:.6}", number.as_f64().unwrap())
                }
                other => other.to_string(),
            };
            assert_eq!(cell, expected, "{name}");
        }
    }
}

/// The files in a folder that end so, in the order of their names.
fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = paths
        .filter(|path| path.to_str().unwrap().ends_with(end))
        .collect();
    files.sort();
    files
}

#[test]
fn files_are_rotated_whole_and_hold_together_what_was_found() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path();
    let sink = |format: &str| format!("--sink={format}:{}", place.display());
    let (csv, parquet) = (sink("csv"), sink("parquet"));
    let out = lines(&["--format", "csv", &csv, &parquet, "--rotate", "5"]);
    assert_eq!(files(place, ".partial"), Vec::<PathBuf>::new());
    let texts: Vec<String> = files(place, ".csv")
        .iter()
        .map(|path| fs::read_to_string(path).unwrap())
        .collect();
    assert!(texts.len() > 2, "{}", texts.len());
    let mut found: Vec<&str> = Vec::new();
    for text in &texts {
        let (header, rows) = text.split_once('\n').unwrap();
        assert_eq!(header, out[0]);
        assert!(rows.ends_with('\n'));
        found.extend(rows.lines());
    }
    // Files that begin in one second have names that need not sort as they were written.
    found.sort_unstable();
    let mut expected: Vec<&str> = out[1..].iter().map(String::as_str).collect();
    expected.sort_unstable();
    assert_eq!(found, expected);
    let of_parquet = files(place, ".parquet");
    assert_eq!(of_parquet.len(), texts.len());
    assert_eq!(packets(&of_parquet), (42, 3_246));
}

/// Rows, and the sum of their packets.
fn packets(files: &[PathBuf]) -> (usize, u64) {
    let mut sum = (0, 0);
    for path in files {
        let file = fs::File::open(path).unwrap();
        let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        for batch in reader.build().unwrap() {
            let batch = batch.unwrap();
            let column = batch.column_by_name("packets").unwrap();
            let column: &UInt64Array = column.as_any().downcast_ref().unwrap();
            sum.0 += column.len();
            sum.1 += column.values().iter().sum::<u64>();
        }
    }
    sum
}

#[test]
fn files_that_are_there_already_stay() {
    let folder = tempfile::tempdir().unwrap();
    let sink = format!("--sink=eve:{}", folder.path().display());
    lines(&[&sink]);
    lines(&[&sink]);
    let files = files(folder.path(), ".eve.json");
    assert_eq!(files.len(), 2);
    assert_eq!(fs::read(&files[0]).unwrap(), fs::read(&files[1]).unwrap());
}

#[test]
fn a_sink_that_cannot_be_written_is_told_in_one_line() {
    let output = classify(&["--sink", "eve:/dev/null/nowhere"]);
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), err.lines().count()),
        (Some(1), 1),
        "{err}"
    );
    assert!(
        err.contains("cannot make the folder `/dev/null/nowhere`"),
        "{err}"
    );
    let wrong = classify(&["--sink", "xml:here"]);
    let err = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    assert!(err.contains("zeek-json, parquet"), "{err}");
}
