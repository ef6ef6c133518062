//! The page of `serve` in a browser without a window, which `chromedriver` drives.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use crate::{
    http::request,
    sample,
    serve::{Serving, classified},
};

/// How long anything may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// A browser with one empty page.
struct Browser {
    driver: Child,
    address: String,
    session: String,
    folder: tempfile::TempDir,
}

impl Browser {
    /// A browser, or a word on why there is none.
    fn start() -> Option<Self> {
        let driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut driver) = driver else {
            println!("skipped: there is no chromedriver");
            return None;
        };
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let port = line.split("successfully on port ").nth(1)?;
            Some(port.trim_end_matches('.').to_owned())
        });
        // It goes on talking.
        std::thread::spawn(move || lines.count());
        let mut browser = Self {
            driver,
            address: format!("127.0.0.1:{}", port.unwrap()),
            session: String::new(),
            folder: tempfile::tempdir().unwrap(),
        };
        let folder = browser.folder.path().display();
        let started = browser.ask(
            "POST /session",
            &json!({"capabilities": {"alwaysMatch": {
                "browserName": "chrome",
                "goog:loggingPrefs": {"browser": "ALL"},
                "goog:chromeOptions": {"args": [
                    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                    "--window-size=1280,1200", format!("--user-data-dir={folder}"),
                ]},
            }}}),
        );
        let session = started["sessionId"].as_str().unwrap();
        browser.session = format!("/session/{session}");
        Some(browser)
    }

    #[track_caller]
    fn ask(&self, line: &str, body: &Value) -> Value {
        let body = if line.starts_with("POST") {
            body.to_string()
        } else {
            String::new()
        };
        let headers = [("content-type", "application/json; charset=utf-8")];
        let answer = request(&self.address, line, &headers, body.as_bytes());
        let value = answer.json()["value"].clone();
        assert_eq!(answer.status, 200, "{line}: {value}");
        value
    }

    #[track_caller]
    fn command(&self, name: &str, body: &Value) -> Value {
        self.ask(&format!("POST {}/{name}", self.session), body)
    }

    /// What a script returns.
    #[track_caller]
    fn run(&self, script: &str, arguments: &[Value]) -> Value {
        self.command(
            "execute/sync",
            &json!({"script": script, "args": arguments}),
        )
    }

    #[track_caller]
    fn wait_until(&self, condition: &str) {
        let start = Instant::now();
        while self.run(&format!("return Boolean({condition})"), &[]) != true {
            let shown = self.run("return document.body.innerText", &[]);
            assert!(start.elapsed() < PATIENCE, "not `{condition}`: {shown}");
            sleep(Duration::from_millis(50));
        }
    }

    /// Chooses a file as somebody does with a mouse.
    fn choose(&self, path: &str) {
        let found = self.command(
            "element",
            &json!({"using": "css selector", "value": "#file"}),
        );
        let id = found.as_object().unwrap().values().next().unwrap();
        let name = format!("element/{}/value", id.as_str().unwrap());
        self.command(&name, &json!({"text": path}));
    }

    /// Drops a file as somebody does who drags it there from a window of theirs.
    fn drop(&self, path: &str) {
        for event in ["dragEnter", "dragOver", "drop"] {
            let data = json!({"items": [], "files": [path], "dragOperationsMask": 1});
            self.emulate(
                "Input.dispatchDragEvent",
                &json!({"type": event, "x": 300, "y": 150, "data": data}),
            );
        }
    }

    /// What the table of sessions says: who, class, packets; in order of that.
    fn rows(&self) -> Vec<[String; 3]> {
        let script = "return [...document.querySelectorAll('#sessions tbody tr')].map((row) =>
                      [1, 2, 4].map((cell) => row.cells[cell].textContent));";
        let mut rows: Vec<_> = serde_json::from_value(self.run(script, &[])).unwrap();
        rows.sort();
        rows
    }

    /// How bright the page's ground is, from 0 to 255.
    fn brightness(&self) -> u64 {
        let script = "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g)
                      .reduce((sum, one) => sum + Number(one), 0) / 3;";
        self.run(script, &[]).as_f64().unwrap() as u64
    }

    fn emulate(&self, command: &str, parameters: &Value) {
        self.command(
            "goog/cdp/execute",
            &json!({"cmd": command, "params": parameters}),
        );
    }

    /// A screen of that size, for light or dark rooms.
    fn look(&self, width: u32, height: u32, scheme: &str) {
        self.emulate(
            "Emulation.setDeviceMetricsOverride",
            &json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}),
        );
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.emulate(
            "Emulation.setEmulatedMedia",
            &json!({"features": [feature]}),
        );
    }

    /// A picture of what is to be seen; kept in the folder that `UNDERTONE_SCREENSHOTS` names.
    fn picture(&self, name: &str) {
        // Two frames later, all of it is drawn.
        self.command(
            "execute/async",
            &json!({"script": "requestAnimationFrame(() => requestAnimationFrame(arguments[0]))", "args": []}),
        );
        let picture = self.ask(&format!("GET {}/screenshot", self.session), &Value::Null);
        let picture = STANDARD.decode(picture.as_str().unwrap()).unwrap();
        assert!(picture.starts_with(b"\x89PNG") && picture.len() > 10_000);
        if let Some(folder) = env::var_os("UNDERTONE_SCREENSHOTS") {
            fs::write(PathBuf::from(folder).join(name), picture).unwrap();
        }
    }

    /// That the browser had nothing to complain about, such as what the page's policy forbids.
    #[track_caller]
    fn assert_content(&self, ignored: &str) {
        let log = self.command("se/log", &json!({"type": "browser"}));
        let complaints: Vec<&Value> = log
            .as_array()
            .unwrap()
            .iter()
            .filter(|entry| {
                ignored.is_empty() || !entry["message"].as_str().unwrap().contains(ignored)
            })
            .collect();
        assert!(complaints.is_empty(), "{complaints:?}");
    }

    /// That nothing sticks out at the side.
    #[track_caller]
    fn assert_fits(&self) {
        let widths = "[document.documentElement.scrollWidth, innerWidth]";
        let widths = self.run(&format!("return {widths}"), &[]);
        assert!(widths[0].as_u64() <= widths[1].as_u64(), "{widths}");
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if !self.session.is_empty() && !std::thread::panicking() {
            self.ask(&format!("DELETE {}", self.session), &Value::Null);
        }
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

const ROWS: &str = "document.querySelectorAll('#sessions tbody tr').length";

/// The same as `classify` has it.
fn expected_rows(name: &str) -> Vec<[String; 3]> {
    let lines = classified(name);
    let lines = lines.lines().map(|line| {
        let line: Value = serde_json::from_str(line).unwrap();
        let text = |key: &str| line[key].as_str().unwrap().to_owned();
        let who = ["client", "server"].map(|end| {
            let address = text(&format!("{end}_address"));
            SocketAddr::new(
                address.parse().unwrap(),
                line[format!("{end}_port")].as_u64().unwrap() as u16,
            )
        });
        let said = match text("verdict").as_str() {
            "class" => text("class"),
            "unknown" => format!("unknown perhaps {}", text("nearest")),
            "background" => format!("({})", text("background")),
            other => other.to_owned(),
        };
        let who = format!("{} {} → {}", text("protocol"), who[0], who[1]);
        [who, said, line["packets"].to_string()]
    });
    let mut rows: Vec<_> = lines.collect();
    rows.sort();
    rows
}

#[test]
fn a_capture_that_is_chosen_or_dropped_is_shown_session_by_session() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let serving = Serving::start(&[]);
    let page = format!("http://{}/", serving.address);
    browser.look(1_280, 800, "light");
    browser.command("url", &json!({"url": page}));
    browser.wait_until("document.getElementById('model').textContent");
    browser.choose(sample("sample.pcap").to_str().unwrap());
    browser.wait_until(&format!("{ROWS} === 42"));
    browser.wait_until("document.getElementById('state').textContent === 'read to its end'");
    browser.wait_until("!document.getElementById('save').hidden");
    assert_eq!(browser.rows(), expected_rows("sample.pcap"));
    browser.look(1_280, 880, "light");
    browser.picture("serve.png");
    browser.assert_fits();
    let light = browser.brightness();
    browser.look(1_280, 880, "dark");
    browser.picture("serve-dark.png");
    let dark = browser.brightness();
    assert!(light > 200 && dark < 60, "{light} {dark}");
    browser.look(390, 1_400, "light");
    browser.assert_fits();
    let narrow = browser.run(
        "return document.querySelector('#sessions td').offsetWidth",
        &[],
    );
    assert!(narrow.as_u64() < Some(390), "{narrow}");
    browser.look(1_280, 880, "light");
    browser.drop(sample("sample-vpn.pcap").to_str().unwrap());
    browser.wait_until("document.getElementById('name').textContent === 'sample-vpn.pcap'");
    browser.wait_until("document.getElementById('state').textContent === 'read to its end'");
    assert_eq!(browser.rows(), expected_rows("sample-vpn.pcap"));
    browser.wait_until("document.querySelectorAll('#sources button').length === 2");
    browser.assert_content("");
}

