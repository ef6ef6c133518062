//! Classic pcap: a file header, then records.
//!
//! Source: draft-ietf-opsawg-pcap; the old and modified forms as libpcap reads them.

use super::{
    CaptureError, FrameHead, LONGEST_FRAME,
    integers::{half, number, word},
    window::Window,
};
use crate::{
    link::LinkType,
    memory::{LINE, prefetch},
    timestamp::Timestamp,
};

const FILE_HEADER: usize = 24;

/// Bytes that are asked for ahead of the record that is looked at.
const AHEAD: usize = 2 << 10;

/// What the magic number says.
#[derive(Debug, Clone, Copy)]
pub(super) struct Magic {
    big_endian: bool,
    nanoseconds_per_tick: i64,
    /// 16, or 24 in Kuznetzov's modified format, whose extra fields are not needed.
    record_header: usize,
}

impl Magic {
    pub(super) fn of(bytes: [u8; 4]) -> Option<Self> {
        let read = |big_endian| {
            let (nanoseconds_per_tick, record_header) = match number(bytes, big_endian) {
                0xa1b2_c3d4 => (1_000, 16),
                0xa1b2_3c4d => (1, 16),
                0xa1b2_cd34 => (1_000, 24),
                _ => return None,
            };
            Some(Self {
                big_endian,
                nanoseconds_per_tick,
                record_header,
            })
        };
        read(false).or_else(|| read(true))
    }
}

/// Before version 2.3 a record's two lengths were swapped; 2.3 was written both ways.
#[derive(Clone, Copy, PartialEq)]
enum Lengths {
    CapturedFirst,
    OriginalFirst,
    Either,
}

pub(super) struct PcapReader {
    magic: Magic,
    lengths: Lengths,
    link_type: LinkType,
    record: u64,
    pending: usize,
    pub(super) cut_short: bool,
}

impl PcapReader {
    pub(super) fn new(magic: Magic, window: &mut Window) -> Result<Self, CaptureError> {
        let found = window.fill(FILE_HEADER)?;
        let Some(header) = window.bytes().first_chunk::<FILE_HEADER>() else {
            return Err(CaptureError::HeaderCutShort {
                needed: FILE_HEADER,
                found,
            });
        };
        let minor = half(&header[6..], magic.big_endian);
        let network = word(&header[20..], magic.big_endian);
        window.take(FILE_HEADER);
        Ok(Self {
            magic,
            lengths: match minor {
                0..=2 => Lengths::OriginalFirst,
                3 => Lengths::Either,
                _ => Lengths::CapturedFirst,
            },
            // The upper half says how long the frame check sequence is, not what the link is.
            link_type: LinkType(network & 0xffff),
            record: 0,
            pending: 0,
            cut_short: false,
        })
    }

    pub(super) fn advance(
        &mut self,
        window: &mut Window,
    ) -> Result<Option<FrameHead>, CaptureError> {
        window.take(self.pending);
        self.pending = 0;
        let header_length = self.magic.record_header;
        let available = window.fill(header_length)?;
        if available < header_length {
            self.cut_short |= available > 0;
            return Ok(None);
        }
        let header = window.bytes();
        let (captured, original) = self.lengths_of(header);
        // Some writers claim less than they captured.
        let mut head = self.head(header, original.max(captured), 0);
        let record = self.record;
        self.record += 1;
        if captured > LONGEST_FRAME {
            return Err(CaptureError::BadRecord {
                record,
                offset: window.position(),
                reason: format!("it claims {captured} bytes, the limit is {LONGEST_FRAME}"),
            });
        }
        window.take(header_length);
        let available = window.fill(captured as usize)?.min(captured as usize);
        self.cut_short |= available < captured as usize;
        self.pending = available;
        head.captured = available;
        Ok(Some(head))
    }

    /// Captured and original length, in bytes, as a record's header has them.
    #[inline]
    fn lengths_of(&self, header: &[u8]) -> (u32, u32) {
        let field = |at: usize| word(&header[at..], self.magic.big_endian);
        let (first, second) = (field(8), field(12));
        if self.lengths == Lengths::OriginalFirst
            || (self.lengths == Lengths::Either && first > second)
        {
            (second, first)
        } else {
            (first, second)
        }
    }

    /// Takes records that are in memory as a whole, until there are `most` heads; reads nothing and
    /// moves nothing. Any other record is for [`PcapReader::advance`].
    pub(super) fn advance_in(
        &mut self,
        window: &mut Window,
        most: usize,
        heads: &mut Vec<(FrameHead, usize)>,
    ) {
        window.take(self.pending);
        self.pending = 0;
        let place = window.place();
        let bytes = window.bytes();
        let (mut at, mut asked) = (0, 0);
        while heads.len() < most {
            // Where each record is, only the one before it says: that would be a wait for memory each.
            while asked < at + AHEAD
                && let Some(byte) = bytes.get(asked)
            {
                prefetch(byte);
                asked += LINE;
            }
            let Some((header, rest)) = bytes[at..].split_at_checked(self.magic.record_header)
            else {
                break;
            };
            let (captured, original) = self.lengths_of(header);
            if captured > LONGEST_FRAME || rest.len() < captured as usize {
                break;
            }
            at += header.len();
            let head = self.head(header, original.max(captured), captured as usize);
            heads.push((head, place + at));
            at += captured as usize;
            self.record += 1;
        }
        window.take(at);
    }

    /// Whether the next record is not in memory as a whole.
    pub(super) fn is_drained_in(&self, window: &Window) -> bool {
        let rest = window.bytes().get(self.pending..).unwrap_or_default();
        let record = rest.split_at_checked(self.magic.record_header);
        record.is_none_or(|(header, rest)| rest.len() < self.lengths_of(header).0 as usize)
    }

    #[inline]
    fn head(&self, header: &[u8], original_length: u32, captured: usize) -> FrameHead {
        let field = |at: usize| word(&header[at..], self.magic.big_endian);
        let nanoseconds = i64::from(field(0)) * 1_000_000_000
            + i64::from(field(4)) * self.magic.nanoseconds_per_tick;
        FrameHead {
            timestamp: Timestamp::from_nanoseconds(nanoseconds),
            link_type: self.link_type,
            interface: 0,
            original_length,
            captured,
        }
    }
}
