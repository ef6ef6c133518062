//! `samples.parquet`: written row by row, rewritten with a split, read whole.

mod facts;
mod packets;

use std::{
    fs::File,
    io::Write,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    sync::Arc,
};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, DictionaryArray, Int32Array, RecordBatch,
        StringArray,
    },
    compute::{cast, filter_record_batch},
    datatypes::{
        DataType, Int32Type, SchemaRef, TimestampNanosecondType, UInt16Type, UInt32Type, UInt64Type,
    },
};
use parquet::{
    arrow::{
        ArrowWriter, ProjectionMask,
        arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder},
    },
    basic::{Compression, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties},
    schema::types::ColumnPath,
};
use serde::de::DeserializeOwned;
use traffic::{
    link::LinkType,
    packet::{FiveTuple, Protocol},
    timestamp::Timestamp,
};

pub(crate) use self::facts::{read_facts, read_facts_by_side};
use self::packets::PacketColumns;
use super::{
    DatasetError, LabelledSlices, Manifest, Origin, Rows, Split,
    columns::{Columns, Form},
    provenance::PREAMBLE,
    row::Row,
};
use crate::checksum::SummedSource;

/// Rows of a row group: what a writer holds in memory, some 8 MB.
const GROUP_ROWS: usize = 4096;

/// How samples are compressed and which columns get an index.
fn properties() -> WriterProperties {
    // Slices hardly repeat and nobody looks for the smallest one: no dictionary, no bounds.
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_created_by(concat!("undertone ", env!("CARGO_PKG_VERSION")).to_owned())
        .set_column_dictionary_enabled(ColumnPath::from("slice"), false)
        .set_column_statistics_enabled(ColumnPath::from("slice"), EnabledStatistics::None)
        .build()
}

/// Writes rows to a Parquet file, a row group at a time.
pub struct SamplesWriter {
    columns: Columns,
    writer: ArrowWriter<File>,
    path: String,
}

impl SamplesWriter {
    /// A writer to a new file.
    ///
    /// # Errors
    ///
    /// If the file cannot be made.
    pub fn create(path: &Path, form: Form) -> Result<Self, DatasetError> {
        let file = File::create(path).map_err(DatasetError::write(path))?;
        let writer = ArrowWriter::try_new(file, form.schema(), Some(properties()))
            .map_err(DatasetError::samples(path))?;
        Ok(Self {
            columns: Columns::new(form),
            writer,
            path: path.display().to_string(),
        })
    }

    /// Adds a row.
    ///
    /// # Errors
    ///
    /// If the row does not fit the dataset, or cannot be written.
    pub fn push(&mut self, row: &Row) -> Result<(), DatasetError> {
        let named = DatasetError::samples(Path::new(&self.path));
        self.columns.push(row).map_err(named)?;
        if self.columns.len() >= GROUP_ROWS {
            self.flush()?;
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), DatasetError> {
        let path = Path::new(&self.path);
        let batch = self.columns.take().map_err(DatasetError::samples(path))?;
        self.writer
            .write(&batch)
            .map_err(DatasetError::samples(path))
    }

    /// Writes what waits and the footer.
    ///
    /// # Errors
    ///
    /// If it cannot be written.
    pub fn close(mut self) -> Result<(), DatasetError> {
        if !self.columns.is_empty() {
            self.flush()?;
        }
        let named = DatasetError::samples(Path::new(&self.path));
        self.writer.close().map(drop).map_err(named)
    }
}

/// Writes the rows of `sources`, one file after another, with the side each sample was given.
///
/// `sides` has an entry for each row: none leaves it out. Memory holds one row group.
///
/// # Errors
///
/// If a file cannot be read or written.
pub(crate) fn rewrite<'a>(
    sources: impl IntoIterator<Item = &'a Path>,
    sides: &[Option<Split>],
    schema: &SchemaRef,
    path: &Path,
) -> Result<(), DatasetError> {
    let file = File::create(path).map_err(DatasetError::write(path))?;
    let mut writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties()))
        .map_err(DatasetError::samples(path))?;
    let mut from = 0;
    for source in sources {
        for batch in batches(source, None)? {
            let batch = batch.map_err(DatasetError::samples(source))?;
            let sides = &sides[from..from + batch.num_rows()];
            from += batch.num_rows();
            let batch = with_split(&batch, sides).map_err(DatasetError::samples(path))?;
            writer.write(&batch).map_err(DatasetError::samples(path))?;
        }
    }
    let file = writer.into_inner().map_err(DatasetError::samples(path))?;
    (&file).flush().map_err(DatasetError::write(path))?;
    file.sync_all().map_err(DatasetError::write(path))
}

