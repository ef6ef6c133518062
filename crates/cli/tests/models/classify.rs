//! `classify` from outside.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use crate::{conversations, name_look_up, pcap, run, world};

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
    assert_eq!(fields, [19; 10]);
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
fn a_capture_that_cannot_be_read_does_not_hide_the_others() {
    let world = world();
    let folder = tempfile::tempdir().unwrap();
    let mixed = fs::read(world.file("mixed.pcap")).unwrap();
    let mut broken = pcap(&conversations(0, 7, 2));
    broken.extend([0xff; 16]);
    for (name, bytes) in [("1.pcap", &broken), ("2.pcap", &mixed)] {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    let model = world.file("run").display().to_string();
    let line = format!("classify {{}} {{}}/nowhere.pcap --format csv --model {model}");
    let outcome = run(folder.path(), &line);
    assert_eq!(outcome.code, 1);
    let of = |name: &str| outcome.out.matches(name).count();
    assert_eq!((of("/1.pcap,"), of("/2.pcap,")), (2, 9), "{}", outcome.out);
    let place = folder.path().display().to_string();
    let errors: Vec<String> = outcome
        .err
        .lines()
        .filter(|line| line.starts_with("error: "))
        .map(|line| line.replace(&place, ""))
        .collect();
    assert_eq!(errors.len(), 3, "{}", outcome.err);
    assert!(errors[0].starts_with("error: cannot classify `/1.pcap`: record "));
    assert!(errors[1].starts_with("error: cannot classify `/nowhere.pcap`: No such file"));
    assert_eq!(
        errors[2],
        "error: 2 of 3 captures cannot be read to the end"
    );
    // What was read is summed up all the same, before the last word.
    let sum = outcome.err.find("\n all ").unwrap();
    assert!(sum < outcome.err.find(&errors[2]).unwrap());
}

#[test]
fn where_nothing_was_read_nothing_is_summed_up() {
    let world = world();
    for line in [
        "classify {}/nowhere.pcap --model {}/run",
        "classify {}/nowhere.pcap --model {}/run --format json",
    ] {
        let outcome = run(world.path(), line);
        let found = outcome.failure(world.path());
        assert!(found.starts_with("error: cannot classify `{}/nowhere.pcap`: No such file"));
        assert_eq!(outcome.out, "");
    }
}

#[test]
fn one_packet_is_no_packets() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("one.pcap"), pcap(&name_look_up()[..1])).unwrap();
    let outcome = run(folder.path(), "classify {}/one.pcap");
    let out = outcome.success();
    assert!(out.lines().next().unwrap().contains("  1 packet "), "{out}");
    assert!(
        out.contains("\n1 packet of 1 frame read, 0 frames skipped;"),
        "{out}"
    );
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
