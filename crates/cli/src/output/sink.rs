//! Sinks: where findings go beside standard output.

use std::{path::PathBuf, time::Duration};

use clap::{Args, ValueEnum};
use traffic::timestamp::Timestamp;

#[cfg(feature = "kafka")]
use super::kafka::{Kafka, Topic};
use super::{
    collector::{Collector, Transport},
    finding::Finding,
    folder::{FileFormat, Folder},
    lines::LineFormat,
};

/// The number that RFC 5612 sets aside for examples: nobody's, so nobody's elements are meant.
const EXAMPLE_ENTERPRISE: u32 = 32_473;

/// What takes findings.
pub(super) trait Sink {
    /// Takes one.
    fn write(&mut self, finding: &Finding<'_>) -> anyhow::Result<()>;

    /// It is that late by now.
    fn pass_time(&mut self, _now: Timestamp) -> anyhow::Result<()> {
        Ok(())
    }

    /// Gives away what it holds.
    fn flush(&mut self) -> anyhow::Result<()>;

    /// No finding is to come.
    fn finish(&mut self) -> anyhow::Result<()>;
}

/// Where findings go beside standard output.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Sinks")]
pub(crate) struct SinkArguments {
    /// Write verdicts there too; may be given several times
    ///
    /// `FORMAT:FOLDER` is files in a folder, as `json`, `csv`, `eve`, `zeek`, `zeek-json`, `parquet`
    /// or `ipfix`. `ipfix-udp:HOST:PORT` and `ipfix-tcp:HOST:PORT` send flow records to a collector.
    /// `kafka:HOST:PORT/TOPIC` sends lines of JSON to brokers, of which several have commas between
    /// them (in builds with the feature `kafka`).
    #[arg(long = "sink", value_name = "FORMAT:PLACE", value_parser = place)]
    sinks: Vec<Place>,
    /// Begin a new file when this time has passed, by the clock of the capture
    #[arg(long, default_value = "3600", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000))]
    rotate: u64,
    /// The private enterprise number of what IPFIX has no element for, such as the class; 32473 is
    /// for examples and nobody's (RFC 5612), so put your own there
    #[arg(long, default_value_t = EXAMPLE_ENTERPRISE, value_name = "NUMBER")]
    ipfix_enterprise: u32,
    /// How long a sink that is no folder may keep what it is given waiting, before the command ends
    /// with an error
    #[arg(long, default_value = "60", value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_600))]
    sink_timeout: u64,
    /// A file with further settings of librdkafka, a `name=value` a line: for logging in, and the like
    #[cfg(feature = "kafka")]
    #[arg(long, value_name = "FILE")]
    kafka_settings: Option<PathBuf>,
}

/// A sink as it is asked for.
#[derive(Debug, Clone)]
enum Place {
    Lines(LineFormat, PathBuf),
    Parquet(PathBuf),
    Ipfix(PathBuf),
    Collector(Transport, String),
    #[cfg(feature = "kafka")]
    Kafka(Topic),
}

impl SinkArguments {
    /// The sinks, with their folders made and their connections open.
    pub(super) fn open(&self) -> anyhow::Result<Vec<Box<dyn Sink>>> {
        self.sinks.iter().map(|place| self.sink(place)).collect()
    }

    fn sink(&self, place: &Place) -> anyhow::Result<Box<dyn Sink>> {
        let folder = |folder, format| -> anyhow::Result<Box<dyn Sink>> {
            Ok(Box::new(Folder::open(folder, format, self.rotate)?))
        };
        let limit = Duration::from_secs(self.sink_timeout);
        match place {
            Place::Lines(format, path) => folder(path, FileFormat::Lines(*format)),
            Place::Parquet(path) => folder(path, FileFormat::Parquet),
            Place::Ipfix(path) => folder(path, FileFormat::Ipfix(self.ipfix_enterprise)),
            Place::Collector(transport, address) => {
                let enterprise = self.ipfix_enterprise;
                let collector = Collector::open(*transport, address, enterprise, limit)?;
                Ok(Box::new(collector))
            }
            #[cfg(feature = "kafka")]
            Place::Kafka(topic) => {
                let settings = self.kafka_settings.as_deref();
                Ok(Box::new(Kafka::open(topic, settings, limit)?))
            }
        }
    }
}

fn place(text: &str) -> Result<Place, String> {
    let (format, place) = text
        .split_once(':')
        .filter(|(_, place)| !place.is_empty())
        .ok_or("give a format and a folder, as `eve:/var/log/undertone`")?;
    match format {
        "parquet" => Ok(Place::Parquet(place.into())),
        "ipfix" if has_port(place) => Err(format!(
            "a collector takes `ipfix-udp:{place}` or `ipfix-tcp:{place}`; a folder of that name is \
             `ipfix:./{place}`"
        )),
        "ipfix" => Ok(Place::Ipfix(place.into())),
        "ipfix-udp" => collector(Transport::Udp, place),
        "ipfix-tcp" => collector(Transport::Tcp, place),
        #[cfg(feature = "kafka")]
        "kafka" => Topic::parse(place).map(Place::Kafka),
        #[cfg(not(feature = "kafka"))]
        "kafka" => Err(
            "this build has no Kafka: `cargo build --release --workspace --features \
             undertone-cli/kafka` has it"
                .to_owned(),
        ),
        lines => {
            let known =
                "json, csv, eve, zeek, zeek-json, parquet, ipfix, ipfix-udp, ipfix-tcp, kafka";
            let format = LineFormat::from_str(lines, false);
            let format = format.map_err(|_| format!("give one of these formats: {known}"))?;
            Ok(Place::Lines(format, place.into()))
        }
    }
}

fn collector(transport: Transport, address: &str) -> Result<Place, String> {
    if has_port(address) {
        Ok(Place::Collector(transport, address.to_owned()))
    } else {
        Err("give a host and a port, as `ipfix-udp:collector.example:4739`".to_owned())
    }
}

/// Whether it ends in a port and has no folders in it.
fn has_port(text: &str) -> bool {
    let port = text.rsplit_once(':').map(|(_, port)| port);
    !text.contains('/') && port.is_some_and(|port| port.parse::<u16>().is_ok())
}
