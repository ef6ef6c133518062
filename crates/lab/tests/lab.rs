//! A small lab from outside: up, packets through its router, killed, down, and nothing is left.
//!
//! Needs root and `/dev/net/tun`; says that it skips where they are absent.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The program with a lab folder of the test's own.
fn lab(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_undertone-lab"))
        .arg("--state")
        .arg(folder)
        .args(arguments)
        .output()
        .unwrap()
}

#[track_caller]
fn text(output: Output) -> String {
    let (out, error) = (
        String::from_utf8_lossy(&output.stdout).into_owned(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    );
    assert!(output.status.success(), "{out}{error}");
    out
}

/// Whether this machine can hold a lab; says why not.
fn is_possible() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let user = status
        .lines()
        .find(|line| line.starts_with("Uid:"))
        .unwrap();
    let missing = if user.split_whitespace().nth(2) != Some("0") {
        Some("not root")
    } else if File::options()
        .read(true)
        .write(true)
        .open("/dev/net/tun")
        .is_err()
    {
        Some("no /dev/net/tun")
    } else if ![
        "/usr/sbin/iptables",
        "/usr/bin/ping",
        "/usr/bin/openssl",
        "/usr/bin/tcpdump",
    ]
    .iter()
    .all(|program| Path::new(program).exists())
    {
        Some("no iptables, ping, openssl or tcpdump")
    } else {
        None
    };
    if let Some(missing) = missing {
        let _ = writeln!(std::io::stderr(), "skipped: {missing}");
    }
    missing.is_none()
}

/// A catalogue with nothing in it: what is tested needs no servers, and no certificates.
fn empty_catalogue(folder: &Path) -> String {
    let catalogue = folder.join("catalogue");
    fs::create_dir_all(&catalogue).unwrap();
    catalogue.display().to_string()
}

