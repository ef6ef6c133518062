//! Any bytes as the manifest of a dataset: refused, or read; what is read is written and read again the same.
#![no_main]

use std::{env, fs, process};

use learn::dataset::folder::{MANIFEST, read_manifest};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let folder = env::temp_dir().join(format!("undertone-fuzz-{}", process::id()));
    fs::create_dir_all(&folder).expect("the temporary folder can be written");
    let file = folder.join(MANIFEST);
    fs::write(&file, data).expect("it can be written");
    let Ok(manifest) = read_manifest(&folder) else {
        return;
    };
    let _ = manifest.held_out();
    let written = serde_json::to_vec(&manifest).expect("a manifest can be written");
    fs::write(&file, &written).expect("it can be written");
    let again = read_manifest(&folder).expect("what was written can be read");
    assert_eq!(
        serde_json::to_vec(&again).expect("a manifest can be written"),
        written
    );
});
