//! The IDX container: a big-endian header, then values; gzipped or not.

use std::{
    fs::File,
    io::{self, BufReader, Chain, Cursor, Read},
    path::Path,
};

use flate2::read::MultiGzDecoder;

/// The longest row that is read, in bytes: far above any image of a session.
const LONGEST_ROW: u64 = 1 << 24;

/// An IDX file that is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IdxError {
    /// It cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file.
        path: String,
        /// What went wrong.
        source: io::Error,
    },
    /// It is no IDX file of bytes.
    #[error("`{path}` is no IDX file of bytes: {reason}")]
    Header {
        /// The file.
        path: String,
        /// What is wrong with its header.
        reason: String,
    },
    /// It ends before its last value.
    #[error("`{path}` announces {announced} rows and ends in row {row}")]
    Short {
        /// The file.
        path: String,
        /// Rows that the header announces.
        announced: u64,
        /// The row it ends in, counted from 0.
        row: u64,
    },
    /// It goes on after its last value.
    #[error("`{path}` goes on after the {announced} rows that it announces")]
    Long {
        /// The file.
        path: String,
        /// Rows that the header announces.
        announced: u64,
    },
    /// Images and labels are not one to one.
    #[error(
        "`{images}` has {rows} rows, `{labels}` has {count} labels; they do not belong together"
    )]
    Pair {
        /// The images.
        images: String,
        /// Their number.
        rows: u64,
        /// The labels.
        labels: String,
        /// Their number.
        count: u64,
    },
    /// A label that no class has.
    #[error(
        "`{path}` row {row} has label {label}, there are {classes} classes; name one for each label"
    )]
    Label {
        /// The file.
        path: String,
        /// The row, counted from 0.
        row: u64,
        /// The label.
        label: u8,
        /// How many classes there are.
        classes: usize,
    },
    /// Rows of another length than those before.
    #[error("`{path}` has rows of {found} bytes, the first images have {expected}")]
    RowLength {
        /// The file.
        path: String,
        /// Bytes of its rows.
        found: usize,
        /// Bytes of the first images' rows.
        expected: usize,
    },
    /// A row that is no head of a pcap file.
    #[error("`{path}` row {row} is no head of a pcap file; take rows as they are with `--raw`")]
    NotPcap {
        /// The file.
        path: String,
        /// The row, counted from 0.
        row: u64,
    },
    /// The index does not know a row.
    #[error("the index has no line for row {row} of split `{split}`")]
    NoIndexLine {
        /// The split.
        split: String,
        /// The row, counted from 0.
        row: u64,
    },
    /// The index is of something else.
    #[error(
        "the index says that row {row} of split `{split}` is `{index}`, its label says `{label}`; the index is of other files, or the classes are in another order"
    )]
    IndexClass {
        /// The split.
        split: String,
        /// The row, counted from 0.
        row: u64,
        /// The class in the index.
        index: String,
        /// The class by its label.
        label: String,
    },
}

type Source = Chain<Cursor<Vec<u8>>, Box<dyn Read + Send>>;

/// Reads the rows of an IDX file of bytes, one after another.
///
/// Nothing is allocated by what the header claims: a row at most, and that is bounded.
pub struct IdxReader {
    source: Box<dyn Read + Send>,
    path: String,
    rows: u64,
    row_length: usize,
    next: u64,
}

impl IdxReader {
    /// Opens a file; gzip is recognised by content.
    ///
    /// # Errors
    ///
    /// If it cannot be read or its header makes no sense.
    pub fn open(path: &Path) -> Result<Self, IdxError> {
        let shown = path.display().to_string();
        let file = File::open(path).map_err(|source| IdxError::Io {
            path: shown.clone(),
            source,
        })?;
        Self::new(Box::new(BufReader::new(file)), &shown)
    }

    /// Reads the header of `source`; `path` is for messages.
    ///
    /// # Errors
    ///
    /// If it cannot be read or its header makes no sense.
    pub fn new(source: Box<dyn Read + Send>, path: &str) -> Result<Self, IdxError> {
        let failed = |source| IdxError::Io {
            path: path.to_owned(),
            source,
        };
        let refuse = |reason: String| IdxError::Header {
            path: path.to_owned(),
            reason,
        };
        let mut source = decompressed(source).map_err(failed)?;
        let mut number = || -> Result<u32, IdxError> {
            let mut bytes = [0; 4];
            source.read_exact(&mut bytes).map_err(|error| {
                if error.kind() == io::ErrorKind::UnexpectedEof {
                    refuse("it ends in its header".to_owned())
                } else {
                    failed(error)
                }
            })?;
            Ok(u32::from_be_bytes(bytes))
        };
        let [zero, other_zero, kind, dimensions] = number()?.to_be_bytes();
        if (zero, other_zero) != (0, 0) {
            return Err(refuse(format!(
                "it begins with {zero:02x} {other_zero:02x} and not with 00 00"
            )));
        }
        if kind != 0x08 {
            return Err(refuse(format!(
                "its values are of kind {kind:#04x}, not bytes (0x08)"
            )));
        }
        if !(1..=4).contains(&dimensions) {
            return Err(refuse(format!(
                "it has {dimensions} dimensions, not 1 to 4"
            )));
        }
        let rows = u64::from(number()?);
        let mut row_length = 1_u64;
        for _ in 1..dimensions {
            row_length = row_length.saturating_mul(u64::from(number()?));
        }
        if row_length == 0 || row_length > LONGEST_ROW {
            return Err(refuse(format!("its rows would be {row_length} bytes long")));
        }
        Ok(Self {
            source,
            path: path.to_owned(),
            rows,
            row_length: row_length as usize,
            next: 0,
        })
    }