fn namespaces() -> String {
    let output = Command::new("ip").args(["netns", "list"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// Packets between two hosts take what their links take, and get there.
#[track_caller]
fn check_round_trip(client: &serde_json::Value, site: &serde_json::Value) {
    let ping = Command::new("ip")
        .args(["netns", "exec", client["namespace"].as_str().unwrap()])
        .args(["ping", "-c", "5", "-i", "0.1", "-W", "3", "-q"])
        .arg(site["address"].as_str().unwrap())
        .output()
        .unwrap();
    let told = text(ping);
    // There and back, each link once in each direction; processors may be busy, so only the least counts.
    let delay = 2.0
        * (client["link"]["delay_ms"].as_f64().unwrap()
            + site["link"]["delay_ms"].as_f64().unwrap());
    let least: f64 = told
        .split_once("mdev = ")
        .and_then(|(_, numbers)| numbers.split('/').next()?.parse().ok())
        .unwrap();
    assert!(
        least >= delay,
        "{least} ms, the links alone take {delay} ms"
    );
    assert!(
        least < delay + 60.0,
        "{least} ms, the links alone take {delay} ms"
    );
}

#[test]
fn a_lab_carries_packets_and_leaves_nothing_behind_even_when_it_is_killed() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let catalogue = empty_catalogue(folder);
    let before = namespaces();
    let up = [
        "up",
        "--clients",
        "2",
        "--seed",
        "5",
        "--catalogue",
        &catalogue,
    ];

    let told = text(lab(folder, &up));
    assert!(
        told.contains("is up: 11 hosts, 2 of them clients"),
        "{told}"
    );
    let told = text(lab(folder, &up));
    assert!(told.contains("is up already"), "{told}");
    let other = lab(folder, &["up", "--clients", "3", "--catalogue", &catalogue]);
    assert!(String::from_utf8_lossy(&other.stderr).contains("take it down first"));

    let status: serde_json::Value =
        serde_json::from_str(&text(lab(folder, &["status", "--format", "json"]))).unwrap();
    assert_eq!(status["state"], "up");
    let host = |name: &str| {
        let hosts = status["hosts"].as_array().unwrap();
        hosts
            .iter()
            .find(|host| host["name"] == name)
            .unwrap()
            .clone()
    };
    let (client, site) = (host("c01"), host("a"));
    check_round_trip(&client, &site);

    let router = &status["programs"][0];
    assert_eq!(router["name"], "router");
    let router = router["pid"].as_u64().unwrap().to_string();
    assert!(
        Command::new("kill")
            .args(["-9", &router])
            .status()
            .unwrap()
            .success()
    );
    // What a killed `run` leaves in a namespace is the lab's, too.
    let mut stranded = Command::new("ip")
        .args([
            "netns",
            "exec",
            client["namespace"].as_str().unwrap(),
            "sleep",
            "300",
        ])
        .spawn()
        .unwrap();
    let told = text(lab(folder, &["status"]));
    assert!(told.contains("is broken"), "{told}");

    let told = text(lab(folder, &["down"]));
    assert!(
        told.contains("is down: 1 processes ended, 11 namespaces removed"),
        "{told}"
    );
    assert!(!stranded.wait().unwrap().success());
    // Ended, though whoever adopted it may not have collected it yet.
    let left = fs::read_to_string(format!("/proc/{router}/status")).unwrap_or_default();
    assert!(left.is_empty() || left.contains("State:\tZ"), "{left}");
    let told = text(lab(folder, &["down"]));
    assert!(told.starts_with("nothing to do"), "{told}");
    let prefix = client["namespace"]
        .as_str()
        .unwrap()
        .strip_suffix("c01")
        .unwrap();
    assert!(!namespaces().contains(prefix) && !before.contains(prefix));
    assert!(
        !Path::new("/etc/netns")
            .join(format!("{prefix}c01"))
            .exists()
    );
}

#[test]
fn a_namespace_that_the_lab_has_not_made_stops_it_and_stays() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let catalogue = empty_catalogue(folder);
    let up = ["up", "--clients", "1", "--catalogue", &catalogue];
    text(lab(folder, &up));
    let status: serde_json::Value =
        serde_json::from_str(&text(lab(folder, &["status", "--format", "json"]))).unwrap();
    let theirs = status["hosts"][2]["namespace"].as_str().unwrap().to_owned();
    text(lab(folder, &["down"]));

    let ip = |arguments: &[&str]| {
        assert!(
            Command::new("ip")
                .args(arguments)
                .status()
                .unwrap()
                .success()
        );
    };
    ip(&["netns", "add", &theirs]);
    let failed = lab(folder, &up);
    let told = String::from_utf8_lossy(&failed.stderr).into_owned();
    let left = namespaces();
    ip(&["netns", "delete", &theirs]);
    assert!(!failed.status.success());
    assert!(
        told.contains(&format!("a network namespace `{theirs}` exists")),
        "{told}"
    );
    let prefix = theirs.strip_suffix('c').unwrap();
    let found = left.lines().filter(|line| line.starts_with(prefix)).count();
    assert_eq!(
        found, 1,
        "what was started is taken down, and theirs stays: {left}"
    );
}

#[test]
fn without_a_lab_a_command_says_how_to_start_one() {
    let folder = tempfile::tempdir().unwrap();
    let told = lab(folder.path(), &["tunnels"]);
    assert!(!told.status.success());
    let told = String::from_utf8_lossy(&told.stderr).into_owned();
    assert!(told.contains("start one with `undertone-lab up`"), "{told}");
    let told = text(lab(folder.path(), &["status"]));
    assert!(told.starts_with("no lab is up in"), "{told}");
}

/// A web server and two clients of it, of which one never gets anywhere.
const SERVICE: &str = r#"
schema = 1
name = "server"
hosts = ["a", "b", "c"]
software = "openssl s_server"
packages = ["openssl"]
ports = [443]
prepare = "head -c 3000 /dev/zero > {{ folder }}/film"
command = "cd {{ folder }} && exec openssl s_server -quiet -accept 443 -cert {{ certificate.chain }} -key {{ certificate.key }} -WWW"
ready = "tcp:443"
"#;
const SCENARIO: &str = r#"
schema = 1
class = "File_transfer"
application = "{name}"
stack = "openssl"
packages = ["openssl"]
services = ["server"]
seconds = [12, 14]
parallel = [1, 1]
pause = 0.5
plaintext = "none"

[step]
timeout = 10
command = "{command}"
"#;
const FETCH: &str = "(printf 'GET /film HTTP/1.0\\\\r\\\\n\\\\r\\\\n'; sleep 1) \
    | openssl s_client -quiet -connect {{ host }}:443 > got";

/// A catalogue of one service and two applications.
fn small_catalogue(folder: &Path) -> String {
    let catalogue = folder.join("catalogue");
    for kind in ["services", "scenarios/file_transfer"] {
        fs::create_dir_all(catalogue.join(kind)).unwrap();
    }
    fs::write(catalogue.join("services/server.toml"), SERVICE).unwrap();
    for (name, command) in [("fetch", FETCH), ("fail", "false # {{ host }}")] {
        let scenario = SCENARIO.replace("{name}", name);
        let path = catalogue.join(format!("scenarios/file_transfer/{name}.toml"));
        fs::write(path, scenario.replace("{command}", command)).unwrap();
    }
    // No film is streamed: none has to be made.
    fs::create_dir_all(folder.join("media")).unwrap();
    catalogue.display().to_string()
}

/// `run` into `folder/data`, not waited for.
fn start_run(folder: &Path, catalogue: &str, application: &str, seed: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_undertone-lab"))
        .arg("--state")
        .arg(folder)
        .args(["run", "--minutes", "0.5", "--tunnels", "none", "--classes"])
        .args(["File_transfer", "--applications", application])
        .args(["--seed", seed, "--catalogue", catalogue, "--out"])
        .arg(folder.join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The lines of `runs.jsonl`.
fn runs(folder: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(folder.join("data/runs.jsonl")).unwrap_or_default();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn ctrl_c_ends_a_run_cleanly_it_goes_on_later_and_failures_are_written_down() {
    if !is_possible() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let catalogue = small_catalogue(folder);
    let up = ["up", "--clients", "2", "--seed", "6", "--catalogue"];
    text(lab(folder, &[&up[..], &[catalogue.as_str()]].concat()));

    let running = start_run(folder, &catalogue, "fetch", "6");
    let begun = Instant::now();
    while runs(folder).is_empty() && begun.elapsed() < Duration::from_mins(1) {
        thread::sleep(Duration::from_millis(100));
    }
    let pid = running.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    text(running.wait_with_output().unwrap());
    let first = runs(folder);
    assert!(!first.is_empty(), "a run had ended before Ctrl-C");

    text(
        start_run(folder, &catalogue, "fail", "6")
            .wait_with_output()
            .unwrap(),
    );
    let all = runs(folder);
    assert_eq!(all[..first.len()], first[..], "what was made stays");
    let later = &all[first.len()..];
    assert!(!later.is_empty());
    for run in later {
        let failure = run["failure"].as_str().unwrap_or_default();
        assert!(failure.starts_with("fail on "), "{run}");
    }
    let mut numbers: Vec<u64> = all
        .iter()
        .map(|run| run["number"].as_u64().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    assert_eq!(numbers.len(), all.len(), "no number twice");

    for run in &first {
        let name = run["run"].as_str().unwrap();
        let kept = folder.join(format!("data/direct/File_transfer/{name}"));
        assert!(kept.with_extension("pcap").exists() && kept.with_extension("json").exists());
    }
    let kept = fs::read_dir(folder.join("data/direct/File_transfer")).unwrap();
    assert_eq!(kept.count(), 2 * first.len(), "nothing half-written stays");
    let other = start_run(folder, &catalogue, "fetch", "7")
        .wait_with_output()
        .unwrap();
    assert!(!other.status.success(), "another seed is refused");
    text(lab(folder, &["down"]));
}