#[test]
fn sessions_can_be_sorted_filtered_and_paused_and_what_is_no_capture_is_told() {
    let Some(browser) = Browser::start() else {
        return;
    };
    let capture = sample("sample.pcap");
    let serving = Serving::start(&[capture.to_str().unwrap()]);
    browser.command(
        "url",
        &json!({"url": format!("http://{}/", serving.address)}),
    );
    browser.wait_until(&format!("{ROWS} === 42"));
    let change = |id: &str, value: &str, event: &str| {
        let script = "const one = document.getElementById(arguments[0]); one.value = arguments[1];
                      one.dispatchEvent(new Event(arguments[2]));";
        browser.run(script, &[id.into(), value.into(), event.into()]);
    };
    change("order", "bytes", "change");
    browser.wait_until("state.shown.order === 'bytes'");
    let sizes = browser.run("return state.shown.sessions.map((one) => one.bytes)", &[]);
    let sizes: Vec<u64> = serde_json::from_value(sizes).unwrap();
    assert!(sizes.is_sorted_by(|one, other| one >= other), "{sizes:?}");
    change("filter", ":587", "input");
    browser.wait_until(&format!("{ROWS} > 0 && {ROWS} < 42"));
    change("filter", "", "input");
    browser.run("document.getElementById('pause').click()", &[]);
    browser.wait_until("document.getElementById('state').textContent === 'paused'");
    let notes = browser.folder.path().join("notes.txt");
    fs::write(&notes, "these are my notes").unwrap();
    browser.choose(notes.to_str().unwrap());
    browser.wait_until("document.getElementById('message').textContent.includes('notes.txt')");
    // The refusal itself is what the browser notes.
    browser.assert_content("422");
}
