//! Metrics and health, asked for by HTTP as Prometheus does.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::Duration,
};

use crate::{sample, undertone};

/// `live` on a pipe that stays open, and where it answers.
pub(crate) struct Service {
    child: Child,
    talk: BufReader<std::process::ChildStderr>,
    pipe: File,
    address: String,
}

impl Service {
    /// Starts it; the folder is for the pipe.
    pub(crate) fn start(folder: &Path, options: &[&str]) -> Self {
        let fifo = folder.join("fifo");
        let made = Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let mut child = undertone(&["live", "--format", "json", "--metrics", "0"])
            .args(options)
            .arg("--read")
            .arg(&fifo)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who opens it to read waits for this.
        let mut pipe = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
        // The head of a capture is enough to begin with.
        pipe.write_all(&fs::read(sample()).unwrap()[..24]).unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        while !line.starts_with("metrics at ") {
            line.clear();
            assert!(talk.read_line(&mut line).unwrap() > 0, "it says no address");
        }
        let address = line.trim_start_matches("metrics at http://");
        let address = address.trim_end().trim_end_matches("/metrics");
        Self {
            child,
            talk,
            pipe,
            address: address.to_owned(),
        }
    }

    /// Gives it the frames of a capture in pcap.
    pub(crate) fn feed(&mut self, capture: &[u8]) {
        self.pipe.write_all(&capture[24..]).unwrap();
    }

    /// Status and page of a path.
    pub(crate) fn get(&self, path: &str) -> (String, String) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        let (head, page) = text.split_once("\r\n\r\n").unwrap();
        let status = head.lines().next().unwrap();
        (status.to_owned(), page.to_owned())
    }

    /// The metrics, once one of them has that value.
    pub(crate) fn metrics_with(&self, name: &str, expected: f64) -> String {
        let mut page = String::new();
        // Two minutes: the model may have a tenth of a processor.
        for _ in 0..2_400 {
            page = self.get("/metrics").1;
            if value(&page, name) == Some(expected) {
                return page;
            }
            thread::sleep(Duration::from_millis(50));
        }
        panic!("{name} is not {expected}:\n{page}");
    }

    /// Ends the capture; what it said on standard error since it began.
    pub(crate) fn end(mut self) -> (Output, String) {
        drop(self.pipe);
        let mut talk = String::new();
        self.talk.read_to_string(&mut talk).unwrap();
        (self.child.wait_with_output().unwrap(), talk)
    }
}

/// The value behind a name with its labels.
pub(crate) fn value(page: &str, name: &str) -> Option<f64> {
    let line = page
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    line.map(|value| value.parse().unwrap())
}

/// The sum of all values of a metric.
fn sum(page: &str, name: &str) -> f64 {
    let of_metric = |line: &&str| line.split(['{', ' ']).next() == Some(name);
    let lines = page.lines().filter(of_metric);
    lines
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

// The counts are those that `inspect` and the guide have of the sample.
#[test]
fn what_live_does_is_told_while_it_does_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut service = Service::start(folder.path(), &[]);
    let (status, text) = service.get("/healthz");
    assert_eq!(
        (status.as_str(), text.as_str()),
        ("HTTP/1.1 200 OK", "well\n")
    );
    service.feed(&fs::read(sample()).unwrap());
    let page = service.metrics_with("undertone_frames_total", 3_254.0);
    let check =
        |name: &str, expected: f64| assert_eq!(value(&page, name), Some(expected), "{page}");
    check("undertone_packets_total", 3_246.0);
    check("undertone_bytes_total", 1_318_320.0);
    check("undertone_skips_total{reason=\"arp\"}", 2.0);
    check("undertone_skips_total{reason=\"icmp\"}", 6.0);
    let ended = sum(&page, "undertone_sessions_ended_total");
    let open = value(&page, "undertone_open_sessions").unwrap();
    assert!(ended > 5.0 && open > 0.0, "{page}");
    assert!((ended + open - 42.0).abs() < 1e-9, "{page}");
    // The model is asked while the page is made.
    let asked = "undertone_waiting_sessions";
    let page = service.metrics_with(asked, 0.0);
    assert!(
        sum(&page, "undertone_inference_seconds_count") > 0.0,
        "{page}"
    );
    assert!(page.contains("undertone_drift_reference "), "{page}");
    assert!(page.contains("policy=\"paper\""), "{page}");
    check_with_promtool(&page);
    assert_eq!(service.get("/").0, "HTTP/1.1 404 Not Found");
    let (output, talk) = service.end();
    assert_eq!(output.status.code(), Some(0), "{talk}");
    assert!(talk.contains("3,254 frames read"), "{talk}");
}

#[test]
fn verdicts_are_counted_by_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    // Silence ends a session at once, so that all but the last are told.
    let mut service = Service::start(folder.path(), &["--idle", "0.000001"]);
    service.feed(&fs::read(sample()).unwrap());
    service.metrics_with("undertone_frames_total", 3_254.0);
    let mut page = String::new();
    for _ in 0..2_400 {
        page = service.get("/metrics").1;
        let told = sum(&page, "undertone_verdicts_total");
        if (told - sum(&page, "undertone_sessions_ended_total")).abs() < 1e-9 {
            break;
        }
        thread::sleep(Duration::from_millis(50));
    }
    let told = sum(&page, "undertone_verdicts_total");
    assert!(
        (told - sum(&page, "undertone_sessions_ended_total")).abs() < 1e-9,
        "{page}"
    );
    let of = |said: &str| value(&page, &format!("undertone_verdicts_total{{{said}}}")).unwrap();
    let (unknown, empty) = (
        of("verdict=\"unknown\",class=\"\""),
        of("verdict=\"empty\",class=\"\""),
    );
    assert!(unknown > 0.0 && empty > 0.0, "{page}");
    // A class that nothing is of is told too.
    assert!(
        page.matches("undertone_verdicts_total{verdict=\"class\"")
            .count()
            >= 12
    );
    let asked = value(&page, "undertone_confidence_count").unwrap();
    let share = value(&page, "undertone_unknown_ratio").unwrap();
    assert!(asked + empty <= told, "{page}");
    assert!(share > 0.0 && share <= 1.0, "{page}");
    service.end();
}

#[test]
fn an_address_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let output = undertone(&[
        "live",
        "--read",
        &sample(),
        "--quiet",
        "--metrics",
        &address,
    ])
    .output()
    .unwrap();
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{err}");
    let told = format!("error: cannot listen on `{address}`: ");
    assert!(err.starts_with(&told) && err.lines().count() == 1, "{err}");
}

/// Prometheus' own judge, where it is installed.
fn check_with_promtool(page: &str) {
    let started = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut judge) = started else {
        println!("skipped: no `promtool`, which Debian's package `prometheus` has");
        return;
    };
    judge
        .stdin
        .take()
        .unwrap()
        .write_all(page.as_bytes())
        .unwrap();
    let output = judge.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}\n{page}");
}
