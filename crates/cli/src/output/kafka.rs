//! Kafka: findings as messages of a topic.
//!
//! A message is the line that `--format json` has; its key is what tells the session from every
//! other, so that a partition has what is said of a session in order, and a compacted topic keeps
//! the last of it.

use std::{
    fs,
    path::Path,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use rdkafka::{
    ClientConfig, ClientContext,
    config::RDKafkaLogLevel,
    error::{KafkaError, RDKafkaErrorCode},
    message::{Header, OwnedHeaders},
    metadata::MetadataTopic,
    producer::{BaseProducer, BaseRecord, DeliveryResult, Producer, ProducerContext},
};

use super::{
    finding::Finding,
    identity::{Identity, community_id},
    record::Record,
    sink::Sink,
};
use crate::numbers::count;

/// Messages that may wait for the brokers, in number and in KiB.
const WAITING: [(&str, &str); 2] = [
    ("queue.buffering.max.messages", "16384"),
    ("queue.buffering.max.kbytes", "16384"),
];

/// How long to look for brokers at the beginning, at most.
const LOOKING: Duration = Duration::from_secs(10);

/// How long to wait for room before looking again.
const INTERVAL: Duration = Duration::from_millis(10);

/// Where messages go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic {
    /// `HOST:PORT`, with commas between them.
    brokers: String,
    name: String,
}

impl Topic {
    /// From `BROKERS/TOPIC`.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let (brokers, name) = text
            .rsplit_once('/')
            .filter(|(brokers, name)| !brokers.is_empty() && is_name(name))
            .ok_or(
                "give brokers and a topic, as `kafka:one.example:9092,two.example:9092/undertone`",
            )?;
        Ok(Self {
            brokers: brokers.to_owned(),
            name: name.to_owned(),
        })
    }
}

/// What Kafka takes for the name of a topic.
fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=249).contains(&text.len()) && text.bytes().all(is_allowed)
}

/// A producer of messages.
pub(super) struct Kafka {
    topic: Topic,
    producer: BaseProducer<Reports>,
    limit: Duration,
    sent: u64,
}

/// What brokers say of messages, and of themselves.
#[derive(Default)]
struct Reports {
    confirmed: AtomicU64,
    /// Why the first message failed that did.
    failure: Mutex<Option<KafkaError>>,
    /// What went wrong last with a connection.
    trouble: Mutex<Option<String>>,
}

impl ClientContext for Reports {
    fn log(&self, _: RDKafkaLogLevel, _: &str, _: &str) {}