/// The rows that have a side, with it.
fn with_split(
    batch: &RecordBatch,
    sides: &[Option<Split>],
) -> Result<RecordBatch, arrow::error::ArrowError> {
    let keep: BooleanArray = sides.iter().map(|side| Some(side.is_some())).collect();
    let keys: Int32Array = sides.iter().flatten().map(|&side| side as i32).collect();
    let names = StringArray::from(Split::ALL.map(Split::name).to_vec());
    let split: ArrayRef = Arc::new(DictionaryArray::<Int32Type>::try_new(
        keys,
        Arc::new(names),
    )?);
    let kept = filter_record_batch(batch, &keep)?;
    let at = kept.schema().index_of("split")?;
    let mut columns = kept.columns().to_vec();
    columns[at] = split;
    RecordBatch::try_new(kept.schema(), columns)
}

/// Reads the named columns, or all.
fn batches(
    path: &Path,
    columns: Option<&[&str]>,
) -> Result<ParquetRecordBatchReader, DatasetError> {
    let file = File::open(path).map_err(DatasetError::io(path))?;
    let mut builder = ParquetRecordBatchReaderBuilder::try_new(file)
        .map_err(DatasetError::samples(path))?
        .with_batch_size(GROUP_ROWS);
    if let Some(columns) = columns {
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask);
    }
    builder.build().map_err(DatasetError::samples(path))
}

/// Reads the rows of every split, after checking that the file is the manifest's.
pub(crate) fn read(path: &Path, manifest: &Manifest) -> Result<[Rows; 3], DatasetError> {
    if checksum(path)? != manifest.samples_sha256 {
        return Err(DatasetError::Checksum {
            path: path.display().to_string(),
        });
    }
    let mut rows = [(); 3].map(|()| Rows {
        samples: LabelledSlices {
            slice_length: manifest.slice_length,
            ..LabelledSlices::default()
        },
        origins: Vec::new(),
    });
    for batch in batches(path, Some(&READ))? {
        let batch = batch.map_err(DatasetError::samples(path))?;
        read_batch(&batch, manifest, &mut rows).map_err(DatasetError::samples(path))?;
    }
    Ok(rows)
}

/// The columns that training and evaluation need.
const READ: [&str; 24] = [
    "label",
    "split",
    "capture",
    "row",
    "group",
    "start",
    "protocol",
    "client_address",
    "client_port",
    "server_address",
    "server_port",
    "link_type",
    "packets",
    "bytes",
    "background",
    "plaintext",
    "slice",
    "packet_direction",
    "packet_length",
    "packet_payload_length",
    "packet_offset_nanoseconds",
    "statistics_centime",
    "statistics_time",
    "packet_slices",
];

