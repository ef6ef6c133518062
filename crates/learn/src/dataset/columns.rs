//! Columns: the form of `samples.parquet`, one row a session.
//!
//! Names and types here are what Polars, `DuckDB` and pandas show; a change of theirs is a change
//! of [`super::manifest::SCHEMA`].

use std::sync::Arc;

use arrow::{
    array::{
        ArrayRef, FixedSizeBinaryBuilder, FixedSizeListBuilder, Float32Builder, Int8Builder,
        ListBuilder, RecordBatch, StringBuilder, StringDictionaryBuilder,
        TimestampNanosecondBuilder, UInt8Builder, UInt16Builder, UInt32Builder, UInt64Builder,
    },
    datatypes::{DataType, Field, Int32Type, Schema, SchemaRef, TimeUnit},
    error::ArrowError,
};
use serde::Serialize;
use traffic::{packet::Direction, session::Session};

use super::{
    Split,
    provenance::Provenance,
    row::{Content, Row},
};

/// What decides the form of the columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    /// Names of the classes, by label.
    pub classes: Vec<String>,
    /// Bytes of a slice.
    pub slice_length: usize,
    /// Whether rows have packet slices.
    pub has_packet_slices: bool,
    /// Whether rows know their run, site, application and tunnel.
    pub has_provenance: bool,
}

fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

fn list_of(value: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("item", value, false)))
}

fn fixed_list_of(value: DataType, length: usize) -> DataType {
    DataType::FixedSizeList(Arc::new(Field::new("item", value, false)), width(length))
}

/// A width as Arrow counts it; wider than that no slice is, and the first row would be refused.
fn width(length: usize) -> i32 {
    i32::try_from(length).unwrap_or(i32::MAX)
}

impl Form {
    /// The columns, in the order in which they are written.
    pub fn schema(&self) -> SchemaRef {
        use DataType::{
            FixedSizeBinary, Float32, Int8, Timestamp, UInt8, UInt16, UInt32, UInt64, Utf8,
        };
        let slice = FixedSizeBinary(width(self.slice_length));
        let instant = Timestamp(TimeUnit::Nanosecond, Some("UTC".into()));
        let mut fields = vec![
            Field::new("label", UInt32, false),
            Field::new("class", dictionary(), false),
            Field::new("split", dictionary(), false),
            Field::new("capture", UInt32, false),
            Field::new("row", UInt32, true),
            Field::new("group", dictionary(), false),
            Field::new("given_split", dictionary(), true),
            Field::new("start", instant.clone(), true),
            Field::new("end", instant, true),
            Field::new("protocol", dictionary(), true),
            Field::new("client_address", Utf8, true),
            Field::new("client_port", UInt16, true),
            Field::new("server_address", Utf8, true),
            Field::new("server_port", UInt16, true),
            Field::new("link_type", UInt32, true),
            Field::new("packets", UInt64, false),
            Field::new("bytes", UInt64, false),
            Field::new("payload_bytes", UInt64, false),
            Field::new("background", dictionary(), true),
            Field::new("end_reason", dictionary(), true),
            Field::new("tcp_flags_forward", UInt8, false),
            Field::new("tcp_flags_backward", UInt8, false),
            Field::new("slice", slice.clone(), false),
            Field::new("filled", UInt32, false),
            Field::new("packet_direction", list_of(Int8), false),
            Field::new("packet_length", list_of(UInt16), false),
            Field::new("packet_payload_length", list_of(UInt16), false),
            Field::new("packet_offset_nanoseconds", list_of(UInt64), false),
            Field::new("statistics_centime", fixed_list_of(Float32, 26), false),
            Field::new("statistics_time", fixed_list_of(Float32, 23), false),
        ];
        if self.has_packet_slices {
            fields.push(Field::new("packet_slices", list_of(slice), false));
        }
        if self.has_provenance {
            let column = |name| Field::new(name, dictionary(), true);
            fields.extend(Provenance::COLUMNS.map(column));
        }
        Arc::new(Schema::new(fields))
    }
}

type Dictionary = StringDictionaryBuilder<Int32Type>;

