//! Captures: pcap and pcapng, plain or compressed, as a stream of frames.

mod compression;
mod error;
mod frames;
mod integers;
mod pcap;
mod pcapng;
mod window;

use std::{
    fmt,
    fs::File,
    io::{ErrorKind, Read},
    path::Path,
};

pub use compression::Compression;
pub use error::CaptureError;
pub use frames::Frames;
pub(crate) use frames::OwnedFrames;

use crate::{link::LinkType, memory::Mapping, timestamp::Timestamp};
use pcap::PcapReader;
use pcapng::PcapngReader;
use window::Window;

/// The longest frame that is believed, in bytes. The largest snap length in practice is 256 KiB.
pub const LONGEST_FRAME: u32 = 16 << 20;

/// The longest pcapng block that is believed, in bytes.
pub const LONGEST_BLOCK: u32 = 64 << 20;

/// Frames of a mapped capture that are given away at once.
const HANDED_OVER: usize = 512;

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

impl FormatReader {
    fn advance(&mut self, window: &mut Window) -> Result<Option<FrameHead>, CaptureError> {
        match self {
            Self::Pcap(reader) => reader.advance(window),
            Self::Pcapng(reader) => reader.advance(window),
        }
    }

    /// Takes what can be taken without reading, where that is quicker than one by one.
    fn advance_in(
        &mut self,
        window: &mut Window,
        most: usize,
        heads: &mut Vec<(FrameHead, usize)>,
    ) {
        if let Self::Pcap(reader) = self {
            reader.advance_in(window, most, heads);
        }
    }

    /// Whether advancing reads nothing and moves nothing.
    fn has_next_in(&self, window: &Window) -> bool {
        match self {
            Self::Pcap(_) => false,
            Self::Pcapng(reader) => reader.has_next_in(window),
        }
    }
}

/// A frame whose bytes still lie at the front of the window.
#[derive(Clone, Copy)]
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
    /// How many bytes it may expand to.
    most_expanded: u64,
    finished: bool,
    cut_short: bool,
    /// Frames given last, each with its place in the window's buffer.
    heads: Vec<(FrameHead, usize)>,
    /// What comes after them.
    failure: Option<CaptureError>,
}

impl CaptureReader {
    /// Recognises the source.
    ///
    /// # Errors
    ///
    /// If it is empty or no capture.
    pub fn new(source: Box<dyn Read + Send>) -> Result<Self, CaptureError> {
        Self::expanding_to(source, u64::MAX)
    }

    /// The same for a source that nobody vouches for: if it is compressed, it may expand to so many
    /// bytes.
    ///
    /// # Errors
    ///
    /// If it is empty or no capture. Once it has expanded to more, [`CaptureError::ExpandsTooFar`].
    pub fn expanding_to(
        source: Box<dyn Read + Send>,
        most_expanded: u64,
    ) -> Result<Self, CaptureError> {
        let (source, compression) = compression::expand(source, most_expanded)?;
        Self::of_window(Window::new(source), compression, most_expanded)
    }

    fn of_window(
        mut window: Window,
        compression: Option<Compression>,
        most_expanded: u64,
    ) -> Result<Self, CaptureError> {
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
            most_expanded,
            finished: false,
            cut_short: false,
            heads: Vec::new(),
            failure: None,
        })
    }

    /// Opens a file. A large one that nobody is writing is mapped into memory, where the system keeps others
    /// from shortening it meanwhile.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, is empty or no capture.
    pub fn open(path: &Path) -> Result<Self, CaptureError> {
        let file = File::open(path)?;
        match Mapping::of(&file, path) {
            Some(mapping) if Compression::of(mapping.bytes()).is_none() => {
                Self::of_window(Window::over(mapping, file), None, u64::MAX)
            }
            _ => Self::new(Box::new(file)),
        }
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
        Ok(self.next_frames(1)?.get(0))
    }

    /// The next frames, `most` or as many as are in memory when one is; none at the end.
    ///
    /// Never waits for a second frame, so one that comes by pipe is not held up.
    ///
    /// # Errors
    ///
    /// As [`CaptureReader::next_frame`]; the frames before the error come first.
    pub fn next_frames(&mut self, most: usize) -> Result<Frames<'_>, CaptureError> {
        self.heads.clear();
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        if let Err(error) = self.window.look_around() {
            self.finished = true;
            return Err(error.into());
        }
        while !self.finished {
            self.format
                .advance_in(&mut self.window, most, &mut self.heads);
            if self.heads.len() >= most {
                break;
            }
            if !self.heads.is_empty() && !self.format.has_next_in(&self.window) {
                break;
            }
            match self.format.advance(&mut self.window) {
                Ok(Some(head)) => self.heads.push((head, self.window.place())),
                Ok(None) => {
                    self.finished = true;
                    self.cut_short |= match &self.format {
                        FormatReader::Pcap(reader) => reader.cut_short,
                        FormatReader::Pcapng(reader) => reader.cut_short,
                    } || self.window.is_damaged();
                }
                Err(error) => {
                    self.finished = true;
                    let error = self.described(error);
                    if self.heads.is_empty() {
                        return Err(error);
                    }
                    self.failure = Some(error);
                }
            }
        }
        Ok(Frames {
            buffer: self.window.buffer(),
            heads: &self.heads,
        })
    }

    /// Whether the next frame, if there is one, is not in memory yet: it may be long in coming.
    pub fn is_drained(&self) -> bool {
        !self.finished
            && match &self.format {
                FormatReader::Pcap(reader) => reader.is_drained_in(&self.window),
                FormatReader::Pcapng(reader) => !reader.has_next_in(&self.window),
            }
    }

    /// As [`CaptureReader::next_frames`], as many as are in memory, with their bytes in place of what
    /// `frames` held before.
    pub(crate) fn take_frames(&mut self, frames: &mut OwnedFrames) -> Result<(), CaptureError> {
        let most = if self.window.is_mapped() {
            HANDED_OVER
        } else {
            usize::MAX
        };
        self.next_frames(most)?;
        std::mem::swap(&mut self.heads, &mut frames.heads);
        self.window.hand_over(&mut frames.buffer, &mut frames.map);
        Ok(())
    }

    /// The error with what is known here of its place.
    fn described(&self, error: CaptureError) -> CaptureError {
        match (error, self.compression) {
            (CaptureError::Io(source), Some(compression))
                if source.kind() == ErrorKind::FileTooLarge =>
            {
                CaptureError::ExpandsTooFar {
                    compression,
                    most: self.most_expanded,
                }
            }
            (CaptureError::Io(source), Some(compression)) => CaptureError::Expansion {
                compression,
                offset: self.window.position(),
                source,
            },
            (error, _) => error,
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
