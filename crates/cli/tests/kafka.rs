//! Verdicts in Kafka: on brokers that librdkafka mocks, in this process.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, iter,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
    time::Duration,
};

use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    message::{Headers, OwnedMessage},
    mocking::MockCluster,
    producer::DefaultProducerContext,
    types::{RDKafkaApiKey, RDKafkaRespErr},
};
use serde_json::Value;

const TOPIC: &str = "undertone";

/// The program on the sample.
fn undertone(command: &str, options: &[&str]) -> Output {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/sample.pcap");
    Command::new(env!("CARGO_BIN_EXE_undertone"))
        .args([command, "--quiet"])
        .args(options)
        .arg(sample)
        .output()
        .unwrap()
}

/// Its lines of JSON, if all went well.
#[track_caller]
fn lines(command: &str, options: &[&str]) -> Vec<String> {
    let output = undertone(command, &[&["--format", "json"], options].concat());
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*err), (Some(0), ""));
    let out = String::from_utf8(output.stdout).unwrap();
    out.lines().map(str::to_owned).collect()
}

/// A broker with the topic in so many partitions.
fn cluster(partitions: i32) -> MockCluster<'static, DefaultProducerContext> {
    let cluster = MockCluster::new(1).unwrap();
    cluster.create_topic(TOPIC, partitions, 1).unwrap();
    cluster
}

fn sink(brokers: &str) -> String {
    format!("--sink=kafka:{brokers}/{TOPIC}")
}

/// All messages of the topic, partition by partition.
fn messages(brokers: &str, partitions: i32) -> Vec<OwnedMessage> {
    let consumer: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", "test")
        .create()
        .unwrap();
    let patience = Duration::from_secs(10);
    let mut messages = Vec::new();
    for partition in 0..partitions {
        let (low, high) = consumer
            .fetch_watermarks(TOPIC, partition, patience)
            .unwrap();
        let mut place = TopicPartitionList::new();
        place
            .add_partition_offset(TOPIC, partition, Offset::Beginning)
            .unwrap();
        consumer.assign(&place).unwrap();
        for _ in low..high {
            // It also wakes for what is no message.
            let mut polls = iter::repeat_with(|| consumer.poll(patience));
            let message = polls.by_ref().take(100).flatten().next().unwrap().unwrap();
            assert_eq!(message.partition(), partition);
            messages.push(message.detach());
        }
    }
    messages
}

fn payload(message: &OwnedMessage) -> &str {
    str::from_utf8(message.payload().unwrap()).unwrap()
}

fn key(message: &OwnedMessage) -> &str {
    str::from_utf8(message.key().unwrap()).unwrap()
}

#[test]
fn messages_are_the_lines_of_json_under_the_names_that_zeek_has_for_sessions() {
    let cluster = cluster(1);
    let brokers = cluster.bootstrap_servers();
    let lines = lines("classify", &[&sink(&brokers)]);
    let messages = messages(&brokers, 1);
    assert_eq!(messages.iter().map(payload).collect::<Vec<_>>(), lines);
    let keys: BTreeSet<&str> = messages.iter().map(key).collect();
    assert_eq!(keys.len(), 42);
    let zeek = lines_of_zeek();
    for (message, record) in messages.iter().zip(&zeek) {
        assert_eq!(key(message), record["uid"]);
        let header = message.headers().unwrap().get(0);
        let id = str::from_utf8(header.value.unwrap()).unwrap();
        assert_eq!(
            (header.key, id),
            ("community_id", record["community_id"].as_str().unwrap())
        );
    }
}

fn lines_of_zeek() -> Vec<Value> {
    let output = undertone("classify", &["--format", "zeek-json"]);
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn what_live_says_of_a_session_is_in_order_in_one_partition() {
    let cluster = cluster(4);
    let brokers = cluster.bootstrap_servers();
    let lines = lines("live", &[&sink(&brokers), "--read"]);
    let mut sessions: BTreeMap<String, Vec<(i32, String)>> = BTreeMap::new();
    for message in messages(&brokers, 4) {
        let record: Value = serde_json::from_str(payload(&message)).unwrap();
        let moment = record["moment"].as_str().unwrap().to_owned();
        let told = sessions.entry(key(&message).to_owned()).or_default();
        told.push((message.partition(), moment));
    }
    assert_eq!(sessions.values().map(Vec::len).sum::<usize>(), lines.len());
    assert!(sessions.len() == 42 && lines.len() > 42);
    for told in sessions.values() {
        let partitions: BTreeSet<i32> = told.iter().map(|one| one.0).collect();
        assert_eq!(partitions.len(), 1);
        let (last, early) = told.split_last().unwrap();
        assert_eq!(last.1, "end");
        assert!(early.iter().all(|one| one.1 != "end"));
    }
}

#[test]
fn a_capture_waits_where_brokers_take_no_more() {
    let cluster = cluster(1);
    let brokers = cluster.bootstrap_servers();
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("kafka.conf");
    let text = "# Three at once.\nqueue.buffering.max.messages = 3\nlinger.ms=0\n";
    fs::write(&settings, text).unwrap();
    let settings = format!("--kafka-settings={}", settings.display());
    let lines = lines("classify", &[&sink(&brokers), &settings]);
    let messages = messages(&brokers, 1);
    assert_eq!(messages.iter().map(payload).collect::<Vec<_>>(), lines);
}

#[test]
fn records_that_brokers_refuse_are_counted_and_told() {
    let cluster = cluster(1);
    let refused = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED; 100];
    cluster.request_errors(RDKafkaApiKey::Produce, &refused);
    let output = undertone("classify", &[&sink(&cluster.bootstrap_servers())]);
    check_failure(&output, "records were not confirmed by `");
    check_failure(&output, "Topic authorization failed");
}

#[test]
fn records_that_brokers_do_not_confirm_in_time_are_counted_and_told() {
    let cluster = cluster(1);
    let busy = [RDKafkaRespErr::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS; 1_000];
    cluster.request_errors(RDKafkaApiKey::Produce, &busy);
    let options = [&*sink(&cluster.bootstrap_servers()), "--sink-timeout=1"];
    let output = undertone("classify", &options);
    check_failure(&output, "error: 42 of 42 records were not confirmed by `");
    check_failure(&output, "timed out");
    assert!(messages(&cluster.bootstrap_servers(), 1).is_empty());
}

#[test]
fn brokers_that_are_not_there_are_told_before_anything_is_read() {
    // A port that was free a moment ago.
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let sink = sink(&address.to_string());
    let output = undertone("classify", &[&sink, "--sink-timeout=1"]);
    check_failure(
        &output,
        &format!("cannot reach the topic `undertone` at `{address}`"),
    );
    check_failure(&output, "Connection refused");
    assert!(output.stdout.is_empty());
}

#[test]
fn a_setting_that_librdkafka_does_not_know_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("kafka.conf");
    fs::write(&path, "no.such.setting=1\n").unwrap();
    let settings = format!("--kafka-settings={}", path.display());
    let output = undertone("classify", &[&sink("127.0.0.1:1"), &settings]);
    check_failure(&output, "no.such.setting");
    fs::write(&path, "nothing\n").unwrap();
    let output = undertone("classify", &[&sink("127.0.0.1:1"), &settings]);
    check_failure(&output, "line 1 is not `name=value`");
}

/// Whether it failed, and said so in one line.
#[track_caller]
fn check_failure(output: &Output, expected: &str) {
    let err = str::from_utf8(&output.stderr).unwrap();
    assert_eq!(
        (output.status.code(), err.lines().count()),
        (Some(1), 1),
        "{err}"
    );
    assert!(err.contains(expected), "{err}");
}
