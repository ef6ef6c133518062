//! `serve` by HTTP, as browsers and programs ask.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use flate2::{Compression, write::GzEncoder};
use serde_json::Value;

use crate::{
    http::{Answer, begin, get, request},
    sample, undertone,
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// The program while it serves.
pub(crate) struct Serving {
    child: Child,
    pub(crate) address: String,
}

impl Serving {
    /// On any port that is free.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let all = [&["serve", "--listen", "127.0.0.1:0"], arguments].concat();
        let mut child = undertone(&all).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let address = line.trim().strip_prefix("http://").unwrap();
        Self {
            child,
            address: address.trim_end_matches('/').to_owned(),
        }
    }

    fn get(&self, path: &str) -> Answer {
        get(&self.address, path)
    }

    fn put(&self, path: &str, body: &[u8]) -> Answer {
        request(&self.address, &format!("PUT {path}"), &[], body)
    }

    /// The source of that number once it has ended.
    fn ended(&self, number: u64) -> Value {
        let start = Instant::now();
        loop {
            let shown = self.get(&format!("/api/sources/{number}/bytes"));
            assert_eq!(shown.status, 200, "{}", shown.text());
            let shown = shown.json();
            if shown["state"] != "following" {
                return shown;
            }
            assert!(start.elapsed() < PATIENCE, "{shown}");
            sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status();
        let ended = self.child.wait();
        if !std::thread::panicking() {
            assert!(sent.unwrap().success());
            assert_eq!(ended.unwrap().code(), Some(0));
        }
    }
}

/// The lines of `classify --format json`, as if the capture were called as the upload is.
pub(crate) fn classified(name: &str) -> String {
    let path = sample(name);
    let path = path.to_str().unwrap();
    let output = undertone(&["classify", path, "--format", "json", "--quiet"]).output();
    let lines = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(lines.lines().count() > 40);
    lines.replace(
        &format!("\"capture\":\"{path}\""),
        &format!("\"capture\":\"{name}\""),
    )
}

#[test]
fn an_upload_gets_the_verdicts_of_classify() {
    let serving = Serving::start(&[]);
    for (number, name) in [(1, "sample.pcap"), (2, "sample-vpn.pcap")] {
        let capture = fs::read(sample(name)).unwrap();
        let answer = serving.put(&format!("/api/captures/{name}"), &capture);
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.header("content-type"), "application/x-ndjson");
        let expected = classified(name);
        assert_eq!(answer.text(), expected);
        // And the page shows as many.
        let shown = serving.ended(number);
        let sessions = expected.lines().count();
        assert_eq!(shown["totals"]["told"], sessions);
        assert_eq!(shown["sessions"].as_array().unwrap().len(), sessions);
        assert_eq!(
            (&shown["name"], &shown["kind"]),
            (&name.into(), &"upload".into())
        );
    }
}

#[test]
fn a_capture_that_is_named_is_shown_from_the_start() {
    let capture = sample("sample.pcap");
    let serving = Serving::start(&[capture.to_str().unwrap()]);
    let shown = serving.ended(1);
    assert_eq!(shown["state"], "ended");
    assert_eq!(shown["totals"]["frames"], 3_254);
    assert_eq!(shown["totals"]["told"], 42);
    let bytes = shown["totals"]["bytes"].as_u64().unwrap();
    // As `inspect` counts them, and as the timeline and the classes have them.
    assert_eq!(bytes, 1_272_073);
    let sum = |values: &Value| -> u64 {
        let values = values.as_array().unwrap().iter();
        values.map(|value| value.as_u64().unwrap()).sum()
    };
    let timeline = shown["timeline"]["bytes"].as_array().unwrap();
    assert_eq!(timeline.iter().map(sum).sum::<u64>(), bytes);
    let groups = shown["groups"].as_array().unwrap().iter();
    assert_eq!(
        groups
            .map(|one| one["bytes"].as_u64().unwrap())
            .sum::<u64>(),
        bytes
    );
    let sessions = shown["sessions"].as_array().unwrap();
    let sizes: Vec<u64> = sessions
        .iter()
        .map(|one| one["bytes"].as_u64().unwrap())
        .collect();
    assert!(sizes.is_sorted_by(|one, other| one >= other), "{sizes:?}");
}

