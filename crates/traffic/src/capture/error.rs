//! Why a capture cannot be read.

use super::Compression;

/// A capture that cannot be read further.
///
/// A malformed *packet* is not an error: it is counted and skipped. Only a stream
/// that stops making sense ends up here. The file's name is not: bytes may come
/// from a file, a pipe or memory, so the program adds it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The bytes could not be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// There is not a single byte.
    #[error("the capture is empty (0 bytes)")]
    Empty,
    /// Too short for a magic number.
    #[error("neither pcap nor pcapng: only {found} bytes long")]
    TooShort {
        /// Bytes there are.
        found: usize,
    },
    /// A compressed source that breaks off before it gives a single byte.
    #[error("the {compression} data break off before the capture begins")]
    CompressionCutShort {
        /// What it is compressed with.
        compression: Compression,
    },
    /// Compressed data that cannot be expanded.
    #[error(
        "the {compression} data are damaged after byte {offset} of what they expand to: {source}"
    )]
    Expansion {
        /// What it is compressed with.
        compression: Compression,
        /// Bytes expanded and used until then.
        offset: u64,
        /// What the decompressor says.
        source: std::io::Error,
    },
    /// Compressed data that expand to more than was allowed.
    #[error("the {compression} data expand to more than {most} bytes, which is the limit here")]
    ExpandsTooFar {
        /// What it is compressed with.
        compression: Compression,
        /// Bytes that were allowed.
        most: u64,
    },
    /// The first four bytes are no known magic number.
    #[error("neither pcap nor pcapng: the first bytes are {magic:#010x}{hint}")]
    UnknownFormat {
        /// The four bytes found, read big-endian.
        magic: u32,
        /// What they look like, and the remedy: empty, or beginning with a comma.
        hint: &'static str,
    },
    /// The file header is not whole.
    #[error("the file header needs {needed} bytes, {found} are there")]
    HeaderCutShort {
        /// Bytes of the header.
        needed: usize,
        /// Bytes there are.
        found: usize,
    },
    /// A record (pcap) or block (pcapng) that makes no sense.
    #[error("record {record} at byte {offset} makes no sense: {reason}")]
    BadRecord {
        /// Number of the record or block, counted from 0.
        record: u64,
        /// Its offset from the start of the (expanded) capture, in bytes.
        offset: u64,
        /// What was found and what was expected.
        reason: String,
    },
}

impl CaptureError {
    /// Says what the first bytes look like, where they are well known.
    pub(super) fn unknown_format(magic: [u8; 4]) -> Self {
        let hint = match magic {
            [0x1f, 0x8b, ..] | [0x28, 0xb5, 0x2f, 0xfd] => {
                ", it looks compressed twice: expand it once"
            }
            [b'B', b'Z', b'h', _] => ", it looks like bzip2: expand it first",
            [0xfd, b'7', b'z', b'X'] => ", it looks like xz: expand it first",
            [0x04, 0x22, 0x4d, 0x18] => ", it looks like lz4: expand it first",
            [b'P', b'K', ..] => ", it looks like zip: expand it first",
            [b'7', b'z', 0xbc, 0xaf] => ", it looks like 7-Zip: expand it first",
            [b's', b'n', b'o', b'o'] => ", it looks like snoop: convert it with `editcap -F pcap`",
            [b'R', b'T', b'S', b'S'] | [b'G', b'M', b'B', b'U'] | [b'X', b'C', b'P', 0] => {
                ", it looks like a Windows sniffer's format: convert it with `editcap -F pcap`"
            }
            [0x00, 0x00, 0x08, 0x03 | 0x01] => ", it looks like IDX: see `undertone import idx`",
            [b'v', b'e', b'r', b's'] => ", it looks like a Git LFS pointer: fetch the file itself",
            [b'P', b'A', b'R', b'1'] => ", it looks like Parquet",
            [b'<' | b'{' | b'#', ..] => ", it looks like text",
            _ => "",
        };
        Self::UnknownFormat {
            magic: u32::from_be_bytes(magic),
            hint,
        }
    }
}