/// Collects rows and turns them into a batch of columns.
pub struct Columns {
    form: Form,
    schema: SchemaRef,
    rows: usize,
    label: UInt32Builder,
    class: Dictionary,
    split: Dictionary,
    capture: UInt32Builder,
    row: UInt32Builder,
    group: Dictionary,
    given_split: Dictionary,
    start: TimestampNanosecondBuilder,
    end: TimestampNanosecondBuilder,
    protocol: Dictionary,
    addresses: [StringBuilder; 2],
    ports: [UInt16Builder; 2],
    link_type: UInt32Builder,
    packets: UInt64Builder,
    bytes: UInt64Builder,
    payload_bytes: UInt64Builder,
    background: Dictionary,
    end_reason: Dictionary,
    tcp_flags: [UInt8Builder; 2],
    slice: FixedSizeBinaryBuilder,
    filled: UInt32Builder,
    packet_direction: ListBuilder<Int8Builder>,
    packet_length: ListBuilder<UInt16Builder>,
    packet_payload_length: ListBuilder<UInt16Builder>,
    packet_offset: ListBuilder<UInt64Builder>,
    centime: FixedSizeListBuilder<Float32Builder>,
    time: FixedSizeListBuilder<Float32Builder>,
    packet_slices: ListBuilder<FixedSizeBinaryBuilder>,
    provenance: [Dictionary; 5],
}

/// The spelling that serde gives a value with a name: the same in the manifest and here.
fn spelled(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        other => format!("{other:?}"),
    }
}

fn item(value: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", value, false))
}

impl Columns {
    /// Empty columns.
    pub fn new(form: Form) -> Self {
        let slice_length = width(form.slice_length);
        let instant = || TimestampNanosecondBuilder::new().with_timezone("UTC");
        Self {
            schema: form.schema(),
            rows: 0,
            label: UInt32Builder::new(),
            class: Dictionary::new(),
            split: Dictionary::new(),
            capture: UInt32Builder::new(),
            row: UInt32Builder::new(),
            group: Dictionary::new(),
            given_split: Dictionary::new(),
            start: instant(),
            end: instant(),
            protocol: Dictionary::new(),
            addresses: Default::default(),
            ports: Default::default(),
            link_type: UInt32Builder::new(),
            packets: UInt64Builder::new(),
            bytes: UInt64Builder::new(),
            payload_bytes: UInt64Builder::new(),
            background: Dictionary::new(),
            end_reason: Dictionary::new(),
            tcp_flags: Default::default(),
            slice: FixedSizeBinaryBuilder::new(slice_length),
            filled: UInt32Builder::new(),
            packet_direction: ListBuilder::new(Int8Builder::new()).with_field(item(DataType::Int8)),
            packet_length: ListBuilder::new(UInt16Builder::new())
                .with_field(item(DataType::UInt16)),
            packet_payload_length: ListBuilder::new(UInt16Builder::new())
                .with_field(item(DataType::UInt16)),
            packet_offset: ListBuilder::new(UInt64Builder::new())
                .with_field(item(DataType::UInt64)),
            centime: FixedSizeListBuilder::new(Float32Builder::new(), 26)
                .with_field(item(DataType::Float32)),
            time: FixedSizeListBuilder::new(Float32Builder::new(), 23)
                .with_field(item(DataType::Float32)),
            packet_slices: ListBuilder::new(FixedSizeBinaryBuilder::new(slice_length))
                .with_field(item(DataType::FixedSizeBinary(slice_length))),
            provenance: Default::default(),
            form,
        }
    }

    /// How many rows wait.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether no row waits.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// If a slice is not as long as the dataset's, or the label has no class.
    pub fn push(&mut self, row: &Row) -> Result<(), ArrowError> {
        let class = self.form.classes.get(row.label as usize).ok_or_else(|| {
            ArrowError::InvalidArgumentError(format!("label {} has no class", row.label))
        })?;
        self.label.append_value(row.label);
        self.class.append_value(class);
        // Every row needs a value; the side is known once all rows are.
        self.split.append_value(Split::Train.name());
        self.capture.append_value(row.capture);
        self.row.append_option(row.row);
        self.group.append_value(row.group.as_ref());
        self.given_split.append_option(row.given.map(Split::name));
        for (column, value) in self.provenance.iter_mut().zip(row.provenance.values()) {
            column.append_option(value);
        }
        self.slice.append_value(row.content.slice())?;
        match &row.content {
            Content::Session(session) => {
                self.filled.append_value(session.slice.filled() as u32);
                self.push_header(session);
                self.push_packets(session)?;
            }
            Content::Slice(bytes) => {
                let padding = bytes.iter().rev().take_while(|&&byte| byte == 0).count();
                self.filled.append_value((bytes.len() - padding) as u32);
                self.push_no_header();
                self.push_no_packets();
            }
        }
        self.rows += 1;
        Ok(())
    }

    /// Nulls for what is not known, zeros for what is counted.
    fn push_no_header(&mut self) {
        self.start.append_null();
        self.end.append_null();
        self.protocol.append_null();
        for side in 0..2 {
            self.addresses[side].append_null();
            self.ports[side].append_null();
            self.tcp_flags[side].append_value(0);
        }
        self.link_type.append_null();
        self.packets.append_value(0);
        self.bytes.append_value(0);
        self.payload_bytes.append_value(0);
        self.background.append_null();
        self.end_reason.append_null();
    }