#[test]
fn the_page_is_whole_and_fetches_nothing_from_elsewhere() {
    let serving = Serving::start(&[]);
    let page = serving.get("/");
    assert_eq!(page.status, 200);
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.header("x-content-type-options"), "nosniff");
    let files = ["/page.css", "/page.js"];
    for file in files {
        assert!(page.text().contains(&format!("\"{file}\"")), "{file}");
    }
    let texts = files.map(|file| serving.get(file).text().to_owned());
    for text in texts.iter().chain([&page.text().to_owned()]) {
        let elsewhere = text.replace("http://www.w3.org/2000/svg", "");
        assert!(
            !elsewhere.contains("//www.") && !elsewhere.contains("http"),
            "{text}"
        );
    }
    assert_eq!(serving.get("/nowhere").status, 404);
}

#[test]
fn other_sites_are_refused() {
    let serving = Serving::start(&[]);
    let capture = fs::read(sample("sample.pcap")).unwrap();
    let ask = |line: &str, headers: &[(&str, &str)], body: &[u8]| {
        request(&serving.address, line, headers, body).status
    };
    let put = "PUT /api/captures/sample.pcap";
    // A name of theirs that points here, and a page of theirs in a browser of ours.
    assert_eq!(ask("GET /", &[("host", "rebound.example.org")], &[]), 403);
    assert_eq!(
        ask("GET /api/sources", &[("host", "rebound.example.org")], &[]),
        403
    );
    assert_eq!(
        ask(put, &[("origin", "https://example.org")], &capture),
        403
    );
    assert_eq!(ask(put, &[("origin", "null")], &capture), 403);
    assert_eq!(
        ask("GET /api/sources", &[("sec-fetch-site", "cross-site")], &[]),
        403
    );
    // Nobody is asked whether they may, nor told that they might.
    let asked = [
        ("origin", "https://example.org"),
        ("access-control-request-method", "PUT"),
    ];
    let answer = request(&serving.address, "OPTIONS /api/captures/x", &asked, &[]);
    assert_eq!(answer.status, 403);
    assert_eq!(answer.header("access-control-allow-origin"), "");
    assert_eq!(
        serving.get("/api/sources").json()["sources"],
        Value::Array(vec![])
    );
    // The page itself.
    let origin = format!("http://{}", serving.address);
    assert_eq!(
        ask(
            put,
            &[("origin", &origin), ("sec-fetch-site", "same-origin")],
            &capture
        ),
        200
    );
}

#[test]
fn what_is_no_capture_is_refused_with_the_reason() {
    let serving = Serving::start(&[]);
    let answer = serving.put("/api/captures/notes.txt", b"these are my notes");
    assert_eq!(answer.status, 422);
    let error = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(error.starts_with("cannot read `notes.txt`: "), "{error}");
    assert_eq!(serving.put("/api/captures/empty", b"").status, 422);
    assert_eq!(serving.put("/api/captures/", b"").status, 404);
}

#[test]
fn a_capture_that_breaks_is_shown_until_there() {
    let serving = Serving::start(&[]);
    let mut capture = fs::read(sample("sample.pcap")).unwrap();
    // A record of an impossible length behind the first half of them.
    let mut place = 24;
    while place < capture.len() / 2 {
        let length = capture[place + 8..place + 12].try_into().unwrap();
        place += 16 + u32::from_le_bytes(length) as usize;
    }
    capture[place + 8..place + 16].fill(0xff);
    let answer = serving.put("/api/captures/broken.pcap", &capture);
    assert_eq!(answer.status, 422, "{}", answer.text());
    let shown = serving.ended(1);
    assert_eq!(shown["state"], "broken");
    assert!(shown["failure"].is_string());
    assert!(
        shown["totals"]["told"].as_u64().unwrap() > 10,
        "{}",
        shown["totals"]
    );
}

