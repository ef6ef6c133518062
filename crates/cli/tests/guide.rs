//! The commands of `docs/guide.md`, run as they stand there.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

mod lab_captures;

use std::{fs, path::Path};

/// Copies a folder and what is below it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// `trycmd` runs a page in `PAGE.in`, and lets it write there if `PAGE.out` exists.
#[test]
fn the_commands_of_the_guide_do_what_it_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().unwrap();
    let page = folder.path().join("guide.md");
    fs::copy(root.join("docs/guide.md"), &page).unwrap();
    for captures in ["sample.pcap", "sample-vpn.pcap"] {
        let samples = folder.path().join("guide.in/samples");
        fs::create_dir_all(&samples).unwrap();
        fs::copy(root.join("samples").join(captures), samples.join(captures)).unwrap();
    }
    copy(
        &root.join("samples/by-class"),
        &folder.path().join("guide.in/samples/by-class"),
    );
    for run in lab_captures::runs() {
        run.write(&folder.path().join("guide.in"));
    }
    fs::create_dir(folder.path().join("guide.out")).unwrap();
    fs::write(folder.path().join("guide.out/.keep"), "").unwrap();
    trycmd::TestCases::new().case(&page).run();
}