    fn error(&self, error: KafkaError, reason: &str) {
        // That all are down comes behind what is the matter with each.
        if error.rdkafka_error_code() != Some(RDKafkaErrorCode::AllBrokersDown) {
            *lock(&self.trouble) = Some(reason.to_owned());
        }
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        match result {
            Ok(_) => {
                self.confirmed.fetch_add(1, Relaxed);
            }
            Err((error, _)) => {
                lock(&self.failure).get_or_insert_with(|| error.clone());
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Whoever panicked while holding it has left a whole value.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Kafka {
    /// A producer for that topic, which the brokers know; a message may wait for them as long as
    /// `limit`. `settings` is a file of further settings of librdkafka.
    pub(super) fn open(
        topic: &Topic,
        settings: Option<&Path>,
        limit: Duration,
    ) -> anyhow::Result<Self> {
        let Topic { brokers, name } = topic;
        let mut config = ClientConfig::new();
        config
            .set("client.id", "undertone")
            // No message twice, and none before the one sent before it.
            .set("enable.idempotence", "true");
        for (name, value) in WAITING {
            config.set(name, value);
        }
        if let Some(path) = settings {
            add_settings(path, &mut config)?;
        }
        config
            .set("bootstrap.servers", brokers)
            .set("message.timeout.ms", limit.as_millis().to_string());
        let producer: BaseProducer<Reports> = config
            .create_with_context(Reports::default())
            .map_err(|error| anyhow!("{error}"))
            .with_context(|| format!("cannot set up Kafka for `{brokers}`"))?;
        let kafka = Self {
            topic: topic.clone(),
            producer,
            limit,
            sent: 0,
        };
        kafka
            .look()
            .with_context(|| format!("cannot reach the topic `{name}` at `{brokers}`"))?;
        Ok(kafka)
    }

    /// Looks whether the brokers answer and have the topic.
    fn look(&self) -> anyhow::Result<()> {
        let client = self.producer.client();
        let found = client.fetch_metadata(Some(&self.topic.name), self.limit.min(LOOKING));
        self.producer.poll(INTERVAL);
        let metadata = found.map_err(|error| self.with_trouble(error))?;
        let error = metadata.topics().iter().find_map(MetadataTopic::error);
        match error.map(RDKafkaErrorCode::from) {
            // It is being made.
            None | Some(RDKafkaErrorCode::LeaderNotAvailable) => Ok(()),
            Some(error) => Err(anyhow!(
                "{error}; make the topic, or let brokers make topics (`auto.create.topics.enable`)"
            )),
        }
    }

    /// Fails if a message has failed; what else is on its way is waited for a little.
    fn check(&mut self) -> anyhow::Result<()> {
        if lock(&self.reports().failure).is_some() {
            return self.settle(Duration::from_secs(1));
        }
        Ok(())
    }

    /// Waits until every message is confirmed, but not longer than that.
    fn settle(&mut self, limit: Duration) -> anyhow::Result<()> {
        let flushed = self.producer.flush(limit);
        let missing = self.sent - self.reports().confirmed.load(Relaxed);
        if missing == 0 {
            return Ok(());
        }
        let failure = lock(&self.reports().failure).take();
        let reason = failure
            .or(flushed.err())
            .map(|error| self.with_trouble(error));
        let Topic { brokers, name } = &self.topic;
        let (missing, sent) = (count(missing), count(std::mem::take(&mut self.sent)));
        self.reports().confirmed.store(0, Relaxed);
        Err(reason.unwrap_or_else(|| anyhow!("no reason is known"))).with_context(|| {
            format!(
                "{missing} of {sent} records were not confirmed by `{brokers}` for the topic `{name}`"
            )
        })
    }

    fn with_trouble(&self, error: KafkaError) -> anyhow::Error {
        let error = match error.rdkafka_error_code() {
            Some(code) => code.to_string(),
            None => error.to_string(),
        };
        match lock(&self.reports().trouble).take() {
            Some(trouble) => anyhow!("{error}; {trouble}"),
            None => anyhow!(error),
        }
    }

    fn reports(&self) -> &Reports {
        self.producer.context()
    }
}

impl Sink for Kafka {
    /// Waits where too many messages wait for the brokers.
    fn write(&mut self, finding: &Finding<'_>) -> anyhow::Result<()> {
        let key = Identity::of(finding.session).name();
        let line = serde_json::to_string(&Record::of(finding))?;
        let community_id = community_id(&finding.session.five_tuple);
        let header = Header {
            key: "community_id",
            value: Some(&community_id),
        };
        let topic = self.topic.name.clone();
        let mut record = BaseRecord::to(&topic)
            .key(&key)
            .payload(&line)
            .headers(OwnedHeaders::new().insert(header));
        self.producer.poll(Duration::ZERO);
        loop {
            self.check()?;
            match self.producer.send(record) {
                Ok(()) => break,
                Err((error, refused)) if is_full(&error) => {
                    record = refused;
                    self.producer.poll(INTERVAL);
                }
                Err((error, _)) => {
                    let Topic { brokers, name } = &self.topic;
                    let error = self.with_trouble(error);
                    return Err(error.context(format!(
                        "cannot write into the topic `{name}` at `{brokers}`"
                    )));
                }
            }
        }
        self.sent += 1;
        Ok(())
    }

    /// What is held is on its way; hears of what has arrived.
    fn flush(&mut self) -> anyhow::Result<()> {
        self.producer.poll(Duration::from_millis(1));
        self.check()
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        // The last one may be given up when its time has passed, and this shall be heard of.
        self.settle(self.limit + Duration::from_secs(1))
    }
}

fn is_full(error: &KafkaError) -> bool {
    matches!(
        error,
        KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull)
    )
}

/// Lines of `name=value`, as kcat and librdkafka's other programs read them.
fn add_settings(path: &Path, config: &mut ClientConfig) -> anyhow::Result<()> {
    let named = || format!("cannot read `{}`", path.display());
    let text = fs::read_to_string(path).with_context(named)?;
    for (number, line) in (1..).zip(text.lines().map(str::trim)) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else {
            bail!("{}: line {number} is not `name=value`", named());
        };
        config.set(name.trim(), value.trim());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(&str, &str)>) {
        let found = Topic::parse(text).ok();
        let expected = expected.map(|(brokers, name)| Topic {
            brokers: brokers.to_owned(),
            name: name.to_owned(),
        });
        assert_eq!(found, expected);
    }

    #[test]
    fn brokers_stand_before_the_topic() {
        check("one:9092,two/flows", Some(("one:9092,two", "flows")));
        check("[::1]:9092/a.b_c-1", Some(("[::1]:9092", "a.b_c-1")));
        check("ssl://one:9093/flows", Some(("ssl://one:9093", "flows")));
    }

    #[test]
    fn a_topic_must_have_a_name_that_kafka_takes() {
        check("one:9092", None);
        check("one:9092/", None);
        check("/flows", None);
        check("one:9092/two words", None);
    }
}
