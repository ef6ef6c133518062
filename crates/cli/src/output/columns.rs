//! Findings as columns of Parquet.

use std::{fs::File, sync::Arc};

use arrow::{
    array::{
        ArrayRef, Float64Builder, RecordBatch, StringBuilder, StringDictionaryBuilder,
        TimestampNanosecondBuilder, UInt16Builder, UInt64Builder,
    },
    datatypes::{DataType, Field, Int32Type, Schema, TimeUnit},
    error::ArrowError,
};
use parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    errors::ParquetError,
    file::properties::WriterProperties,
};

use super::{finding::Finding, identity::community_id};

/// Rows that are held before they are written together.
const ROWS: usize = 8_192;

type Names = StringDictionaryBuilder<Int32Type>;

/// A file of Parquet that is being written.
pub(super) struct Columns {
    writer: ArrowWriter<File>,
    schema: Arc<Schema>,
    rows: usize,
    times: [TimestampNanosecondBuilder; 2],
    addresses: [StringBuilder; 2],
    ports: [UInt16Builder; 2],
    community_id: StringBuilder,
    /// Packets, bytes, those of them that are forward, and bytes of payload.
    counts: [UInt64Builder; 5],
    confidence: Float64Builder,
    /// In the order of [`NAMES`].
    names: [Names; 10],
}

const COUNTS: [&str; 5] = [
    "packets",
    "bytes",
    "forward_packets",
    "forward_bytes",
    "payload_bytes",
];

const NAMES: [&str; 10] = [
    "protocol",
    "verdict",
    "class",
    "nearest",
    "background",
    "end_reason",
    "moment",
    "capture",
    "model",
    "policy",
];

impl Columns {
    /// An empty file.
    pub(super) fn create(file: File) -> Result<Self, ParquetError> {
        let schema = Arc::new(schema());
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .build();
        let builder = || TimestampNanosecondBuilder::new().with_timezone("UTC");
        Ok(Self {
            writer: ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties))?,
            schema,
            rows: 0,
            times: [builder(), builder()],
            addresses: Default::default(),
            ports: Default::default(),
            community_id: StringBuilder::new(),
            counts: Default::default(),
            confidence: Float64Builder::new(),
            names: Default::default(),
        })
    }

    /// Adds a row.
    pub(super) fn write(&mut self, finding: &Finding<'_>) -> Result<(), ParquetError> {
        let session = finding.session;
        for (column, time) in self.times.iter_mut().zip([session.start, session.end]) {
            column.append_value(time.nanoseconds());
        }
        let ends = [finding.client(), finding.server()];
        for (column, end) in self.addresses.iter_mut().zip(ends) {
            column.append_value(end.ip().to_string());
        }
        for (column, end) in self.ports.iter_mut().zip(ends) {
            column.append_value(end.port());
        }
        self.community_id
            .append_value(community_id(&session.five_tuple));
        let counts = [
            session.packets,
            session.bytes,
            session.forward.packets,
            session.forward.bytes,
            session.payload_bytes,
        ];
        for (column, count) in self.counts.iter_mut().zip(counts) {
            column.append_value(count);
        }
        self.confidence.append_option(finding.confidence());
        let names = [
            Some(session.five_tuple.protocol.name()),
            Some(finding.kind()),
            finding.class(),
            finding.nearest(),
            finding.background(),
            Some(session.end_reason.name()),
            Some(finding.moment.name()),
            Some(finding.capture),
            Some(finding.origin.model.as_str()),
            Some(finding.origin.policy.as_str()),
        ];
        for (column, name) in self.names.iter_mut().zip(names) {
            column.append_option(name);
        }
        self.rows += 1;
        if self.rows >= ROWS {
            self.write_rows()?;
        }
        Ok(())
    }

    /// Writes what is held and the end of the file, which is then whole.
    pub(super) fn end(mut self) -> Result<File, ParquetError> {
        self.write_rows()?;
        self.writer.into_inner()
    }

    fn write_rows(&mut self) -> Result<(), ParquetError> {
        self.rows = 0;
        let batch = self.batch()?;
        self.writer.write(&batch)
    }

    fn batch(&mut self) -> Result<RecordBatch, ArrowError> {
        let mut columns: Vec<ArrayRef> = Vec::new();
        columns.extend(
            self.times
                .iter_mut()
                .map(|one| Arc::new(one.finish()) as ArrayRef),
        );
        for (address, port) in self.addresses.iter_mut().zip(&mut self.ports) {
            columns.push(Arc::new(address.finish()));
            columns.push(Arc::new(port.finish()));
        }
        columns.push(Arc::new(self.community_id.finish()));
        columns.extend(
            self.counts
                .iter_mut()
                .map(|one| Arc::new(one.finish()) as ArrayRef),
        );
        columns.push(Arc::new(self.confidence.finish()));
        columns.extend(
            self.names
                .iter_mut()
                .map(|one| Arc::new(one.finish()) as ArrayRef),
        );
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}

/// Names as in datasets and records.
fn schema() -> Schema {
    let time = || DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
    let name = || DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let mut fields = vec![
        Field::new("start", time(), false),
        Field::new("end", time(), false),
        Field::new("client_address", DataType::Utf8, false),
        Field::new("client_port", DataType::UInt16, false),
        Field::new("server_address", DataType::Utf8, false),
        Field::new("server_port", DataType::UInt16, false),
        Field::new("community_id", DataType::Utf8, false),
    ];
    fields.extend(COUNTS.map(|count| Field::new(count, DataType::UInt64, false)));
    fields.push(Field::new("confidence", DataType::Float64, true));
    fields.extend(NAMES.map(|column| Field::new(column, name(), true)));
    Schema::new(fields)
}
