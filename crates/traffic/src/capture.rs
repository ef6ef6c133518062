//! Captures: pcap and pcapng, plain or compressed, as a stream of frames.

mod compression;
mod error;
mod integers;
mod pcap;
mod pcapng;
mod window;

use std::{fmt, fs::File, io::Read, path::Path};

pub use compression::Compression;
pub use error::CaptureError;

use crate::{link::LinkType, timestamp::Timestamp};
use pcap::PcapReader;
use pcapng::PcapngReader;
use window::Window;

/// The longest frame that is believed, in bytes. The largest snap length in practice is 256 KiB.
pub const LONGEST_FRAME: u32 = 16 << 20;

/// The longest pcapng block that is believed, in bytes.
pub const LONGEST_BLOCK: u32 = 64 << 20;

/// The bytes of one link-layer record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When it was captured.
    pub timestamp: Timestamp,
    /// What its first header is.
    pub link_type: LinkType,
    /// Which interface of the capture, counted from 0 over all its sections.
    pub interface: u32,
    /// Its length on the wire, in bytes; larger than `bytes.len()` if truncated.
    pub original_length: u32,
    /// What was captured of it.
    pub bytes: &'a [u8],
}

impl Frame<'_> {
    /// Whether its captured length is below its original length.
    pub fn is_truncated(&self) -> bool {
        self.bytes.len() < self.original_length as usize
    }
}

/// What kind of capture it is, found from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureFormat {
    /// Classic pcap.
    Pcap,
    /// pcapng.
    Pcapng,
}

impl fmt::Display for CaptureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pcap => "pcap",
            Self::Pcapng => "pcapng",
        })
    }
}

enum FormatReader {
    Pcap(PcapReader),
    Pcapng(PcapngReader),
}

/// A frame whose bytes still lie at the front of the window.
struct FrameHead {
    timestamp: Timestamp,
    link_type: LinkType,
    interface: u32,
    original_length: u32,
    captured: usize,
}

/// Reads frames from any byte source; format and compression are recognised by content.
///
/// Memory is bounded: the window holds one record, and grows only as its bytes really arrive,
/// whatever a length field claims. A compressed source is expanded as a stream.
pub struct CaptureReader {
    window: Window,
    format: FormatReader,
    compression: Option<Compression>,
    finished: bool,
    cut_short: bool,
}

impl CaptureReader {
    /// Recognises the source.
    ///
    /// # Errors
    ///
    /// If it is empty or no capture.
    pub fn new(source: Box<dyn Read + Send>) -> Result<Self, CaptureError> {
        let (source, compression) = compression::expand(source)?;
        let mut window = Window::new(source);
        let available = window.fill(4)?;
        let start = window.bytes();
        let format = match *start {
            [] => {
                return Err(match compression {
                    Some(compression) if window.is_damaged() => {
                        CaptureError::CompressionCutShort { compression }
                    }
                    _ => CaptureError::Empty,
                });
            }
            [a, b, c, d, ..] => {
                let magic = [a, b, c, d];
                if magic == pcapng::SECTION_HEADER {
                    FormatReader::Pcapng(PcapngReader::new())
                } else if let Some(header) = pcap::Magic::of(magic) {
                    FormatReader::Pcap(PcapReader::new(header, &mut window)?)
                } else {
                    return Err(CaptureError::unknown_format(magic));
                }
            }
            _ => return Err(CaptureError::TooShort { found: available }),
        };
        Ok(Self {
            window,
            format,
            compression,
            finished: false,
            cut_short: false,
        })
    }

    /// Opens a file.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, is empty or no capture.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        Self::new(Box::new(File::open(path)?))
    }

    /// The next frame; `None` at the end.
    ///
    /// A capture cut off in its middle ends there: what is left of the last frame is delivered
    /// as a truncated frame, and [`CaptureReader::cut_short`] says so.
    ///
    /// # Errors
    ///
    /// If the capture stops making sense. After an error there are no more frames.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        if self.finished {
            return Ok(None);
        }
        let found = match &mut self.format {
            FormatReader::Pcap(reader) => reader.advance(&mut self.window),
            FormatReader::Pcapng(reader) => reader.advance(&mut self.window),
        };
        match found {
            Ok(Some(head)) => Ok(Some(Frame {
                timestamp: head.timestamp,
                link_type: head.link_type,
                interface: head.interface,
                original_length: head.original_length,
                bytes: &self.window.bytes()[..head.captured],
            })),
            Ok(None) => {
                self.finished = true;
                self.cut_short |= match &self.format {
                    FormatReader::Pcap(reader) => reader.cut_short,
                    FormatReader::Pcapng(reader) => reader.cut_short,
                } || self.window.is_damaged();
                Ok(None)
            }
            Err(error) => {
                self.finished = true;
                Err(match (error, self.compression) {
                    (CaptureError::Io(source), Some(compression)) => CaptureError::Expansion {
                        compression,
                        offset: self.window.position(),
                        source,
                    },
                    (error, _) => error,
                })
            }
        }
    }

    /// What kind of capture it is.
    pub fn format(&self) -> CaptureFormat {
        match self.format {
            FormatReader::Pcap(_) => CaptureFormat::Pcap,
            FormatReader::Pcapng(_) => CaptureFormat::Pcapng,
        }
    }

    /// What it was compressed with.
    pub fn compression(&self) -> Option<Compression> {
        self.compression
    }

    /// Whether the capture ended inside a record; known once `next_frame` has returned `None`.
    pub fn cut_short(&self) -> bool {
        self.cut_short
    }
}