    /// How many rows the header announces.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Bytes of a row.
    pub fn row_length(&self) -> usize {
        self.row_length
    }

    /// Reads the next row into `row`; false at the end.
    ///
    /// # Errors
    ///
    /// If the file cannot be read, or is shorter or longer than its header says.
    pub fn next_row(&mut self, row: &mut Vec<u8>) -> Result<bool, IdxError> {
        if self.next == self.rows {
            let mut byte = [0];
            return match self.read_full(&mut byte)? {
                0 => Ok(false),
                _ => Err(IdxError::Long {
                    path: self.path.clone(),
                    announced: self.rows,
                }),
            };
        }
        row.resize(self.row_length, 0);
        if self.read_full(row)? < self.row_length {
            return Err(IdxError::Short {
                path: self.path.clone(),
                announced: self.rows,
                row: self.next,
            });
        }
        self.next += 1;
        Ok(true)
    }

    /// Reads until the buffer is full or the file ends; how much that was.
    fn read_full(&mut self, buffer: &mut [u8]) -> Result<usize, IdxError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.source.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(count) => filled += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // A cut-off gzip member: what was there has been read.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => break,
                Err(source) => {
                    return Err(IdxError::Io {
                        path: self.path.clone(),
                        source,
                    });
                }
            }
        }
        Ok(filled)
    }
}

/// The source, unpacked if its first bytes are gzip's.
fn decompressed(mut source: Box<dyn Read + Send>) -> io::Result<Box<dyn Read + Send>> {
    let mut head = Vec::new();
    (&mut source).take(2).read_to_end(&mut head)?;
    let is_gzip = head == [0x1f, 0x8b];
    let whole: Source = Cursor::new(head).chain(source);
    Ok(if is_gzip {
        Box::new(BufReader::new(MultiGzDecoder::new(whole)))
    } else {
        Box::new(whole)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The one place that calls the API: the rows of these bytes, or the refusal.
    #[track_caller]
    fn check(bytes: &[u8], expected: Result<&[&[u8]], &str>) {
        let read = || -> Result<Vec<Vec<u8>>, IdxError> {
            let mut reader = IdxReader::new(Box::new(Cursor::new(bytes.to_vec())), "x")?;
            let (mut rows, mut row) = (Vec::new(), Vec::new());
            while reader.next_row(&mut row)? {
                rows.push(row.clone());
            }
            Ok(rows)
        };
        let expected = expected
            .map(|rows| rows.iter().map(|row| row.to_vec()).collect())
            .map_err(str::to_owned);
        assert_eq!(read().map_err(|error| error.to_string()), expected);
    }

    /// Two images of two bytes each.
    const TWO: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 2, 3, 4];

    #[test]
    fn images_are_rows_of_bytes() {
        check(TWO, Ok(&[&[1, 2], &[3, 4]]));
    }

    #[test]
    fn gzip_is_recognised_by_content() {
        use std::io::Write;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(TWO).unwrap();
        check(&packed.finish().unwrap(), Ok(&[&[1, 2], &[3, 4]]));
    }

    #[test]
    fn a_short_file_is_refused_in_its_row() {
        check(&TWO[..19], Err("`x` announces 2 rows and ends in row 1"));
    }

    #[test]
    fn a_long_file_is_refused() {
        check(
            &[TWO, &[0]].concat(),
            Err("`x` goes on after the 2 rows that it announces"),
        );
    }

    #[test]
    fn a_header_that_claims_four_billion_rows_allocates_nothing() {
        let mut lie = TWO.to_vec();
        lie[4..8].fill(0xff);
        check(&lie, Err("`x` announces 4294967295 rows and ends in row 2"));
    }

    #[test]
    fn a_header_that_claims_giant_rows_is_refused() {
        let mut lie = TWO.to_vec();
        lie[8..16].fill(0xff);
        check(
            &lie,
            Err("`x` is no IDX file of bytes: its rows would be 18446744065119617025 bytes long"),
        );
    }

    #[test]
    fn other_files_are_refused() {
        check(
            b"PAR1",
            Err("`x` is no IDX file of bytes: it begins with 50 41 and not with 00 00"),
        );
        check(
            &[0, 0, 13, 1],
            Err("`x` is no IDX file of bytes: its values are of kind 0x0d, not bytes (0x08)"),
        );
        check(
            &[],
            Err("`x` is no IDX file of bytes: it ends in its header"),
        );
    }
}