#[test]
fn a_capture_that_is_too_large_is_refused() {
    let serving = Serving::start(&["--upload-limit", "1"]);
    let capture = fs::read(sample("sample.pcap")).unwrap();
    assert!(capture.len() > 1 << 20);
    let answer = serving.put("/api/captures/sample.pcap", &capture);
    assert_eq!(answer.status, 413);
    // And one that does not say how large it is.
    let chunked = [("transfer-encoding", "chunked")];
    let mut stream = std::net::TcpStream::connect(&serving.address).unwrap();
    let [(name, value)] = chunked;
    let head = format!(
        "PUT /api/captures/sample.pcap HTTP/1.1\r\nhost: {}\r\n{name}: {value}\r\n\r\n{:x}\r\n",
        serving.address,
        capture.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let _ = stream.write_all(&capture);
    assert_eq!(Answer::read(&mut stream).status, 413);
}

#[test]
fn a_capture_that_expands_too_far_is_refused_and_told() {
    let serving = Serving::start(&["--expansion-limit", "1"]);
    let capture = fs::read(sample("sample.pcap")).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(&capture).unwrap();
    let bomb = encoder.finish().unwrap();
    let answer = serving.put("/api/captures/bomb.pcap.gz", &bomb);
    assert_eq!(answer.status, 413, "{}", answer.text());
    let error = answer.json()["error"].as_str().unwrap().to_owned();
    assert!(
        error.contains("expand to more than 1048576 bytes"),
        "{error}"
    );
    assert!(error.contains("--expansion-limit"), "{error}");
    assert_eq!(serving.ended(1)["state"], "broken");
    let roomy = Serving::start(&["--expansion-limit", "2"]);
    let answer = roomy.put("/api/captures/sample.pcap.gz", &bomb);
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(answer.text().lines().count(), 42);
}

#[test]
fn only_so_many_captures_are_read_at_once() {
    let serving = Serving::start(&["--uploads", "1"]);
    let capture = fs::read(sample("sample.pcap")).unwrap();
    let line = "PUT /api/captures/slow.pcap";
    let mut slow = begin(&serving.address, line, &[], capture.len());
    let (first, rest) = capture.split_at(capture.len() / 2);
    slow.write_all(first).unwrap();
    let start = Instant::now();
    while serving.get("/api/sources").json()["sources"]
        .as_array()
        .unwrap()
        .is_empty()
    {
        assert!(start.elapsed() < PATIENCE);
        sleep(Duration::from_millis(20));
    }
    let small = &capture[..24];
    assert_eq!(serving.put("/api/captures/other.pcap", small).status, 503);
    slow.write_all(rest).unwrap();
    let answer = Answer::read(&mut slow);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.text().lines().count(), 42);
    assert_eq!(serving.put("/api/captures/other.pcap", small).status, 200);
}

#[test]
fn an_upload_that_breaks_off_is_told_and_makes_room() {
    let serving = Serving::start(&["--uploads", "1"]);
    let capture = fs::read(sample("sample.pcap")).unwrap();
    let line = "PUT /api/captures/cut.pcap";
    let mut cut = begin(&serving.address, line, &[], capture.len());
    cut.write_all(&capture[..capture.len() / 2]).unwrap();
    while serving.get("/api/sources").json()["sources"]
        .as_array()
        .unwrap()
        .is_empty()
    {
        sleep(Duration::from_millis(20));
    }
    drop(cut);
    let shown = serving.ended(1);
    assert_eq!(shown["state"], "broken");
    assert!(
        shown["failure"].as_str().unwrap().contains("broke off"),
        "{}",
        shown["failure"]
    );
    assert_eq!(
        serving.put("/api/captures/sample.pcap", &capture).status,
        200
    );
}

#[test]
fn what_cannot_be_read_or_listened_on_ends_it_at_once() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let text = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    for (arguments, expected) in [
        (
            vec!["missing.pcap"],
            "cannot read `missing.pcap`: No such file".to_owned(),
        ),
        (
            vec![text],
            format!("cannot read `{text}`: neither pcap nor pcapng"),
        ),
        (
            vec!["--listen", &address],
            format!("cannot listen on `{address}`: "),
        ),
    ] {
        let output = undertone(&[&["serve"], &*arguments].concat())
            .output()
            .unwrap();
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(err.starts_with(&format!("error: {expected}")), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn only_this_machine_is_listened_to() {
    let output = undertone(&["serve", "--listen", "0.0.0.0:0"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let err = String::from_utf8(output.stderr).unwrap();
    assert!(err.contains("only loopback addresses"), "{err}");
}