fn read_batch(
    batch: &RecordBatch,
    manifest: &Manifest,
    rows: &mut [Rows; 3],
) -> Result<(), String> {
    let number = |name| column(batch, name).map(AsArray::as_primitive::<UInt32Type>);
    let count = |name| column(batch, name).map(AsArray::as_primitive::<UInt64Type>);
    let port = |name| column(batch, name).map(AsArray::as_primitive::<UInt16Type>);
    let (label, capture, row) = (number("label")?, number("capture")?, number("row")?);
    let link_type = number("link_type")?;
    let (packets, bytes) = (count("packets")?, count("bytes")?);
    let ports = [port("client_port")?, port("server_port")?];
    let start = column(batch, "start")?.as_primitive::<TimestampNanosecondType>();
    let split = text(batch, "split")?;
    let group = text(batch, "group")?;
    let protocol = text(batch, "protocol")?;
    let background = text(batch, "background")?;
    let plaintext = text_if_there(batch, "plaintext")?;
    let addresses = [
        text(batch, "client_address")?,
        text(batch, "server_address")?,
    ];
    let slice = column(batch, "slice")?.as_fixed_size_binary();
    if slice.value_length() as usize != manifest.slice_length {
        return Err(format!(
            "slices are {} bytes long, the manifest says {}",
            slice.value_length(),
            manifest.slice_length
        ));
    }
    let packet_columns = PacketColumns::of(batch)?;
    for at in 0..batch.num_rows() {
        if label.value(at) as usize >= manifest.classes.len() {
            return Err(format!("label {} has no class", label.value(at)));
        }
        let end = |side: usize| -> Result<SocketAddr, String> {
            if addresses[side].is_null(at) {
                return Ok(SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 0));
            }
            let address = addresses[side].value(at);
            let ip: IpAddr = address
                .parse()
                .map_err(|_| format!("`{address}` is no address"))?;
            Ok(SocketAddr::new(ip, ports[side].value(at)))
        };
        let side: Split = split
            .value(at)
            .parse()
            .map_err(|error| format!("{error}"))?;
        let rows = &mut rows[side as usize];
        rows.samples.labels.push(label.value(at));
        rows.samples.slices.extend_from_slice(slice.value(at));
        let link_type = LinkType(link_type.value(at));
        rows.samples.link_types.push(link_type);
        packet_columns.push(at, &mut rows.samples)?;
        let five_tuple = FiveTuple {
            protocol: if protocol.is_null(at) {
                Protocol::Udp
            } else {
                named(protocol.value(at))?
            },
            source: end(0)?,
            destination: end(1)?,
        };
        rows.samples.five_tuples.push(five_tuple);
        rows.origins.push(Origin {
            capture: capture.value(at),
            row: row.is_valid(at).then(|| row.value(at)),
            group: group.value(at).to_owned(),
            five_tuple,
            link_type,
            start: Timestamp::from_nanoseconds(start.value(at)),
            packets: packets.value(at),
            bytes: bytes.value(at),
            background: background
                .is_valid(at)
                .then(|| named(background.value(at)))
                .transpose()?,
            has_preamble: plaintext
                .as_ref()
                .is_some_and(|column| column.is_valid(at) && column.value(at) == PREAMBLE),
        });
    }
    Ok(())
}

/// The columns of a file.
pub(crate) fn schema(path: &Path) -> Result<SchemaRef, DatasetError> {
    let file = File::open(path).map_err(DatasetError::io(path))?;
    let builder = ParquetRecordBatchReaderBuilder::try_new(file);
    Ok(Arc::clone(
        builder.map_err(DatasetError::samples(path))?.schema(),
    ))
}

/// SHA-256 of a file, in hexadecimal.
pub(crate) fn checksum(path: &Path) -> Result<String, DatasetError> {
    let file = File::open(path).map_err(DatasetError::io(path))?;
    let (sum, _) = SummedSource::new(file)
        .finish()
        .map_err(DatasetError::io(path))?;
    Ok(sum)
}

fn column<'a>(batch: &'a RecordBatch, name: &str) -> Result<&'a ArrayRef, String> {
    let column = batch
        .column_by_name(name)
        .ok_or_else(|| format!("column `{name}` is missing"))?;
    let form = Form {
        classes: Vec::new(),
        slice_length: 0,
        has_packet_slices: true,
        has_provenance: true,
    };
    let schema = form.schema();
    let expected = schema
        .field_with_name(name)
        .map_err(|error| error.to_string())?;
    let fits = match (expected.data_type(), column.data_type()) {
        (DataType::FixedSizeBinary(_), DataType::FixedSizeBinary(_)) => true,
        (DataType::List(expected), DataType::List(found)) => {
            matches!(
                (expected.data_type(), found.data_type()),
                (DataType::FixedSizeBinary(_), DataType::FixedSizeBinary(_))
            ) || expected == found
        }
        (expected, found) => expected == found,
    };
    if fits {
        Ok(column)
    } else {
        Err(format!(
            "column `{name}` is of type {}, not {}",
            column.data_type(),
            expected.data_type()
        ))
    }
}

/// A column of text, its dictionary resolved.
fn text(batch: &RecordBatch, name: &str) -> Result<StringArray, String> {
    let plain = cast(column(batch, name)?, &DataType::Utf8).map_err(|error| error.to_string())?;
    Ok(plain.as_string::<i32>().clone())
}

/// A column of text that not every dataset has.
fn text_if_there(batch: &RecordBatch, name: &str) -> Result<Option<StringArray>, String> {
    let is_there = batch.column_by_name(name).is_some();
    is_there.then(|| text(batch, name)).transpose()
}

/// A value by the name that serde gives it.
fn named<T: DeserializeOwned>(name: &str) -> Result<T, String> {
    serde_json::from_value(name.into()).map_err(|error| format!("`{name}`: {error}"))
}
