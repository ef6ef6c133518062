//! Windows of sessions, from captures to verdicts.

use std::{fs, net::SocketAddr};

use serde_json::Value;
use tempfile::TempDir;
use traffic::{
    packet::Protocol,
    synth::{self, Record},
};

use crate::{pcap, run};

/// A session of 12 s over UDP, as a tunnel has it: of class 0 few small packets, of class 1 bursts
/// of large ones.
fn tunnel(class: u16, number: u16) -> Vec<Record> {
    let client = SocketAddr::from(([10, 0, class as u8, 1], 40_000 + number));
    let gateway = SocketAddr::from(([192, 0, 2, 1], 1194));
    let count = [48, 240][usize::from(class)];
    let frame = |at: u16| {
        let (from, to) = if at.is_multiple_of(3) {
            (client, gateway)
        } else {
            (gateway, client)
        };
        let length = [90, 1200][usize::from(class)] + (at * 7 + number) % 40;
        let datagram = synth::udp(from, to, &vec![at as u8; usize::from(length)]);
        let nanoseconds = 12_000_000_000 / i64::from(count) * i64::from(at);
        let packet = synth::ip(from.ip(), to.ip(), Protocol::Udp, &datagram);
        synth::record(
            1_456_790_400_000_000_000 + nanoseconds,
            synth::ethernet(&packet),
        )
    };
    (0..count).map(frame).collect()
}

/// Eight captures of a tunnel for each class.
fn captures() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (class, name) in (0..).zip(["Chat", "File_transfer"]) {
        fs::create_dir_all(folder.path().join("data").join(name)).unwrap();
        for number in 0..8 {
            let place = folder.path().join(format!("data/{name}/{number}.pcap"));
            fs::write(place, pcap(&tunnel(class, number))).unwrap();
        }
    }
    folder
}

const PREPARE: &str =
    "prepare {}/data --unit window --window 3 --skip-packets 4 --policy ip --out {}/dataset";
const CLASSIFY: &str = "classify {}/data/Chat/0.pcap --model {}/run/model.safetensors";

fn lines(out: &str) -> Vec<Value> {
    out.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn windows_say_together_what_their_session_is() {
    let folder = captures();
    let at = |line: &str| run(folder.path(), line);
    let prepared = at(&format!("{PREPARE} --format json"));
    let manifest: Value = serde_json::from_str(prepared.success()).unwrap();
    let unit = &manifest["cutting"]["unit"]["window"];
    assert_eq!(unit["nanoseconds"], 3_000_000_000_u64);
    assert_eq!(unit["skipped_packets"], 4);
    // Captures are kept whole, and windows whose slices are alike are kept.
    assert_eq!(manifest["split"]["rule"], "capture");
    assert_eq!(manifest["tally"]["samples"], 64);

    let train = "train {}/dataset --out {}/run --network sequence --epochs 6 --threads 1 --quiet";
    at(train).success();
    let evaluated = at("evaluate {}/run --format json");
    let evaluation: Value = serde_json::from_str(evaluated.success()).unwrap();
    let votes = &evaluation["votes"];
    assert_eq!(votes["parts"], "windows");
    assert_eq!(votes["scores"]["samples"], 2, "{votes}");
    assert_eq!(evaluation["scores"]["samples"], 8);
    let text = at("evaluate {}/run");
    let sentence = "Where all scored windows of a session vote on it";
    let words = text.success().split_whitespace().collect::<Vec<_>>();
    assert!(words.join(" ").contains(sentence), "{}", text.out);

    let told = lines(at(&format!("{CLASSIFY} --format json")).success());
    let windows: Vec<&Value> = told.iter().map(|line| &line["window"]).collect();
    assert_eq!(
        windows,
        [&0.into(), &1.into(), &2.into(), &3.into(), &Value::Null]
    );
    let (parts, whole) = (&told[..4], &told[4]);
    assert_eq!(whole["class"], "Chat");
    assert_eq!(whole["end_reason"], "capture");
    assert_eq!(whole["packets"], 44);
    for sum in ["packets", "bytes"] {
        let of_parts: u64 = parts.iter().map(|part| part[sum].as_u64().unwrap()).sum();
        assert_eq!(whole[sum], of_parts, "{sum}");
    }

    let text = at(CLASSIFY).success().to_owned();
    let (sessions, summary) = text.split_once("\n\n").unwrap();
    assert_eq!(
        sessions.lines().count(),
        1,
        "people are told of the session"
    );
    assert!(summary.contains(" 44 "), "{summary}");
    let of = |threads: u32| {
        let outcome = at(&format!("{CLASSIFY} --format json --threads {threads}"));
        outcome.success().to_owned()
    };
    assert_eq!(of(1), of(3));

    let explained = at("explain {}/data/Chat/0.pcap --session 1 --model {}/run/model.safetensors");
    assert_eq!(
        explained.failure(folder.path()),
        "error: model `{}/run/model.safetensors` reads windows of sessions; `explain` is for \
         models of whole sessions"
    );
    let card = at("model show {}/run/model.safetensors");
    let line = "windows of 3 s, behind the first 4 packets, of sessions";
    assert!(card.success().contains(line), "{}", card.out);
}

#[test]
fn a_comparison_on_windows_scores_sessions_by_them_for_every_model() {
    let folder = captures();
    let at = |line: &str| run(folder.path(), line);
    at(PREPARE).success();
    let compare = "compare {}/dataset --models tree:slice --out {}/comparison --quiet";
    let found = at(&format!("{compare} --format json")).success().to_owned();
    let comparison: Value = serde_json::from_str(&found).unwrap();
    let rows = comparison["tables"][0]["rows"].as_array().unwrap();
    assert!(rows.len() > 1, "cheap opponents are there too");
    for row in rows {
        assert_eq!(row["votes"]["parts"], "windows");
        assert_eq!(row["scores"]["samples"], 8);
        assert_eq!(row["votes"]["scores"]["samples"], 2);
    }
    let text = at(compare).success().to_owned();
    let (_, sessions) = text.split_once("Sessions, by all their windows").unwrap();
    let (sessions, _) = sessions.split_once("\n\n").unwrap();
    // A line for each model, and the head.
    assert_eq!(sessions.trim().lines().count(), rows.len() + 1, "{text}");
    let page = fs::read_to_string(folder.path().join("comparison/comparison.html")).unwrap();
    assert!(page.contains("Sessions, by all their windows"));
}

#[test]
fn windows_of_one_session_are_not_put_on_two_sides() {
    let folder = captures();
    let expected = "rule `session` draws single samples, and these are windows: those of one \
                    session would be on both sides; use rule `run`, `capture` or another that keeps \
                    sessions whole";
    let refused = run(folder.path(), &format!("{PREPARE} --split session"));
    assert!(refused.failure(folder.path()).ends_with(expected));
    run(folder.path(), PREPARE).success();
    let again = "split {}/dataset --rule session --out {}/again";
    assert!(
        run(folder.path(), again)
            .failure(folder.path())
            .ends_with(expected)
    );
}
