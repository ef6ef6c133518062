//! What holds of every command: exit codes, broken pipes, places that cannot be written.

use std::{
    fs::{self, File},
    io::Write,
    process::{Command, Stdio},
};

use flate2::{Compression, write::GzEncoder};

use crate::{Outcome, run, undertone, world};

/// Runs the program with a file as its standard input.
fn with_input(line: &str, input: File) -> Outcome {
    let output = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args(line.split_whitespace())
        .stdin(input)
        .output()
        .unwrap();
    Outcome::of(output)
}

#[test]
fn the_exit_code_is_two_for_wrong_usage_and_zero_for_help() {
    for command in [
        "classify",
        "inspect",
        "prepare",
        "import idx",
        "split",
        "train",
        "evaluate",
        "calibrate",
        "compare",
        "audit",
        "explain",
        "reproduce",
        "live",
        "top",
        "serve",
        "dataset list",
        "dataset show",
        "model show",
        "model export",
        "model quantise",
    ] {
        let words = |more| command.split(' ').chain([more]);
        let wrong = undertone(words("--no-such-option"));
        assert_eq!((wrong.code, wrong.out.as_str()), (2, ""), "{command}");
        assert!(wrong.err.starts_with("error: "), "{}", wrong.err);
        let help = undertone(words("--help"));
        assert!(help.success().contains("Usage: undertone"), "{command}");
    }
}

#[test]
fn a_capture_gives_the_same_lines_as_a_file_as_gzip_and_by_pipe() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let model = world.file("run").display().to_string();
    let (plain, packed) = (world.file("mixed.pcap"), folder.path().join("mixed"));
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&fs::read(&plain).unwrap()).unwrap();
    fs::write(&packed, encoder.finish().unwrap()).unwrap();
    let line = |capture: &str| format!("classify {capture} --model {model}");
    let file = run(world.path(), &line("{}/mixed.pcap"));
    assert!(file.success().lines().count() > 9, "{}", file.out);
    assert_eq!(run(folder.path(), &line("{}/mixed")).success(), file.out);
    for input in [plain, packed] {
        let piped = with_input(&line("-"), File::open(input).unwrap());
        assert_eq!(piped.success(), file.out);
    }
}

#[test]
fn a_reader_that_goes_away_is_no_failure_of_any_command() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    // More captures than one write of the manifest holds.
    for number in 0..60 {
        for class in ["Chat", "VPN-Chat"] {
            let data = folder.path().join("data").join(class);
            fs::create_dir_all(&data).unwrap();
            fs::copy(
                world.file("data").join(class).join("0.pcap"),
                data.join(format!("a-capture-with-a-long-name-{number}.pcap")),
            )
            .unwrap();
        }
    }
    let check = |line: &str| {
        let line = line
            .replace("{}", folder.path().to_str().unwrap())
            .replace("<world>", world.path().to_str().unwrap());
        let mut child = Command::new(env!("CARGO_BIN_EXE_undertone"))
            .args(line.split_whitespace())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{line}: {told}");
    };
    check("prepare {}/data --out {}/out --format json");
    check("inspect {}/data --format json");
    check("inspect {}/data");
    check("split <world>/dataset --rule session --out {}/split --format json");
    check("model show <world>/run --format json");
    check("evaluate <world>/run --split validation --format html");
}

#[test]
fn a_place_that_cannot_be_written_is_named_and_left_as_it_was() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "in the way").unwrap();
    // Only a network with a ResNet has anything to compute in int8.
    let other = tempfile::tempdir().unwrap();
    let train = format!(
        "train {} --out {{}}/run --network resnet --epochs 1",
        world.file("dataset").display()
    );
    run(other.path(), &train).success();
    let [resnet, shared] = [&other.path().join("run"), world.path()]
        .map(|path: &std::path::Path| path.to_str().unwrap().to_owned());
    let check = |line: &str, expected: &str| {
        let line = line
            .replace("<world>", &shared)
            .replace("<resnet>", &resnet);
        let found = run(folder.path(), &line).failure(folder.path());
        let found = found
            .replace(&shared, "<world>")
            .replace(&resnet, "<resnet>");
        assert!(found.starts_with(expected), "{found}");
        assert!(found.ends_with("(os error 20)"), "{found}");
    };
    check(
        "prepare <world>/data --out {}/file/out",
        "error: cannot write `{}/file/out`: ",
    );
    check(
        "split <world>/dataset --rule session --out {}/file/out",
        "error: cannot write `{}/file/out`: ",
    );
    check(
        "train <world>/dataset --out {}/file/run --network gru --epochs 1 --quiet",
        "error: cannot train `{}/file/run`: cannot read or write `{}/file/run`: ",
    );
    check(
        "evaluate <world>/run --out {}/file/scores",
        "error: cannot write into `{}/file/scores`: ",
    );
    check(
        "calibrate <world>/run --rule energy --out {}/file/model.safetensors",
        "error: cannot write `{}/file/model.safetensors`: ",
    );
    check(
        "compare <world>/dataset --models gru --epochs 1 --quiet --out {}/file/comparison",
        "error: cannot make folder `{}/file/comparison`: ",
    );
    check(
        "audit <world>/run --out {}/file/audit",
        "error: cannot write into `{}/file/audit`: ",
    );
    check(
        "live --read <world>/mixed.pcap --quiet --sink csv:{}/file/out",
        "error: cannot make the folder `{}/file/out`: ",
    );
    check(
        "model quantise <resnet> --dataset <world>/dataset --out {}/file/model.safetensors",
        "error: cannot write model `<resnet>/model.safetensors` to `{}/file/model.safetensors`: ",
    );
    check(
        "model export <world>/run --out {}/file/model.safetensors",
        "error: cannot write model `<world>/run/model.safetensors` to `{}/file/model.safetensors`: ",
    );
    assert_eq!(fs::read_to_string(&file).unwrap(), "in the way");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}
