//! Captures: pcap and pcapng, plain or compressed, as a stream of frames.

use std::io::Read;

use crate::{link::LinkType, timestamp::Timestamp};

/// The bytes of one link-layer record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When it was captured.
    pub timestamp: Timestamp,
    /// What its first header is.
    pub link_type: LinkType,
    /// Which interface of the capture, counted from 0.
    pub interface: u32,
    /// Its length on the wire, in bytes; larger than `bytes.len()` if truncated.
    pub original_length: u32,
    /// What was captured of it.
    pub bytes: &'a [u8],
}

/// What kind of capture it is, found from its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaptureFormat {
    /// Classic pcap.
    Pcap,
    /// pcapng.
    Pcapng,
}

/// A capture that cannot be read further.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CaptureError {
    /// The bytes could not be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Reads frames from any byte source; format and compression are recognised by content.
pub struct CaptureReader {
    _source: Box<dyn Read + Send>,
}

impl CaptureReader {
    /// Recognises the source.
    ///
    /// # Errors
    ///
    /// If it is empty or no capture.
    pub fn new(source: Box<dyn Read + Send>) -> Result<Self, CaptureError> {
        Ok(Self { _source: source })
    }

    /// The next frame; `None` at the end.
    ///
    /// A capture cut off in its middle ends there: what is left of the last frame is delivered
    /// as a truncated frame, and [`CaptureReader::cut_short`] says so.
    ///
    /// # Errors
    ///
    /// If the capture stops making sense.
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, CaptureError> {
        todo!()
    }

    /// What kind of capture it is.
    pub fn format(&self) -> CaptureFormat {
        todo!()
    }

    /// Whether the capture ended inside a record.
    pub fn cut_short(&self) -> bool {
        todo!()
    }
}
