//! Compression of captures, recognised by content.

use std::{
    fmt,
    io::{self, Cursor, ErrorKind, Read},
};

use flate2::read::MultiGzDecoder;

/// What a capture was compressed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compression {
    /// gzip, RFC 1952; several members one after another are one capture.
    Gzip,
    /// Zstandard, RFC 8878; several frames one after another are one capture.
    Zstd,
}

impl Compression {
    /// What the first bytes ask for.
    pub(super) fn of(head: &[u8]) -> Option<Self> {
        match head {
            [0x1f, 0x8b, 8, _, ..] => Some(Self::Gzip),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Some(Self::Zstd),
            _ => None,
        }
    }
}

impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        })
    }
}

type Source = Box<dyn Read + Send>;

/// Looks at the first bytes and puts a decompressor in front where they ask for one, which gives no
/// more than `most` bytes.
pub(super) fn expand(mut source: Source, most: u64) -> io::Result<(Source, Option<Compression>)> {
    let mut head = [0; 4];
    let mut found = 0;
    while found < head.len() {
        match source.read(&mut head[found..]) {
            Ok(0) => break,
            Ok(count) => found += count,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let whole = Cursor::new(head).take(found as u64).chain(source);
    let Some(compression) = Compression::of(&head[..found]) else {
        return Ok((Box::new(whole), None));
    };
    let expanded: Source = match compression {
        Compression::Gzip => Box::new(MultiGzDecoder::new(whole)),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(whole)?),
    };
    let bounded = Bounded {
        expanded,
        left: most,
    };
    Ok((Box::new(bounded), Some(compression)))
}

/// What a decompressor gives, up to a limit.
struct Bounded {
    expanded: Source,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.expanded.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or(ErrorKind::FileTooLarge)?;
        Ok(count)
    }
}
