//! The commands of `docs/guide.md` and `docs/operating.md`, run as they stand there.

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
fn run(name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let folder = tempfile::tempdir().unwrap();
    let [page, input, output] =
        ["md", "in", "out"].map(|end| folder.path().join(format!("{name}.{end}")));
    fs::copy(root.join("docs").join(format!("{name}.md")), &page).unwrap();
    let samples = input.join("samples");
    fs::create_dir_all(&samples).unwrap();
    for captures in ["sample.pcap", "sample-vpn.pcap"] {
        fs::copy(root.join("samples").join(captures), samples.join(captures)).unwrap();
    }
    copy(&root.join("samples/by-class"), &samples.join("by-class"));
    for run in lab_captures::runs() {
        run.write(&input);
    }
    fs::create_dir(&output).unwrap();
    fs::write(output.join(".keep"), "").unwrap();
    trycmd::TestCases::new().case(&page).run();
}

#[test]
fn the_commands_of_the_guide_do_what_it_says() {
    run("guide");
}

#[test]
fn the_commands_of_the_page_on_operating_do_what_it_says() {
    run("operating");
}
