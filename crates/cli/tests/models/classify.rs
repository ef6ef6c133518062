//! `classify` from outside.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::{conversations, pcap, run, world};

const LINE: &str = "classify {}/mixed.pcap --model {}/run ";

#[test]
fn every_session_gets_a_line_and_every_class_a_sum() {
    let world = world();
    let outcome = run(world.path(), LINE);
    let out = outcome.success();
    let (sessions, summary) = out.split_once("\n\n").unwrap();
    assert_eq!(sessions.lines().count(), 9, "{out}");
    let of = |class: &str| sessions.lines().filter(|line| line.contains(class)).count();
    assert_eq!(of(" (dns) "), 1, "{out}");
    assert_eq!(of(" empty "), 1, "{out}");
    assert_eq!(of(" VPN-Chat "), 4, "{out}");
    assert_eq!(of(" Chat "), 3, "{out}");
    assert!(
        summary.contains("the model does not detect VPN tunnels on a wire"),
        "{out}"
    );
    let all = summary
        .lines()
        .find(|line| line.trim_start().starts_with("all "))
        .unwrap();
    assert!(all.contains(" 9 "), "{all}");
}

#[test]
fn json_has_an_object_a_line_and_nothing_else() {
    let outcome = run(world().path(), &format!("{LINE} --format json"));
    let lines: Vec<serde_json::Value> = outcome
        .success()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 9);
    let dns = lines
        .iter()
        .find(|line| line["background"] == "dns")
        .unwrap();
    assert_eq!(dns["verdict"], "background");
    assert_eq!(dns["server_port"], 53);
    assert!(dns["class"].is_null() && dns["confidence"].is_null());
    assert!(
        outcome.err.contains("VPN-Chat"),
        "the summary is told on standard error"
    );
}

#[test]
fn csv_has_a_header_and_as_many_fields_in_every_line() {
    let outcome = run(world().path(), &format!("{LINE} --format csv --quiet"));
    let fields: Vec<usize> = outcome
        .success()
        .lines()
        .map(|line| line.split(',').count())
        .collect();
    assert_eq!(fields, [15; 10]);
    assert_eq!(outcome.err, "");
}

#[test]
fn verdicts_do_not_depend_on_the_threads() {
    let of = |threads: u32| {
        run(
            world().path(),
            &format!("{LINE} --format json --threads {threads}"),
        )
        .success()
        .to_owned()
    };
    assert_eq!(of(1), of(3));
}

#[test]
fn a_capture_may_come_by_pipe() {
    let world = world();
    let mut child = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args(["classify", "-", "--format", "json", "--model"])
        .arg(world.file("run"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let capture = fs::read(world.file("mixed.pcap")).unwrap();
    child.stdin.take().unwrap().write_all(&capture).unwrap();
    let piped = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    let file = run(world.path(), &format!("{LINE} --format json"));
    let path = serde_json::to_string(&world.file("mixed.pcap")).unwrap();
    assert_eq!(piped, file.success().replace(&path, "\"-\""));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = world();
    // More than any pipe holds.
    let capture = world.file("long.pcap");
    fs::write(&capture, pcap(&conversations(0, 9, 2000))).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args(["classify", "--session-end", "timeout", "--model"])
        .args([world.file("run"), capture])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        output.status.code(),
        Some(0),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

#[test]
fn below_the_threshold_a_session_is_unknown() {
    let outcome = run(
        world().path(),
        &format!("{LINE} --threshold 1 --format json --quiet"),
    );
    let mut asked = 0;
    for line in outcome.success().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        if line["verdict"] == "unknown" {
            asked += 1;
            assert!(line["class"].is_null());
            assert!(line["nearest"].is_string());
        }
    }
    assert_eq!(asked, 7, "{}", outcome.out);
    assert_eq!(
        run(world().path(), &format!("{LINE} --threshold 2")).code,
        2
    );
}

#[test]
fn background_can_be_put_to_the_model() {
    let outcome = run(
        world().path(),
        &format!("{LINE} --background classify --threshold 0 --format json"),
    );
    let dns = outcome
        .success()
        .lines()
        .find(|line| line.contains("\"dns\""))
        .unwrap();
    assert!(dns.contains("\"verdict\":\"class\""), "{dns}");
}

#[test]
fn a_capture_that_breaks_tells_its_sessions_first() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = fs::read(world.file("mixed.pcap")).unwrap();
    // A record of 4 GB where the next one would begin.
    bytes.extend([
        0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    ]);
    bytes.extend([0; 64]);
    fs::write(folder.path().join("broken.pcap"), bytes).unwrap();
    let model = world.file("run");
    let line = format!(
        "classify {{}}/broken.pcap --quiet --model {}",
        model.display()
    );
    let outcome = run(folder.path(), &line);
    let found = outcome.failure(folder.path());
    let reason = "claims 4294967295 bytes";
    assert!(
        found.starts_with("error: cannot classify `{}/broken.pcap`: record ")
            && found.matches(reason).count() == 1,
        "{found}"
    );
    assert_eq!(outcome.out.lines().count(), 9, "{}", outcome.out);
}

#[test]
fn what_cannot_be_classified_is_told_in_one_line() {
    let world = world();
    fs::write(world.file("empty.pcap"), b"").unwrap();
    let model = fs::read(world.file("run/model.safetensors")).unwrap();
    fs::write(world.file("half.safetensors"), &model[..model.len() / 2]).unwrap();
    let check = |line: &str, expected: &str| {
        let found = run(world.path(), line).failure(world.path());
        assert!(found.starts_with(expected), "{found}");
    };
    check(
        "classify {}/nowhere.pcap --quiet --model {}/run",
        "error: cannot classify `{}/nowhere.pcap`: No such file",
    );
    check(
        "classify {}/empty.pcap --quiet --model {}/run",
        "error: cannot classify `{}/empty.pcap`: ",
    );
    check(
        "classify {}/run/recipe.toml --quiet --model {}/run",
        "error: cannot classify `{}/run/recipe.toml`: ",
    );
    check(
        "classify {}/mixed.pcap --model {}/half.safetensors",
        "error: cannot use model `{}/half.safetensors`: damaged model: ",
    );
    check(
        "classify {}/mixed.pcap --model {}/nowhere",
        "error: cannot use model `{}/nowhere`: No such file",
    );
}

#[test]
#[cfg(unix)]
fn ctrl_c_ends_it_with_the_summary_of_what_was_read() {
    let world = world();
    // Read from a pipe that stays open, so that the capture has no end of its own.
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let child = Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args(["classify", "--session-end", "timeout", "--model"])
        .args([&world.file("run"), &fifo])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id().to_string();
    let reader = thread::spawn(move || child.wait_with_output().unwrap());
    let mut writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    let capture = pcap(&conversations(0, 9, 400));
    writer.write_all(&capture).unwrap();
    assert!(
        Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    // What comes after the signal lets it notice; then nobody reads any more.
    let is_gone = (0..1000).any(|_| {
        thread::sleep(Duration::from_millis(1));
        writer.write_all(&capture[24..]).is_err()
    });
    drop(writer);
    let output = reader.join().unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(is_gone, "{err}");
    assert_eq!(output.status.code(), Some(1), "{err}");
    assert!(err.contains("what follows was not read"), "{err}");
    assert!(
        String::from_utf8_lossy(&output.stdout).contains(" all "),
        "the summary is told"
    );
}
