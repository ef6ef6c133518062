//! The corpus of the fuzz targets, through the same doors.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::{fs, io::Cursor, path::Path};

use undertone_learn::{
    dataset::folder::{MANIFEST, read_manifest},
    idx::{IdxReader, pcap_part},
    model::Model,
};

/// Name and bytes of each input of a target.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let mut inputs: Vec<_> = fs::read_dir(folder.join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    inputs.sort();
    assert!(!inputs.is_empty());
    inputs
}

#[test]
fn idx_files_give_rows_of_the_length_that_they_say() {
    let mut rows = 0;
    for (name, bytes) in corpus("idx") {
        let Ok(mut reader) = IdxReader::new(Box::new(Cursor::new(bytes)), &name) else {
            continue;
        };
        let mut row = Vec::new();
        while let Ok(true) = reader.next_row(&mut row) {
            assert_eq!(row.len(), reader.row_length(), "{name}");
            assert!(pcap_part(&row).is_none_or(|part| part.len() <= row.len()));
            rows += 1;
        }
    }
    assert!(rows > 3, "{rows}");
}

#[test]
fn manifests_are_refused_or_written_and_read_again_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(MANIFEST);
    let mut read = 0;
    for (name, bytes) in corpus("manifest") {
        fs::write(&file, bytes).unwrap();
        let Ok(manifest) = read_manifest(folder.path()) else {
            continue;
        };
        let written = serde_json::to_vec(&manifest).unwrap();
        fs::write(&file, &written).unwrap();
        let again = read_manifest(folder.path()).unwrap();
        assert_eq!(serde_json::to_vec(&again).unwrap(), written, "{name}");
        read += 1;
    }
    assert!(read > 0);
}

#[test]
fn model_files_that_are_damaged_are_refused() {
    for (name, bytes) in corpus("model") {
        assert!(Model::from_bytes(&bytes).is_err(), "{name}");
        // As a header, without the tensors that it announces.
        let header = &bytes[1..];
        let mut file = (header.len() as u64).to_le_bytes().to_vec();
        file.extend(header);
        assert!(Model::from_bytes(&file).is_err(), "{name}");
    }
}