    fn push_no_packets(&mut self) {
        self.packet_direction.append(true);
        self.packet_length.append(true);
        self.packet_payload_length.append(true);
        self.packet_offset.append(true);
        self.centime.values().append_slice(&[0.0; 26]);
        self.centime.append(true);
        self.time.values().append_slice(&[0.0; 23]);
        self.time.append(true);
        if self.form.has_packet_slices {
            self.packet_slices.append(true);
        }
    }

    fn push_header(&mut self, session: &Session) {
        self.start.append_value(session.start.nanoseconds());
        self.end.append_value(session.end.nanoseconds());
        let tuple = &session.five_tuple;
        self.protocol.append_value(spelled(&tuple.protocol));
        for (at, end) in [tuple.source, tuple.destination].into_iter().enumerate() {
            self.addresses[at].append_value(end.ip().to_string());
            self.ports[at].append_value(end.port());
            self.tcp_flags[at].append_value(session.tcp_flags[at]);
        }
        self.link_type.append_value(session.link_type.0);
        self.packets.append_value(session.packets);
        self.bytes.append_value(session.bytes);
        self.payload_bytes.append_value(session.payload_bytes);
        let background = session.background.map(|kind| spelled(&kind));
        self.background.append_option(background);
        self.end_reason.append_value(spelled(&session.end_reason));
    }

    fn push_packets(&mut self, session: &Session) -> Result<(), ArrowError> {
        for packet in &session.summaries {
            self.packet_direction
                .values()
                .append_value(match packet.direction {
                    Direction::Forward => 1,
                    Direction::Backward => -1,
                });
            self.packet_length.values().append_value(packet.length);
            self.packet_payload_length
                .values()
                .append_value(packet.payload_length);
            self.packet_offset
                .values()
                .append_value(packet.offset_nanoseconds);
        }
        self.packet_direction.append(true);
        self.packet_length.append(true);
        self.packet_payload_length.append(true);
        self.packet_offset.append(true);
        self.centime
            .values()
            .append_slice(&session.statistics.centime);
        self.centime.append(true);
        self.time.values().append_slice(&session.statistics.time);
        self.time.append(true);
        if self.form.has_packet_slices {
            for slice in &session.packet_slices {
                self.packet_slices.values().append_value(slice.bytes())?;
            }
            self.packet_slices.append(true);
        }
        Ok(())
    }

    /// The rows so far as one batch; the columns are empty afterwards.
    ///
    /// # Errors
    ///
    /// Only if a column does not have its declared form.
    pub fn take(&mut self) -> Result<RecordBatch, ArrowError> {
        self.rows = 0;
        let [client_address, server_address] = &mut self.addresses;
        let [client_port, server_port] = &mut self.ports;
        let [flags_forward, flags_backward] = &mut self.tcp_flags;
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(self.label.finish()),
            Arc::new(self.class.finish()),
            Arc::new(self.split.finish()),
            Arc::new(self.capture.finish()),
            Arc::new(self.row.finish()),
            Arc::new(self.group.finish()),
            Arc::new(self.given_split.finish()),
            Arc::new(self.start.finish()),
            Arc::new(self.end.finish()),
            Arc::new(self.protocol.finish()),
            Arc::new(client_address.finish()),
            Arc::new(client_port.finish()),
            Arc::new(server_address.finish()),
            Arc::new(server_port.finish()),
            Arc::new(self.link_type.finish()),
            Arc::new(self.packets.finish()),
            Arc::new(self.bytes.finish()),
            Arc::new(self.payload_bytes.finish()),
            Arc::new(self.background.finish()),
            Arc::new(self.end_reason.finish()),
            Arc::new(flags_forward.finish()),
            Arc::new(flags_backward.finish()),
            Arc::new(self.slice.finish()),
            Arc::new(self.filled.finish()),
            Arc::new(self.packet_direction.finish()),
            Arc::new(self.packet_length.finish()),
            Arc::new(self.packet_payload_length.finish()),
            Arc::new(self.packet_offset.finish()),
            Arc::new(self.centime.finish()),
            Arc::new(self.time.finish()),
        ];
        if self.form.has_packet_slices {
            columns.push(Arc::new(self.packet_slices.finish()));
        }
        for column in &mut self.provenance {
            let finished = column.finish();
            if self.form.has_provenance {
                columns.push(Arc::new(finished));
            }
        }
        RecordBatch::try_new(Arc::clone(&self.schema), columns)
    }
}
