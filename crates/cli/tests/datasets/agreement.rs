//! Two ways to the same sessions: published rows, and captures rebuilt from their packets.

use std::{collections::HashMap, ffi::OsString};

use learn::dataset::{Dataset, Split};
use traffic::packet::FiveTuple;

use crate::{captures::Folder, public_data, undertone};

/// Class, test or not, capture group and five-tuple without direction: what a rebuilt capture
/// can tell sessions apart by.
type Key = (u32, bool, String, [String; 2]);

/// Slices by key.
fn slices(folder: &Folder, name: &str) -> HashMap<Key, Vec<Vec<u8>>> {
    let dataset = Dataset::open(&folder.path(name)).unwrap();
    let mut slices: HashMap<Key, Vec<Vec<u8>>> = HashMap::new();
    for split in Split::ALL {
        let rows = dataset.split(split);
        let bytes = rows.samples.slices.chunks(rows.samples.slice_length);
        let samples = rows.samples.labels.iter().zip(&rows.origins).zip(bytes);
        for ((&label, origin), slice) in samples {
            let FiveTuple {
                protocol,
                source,
                destination,
            } = origin.five_tuple;
            let mut ends = [source, destination].map(|end| format!("{protocol} {end}"));
            ends.sort();
            let key = (label, split == Split::Test, origin.group.clone(), ends);
            slices.entry(key).or_default().push(slice.to_vec());
        }
    }
    slices
}

/// Figures of the published set: 39,446 rows, 57 captures rebuilt from their packets.
#[test]
fn rebuilt_captures_and_published_rows_agree_on_the_sessions_both_can_see() {
    let Some(data) = public_data("iscx-vpn-2016") else {
        return;
    };
    let folder = Folder::new();
    let run = |arguments: &[&str], paths: &[&str], out: &str| {
        let arguments = arguments.iter().map(OsString::from);
        let paths = paths.iter().map(|path| data.join(path).into());
        let registry = ["--registry", "iscx-vpn-nonvpn-2016"].map(OsString::from);
        let keep = ["--duplicates", "keep", "--empty", "keep"].map(OsString::from);
        let out = ["--out".into(), folder.path(out).into()];
        undertone(
            arguments
                .chain(paths)
                .chain(registry)
                .chain(keep)
                .chain(out),
        )
        .success();
    };
    run(
        &["prepare", "--session-end", "capture"],
        &["pcap"],
        "rebuilt",
    );
    let test = ["test-images-idx3-ubyte.gz", "test-labels-idx1-ubyte.gz"]
        .map(|name| data.join("idx").join(name).display().to_string());
    let index = data.join("index.csv.gz").display().to_string();
    run(
        &[
            "import",
            "idx",
            "--test-images",
            &test[0],
            "--test-labels",
            &test[1],
            "--index",
            &index,
        ],
        &[
            "idx/train-images-idx3-ubyte.gz",
            "idx/train-labels-idx1-ubyte.gz",
        ],
        "rows",
    );
    let manifest = learn::dataset::folder::read_manifest(&folder.path("rows")).unwrap();
    let published = manifest.published_files.unwrap();
    assert_eq!((published.same.len(), published.unknown), (4, 0));
    let (rebuilt, rows) = (slices(&folder, "rebuilt"), slices(&folder, "rows"));

    // Both know the same five-tuples in the same places, and a rebuilt capture each once.
    assert_eq!(rebuilt.len(), rows.len());
    assert!(rebuilt.values().all(|slices| slices.len() == 1));
    let (mut equal, mut differ, mut merged, mut merged_rows) = (0, 0, 0, 0);
    for (key, slices) in &rows {
        let whole = &rebuilt[key];
        if slices.len() > 1 {
            merged += 1;
            merged_rows += slices.len();
        } else if slices == whole {
            equal += 1;
        } else {
            differ += 1;
        }
    }
    eprintln!(
        "{equal} sessions agree byte for byte; {differ} differ; \
         {merged_rows} rows share their five-tuple with another row and are {merged} sessions"
    );
    // Rows cut from captures made at the same time share five-tuples; rebuilt captures hold
    // them as one session. Two rows hold their packets out of the order of time.
    assert_eq!(
        (equal, differ, merged_rows, merged),
        (31_883, 2, 7_561, 3_746)
    );
}
