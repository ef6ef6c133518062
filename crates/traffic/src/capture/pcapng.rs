//! pcapng: blocks of many kinds; sections, each with its byte order and its interfaces.
//!
//! Source: draft-ietf-opsawg-pcapng. Blocks without frames are skipped unread.

use super::{
    CaptureError, FrameHead, LONGEST_BLOCK, LONGEST_FRAME,
    integers::{half, word},
    window::Window,
};
use crate::{link::LinkType, timestamp::Timestamp};

/// The type of a section header block: the same in both byte orders.
pub(super) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Type, length, and the length again at the end.
const FRAMING: u32 = 12;

/// The most interfaces of one capture: real ones have a handful, a bomb has millions.
const MOST_INTERFACES: usize = 1 << 16;

const IF_TSRESOL: u16 = 9;
const IF_TSOFFSET: u16 = 14;

#[derive(Debug, Clone, Copy, PartialEq)]
struct Interface {
    link_type: LinkType,
    snap_length: u32,
    clock: Clock,
}

/// How an interface counts time.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Clock {
    ticks_per_second: u64,
    offset_seconds: i64,
}

impl Clock {
    const MICROSECONDS: Self = Self {
        ticks_per_second: 1_000_000,
        offset_seconds: 0,
    };

    /// From `if_tsresol`: a power of ten, or of two if the upper bit is set.
    fn ticks_per_second(resolution: u8) -> Option<u64> {
        let exponent = u32::from(resolution & 0x7f);
        let base: u64 = if resolution & 0x80 == 0 { 10 } else { 2 };
        base.checked_pow(exponent)
    }

    fn timestamp(self, ticks: u64) -> Timestamp {
        let nanoseconds = i128::from(ticks) * 1_000_000_000 / i128::from(self.ticks_per_second)
            + i128::from(self.offset_seconds) * 1_000_000_000;
        let bounded = nanoseconds.clamp(i128::from(i64::MIN), i128::from(i64::MAX));
        Timestamp::from_nanoseconds(bounded as i64)
    }
}

/// The front of a block that is not yet taken.
#[derive(Clone, Copy)]
struct Block {
    kind: u32,
    /// Of the whole block.
    length: u32,
}

pub(super) struct PcapngReader {
    big_endian: bool,
    interfaces: Vec<Interface>,
    /// Interfaces of the sections before this one.
    earlier_interfaces: u32,
    block: u64,
    pending: usize,
    last: Timestamp,
    pub(super) cut_short: bool,
}

impl PcapngReader {
    pub(super) fn new() -> Self {
        Self {
            big_endian: false,
            interfaces: Vec::new(),
            earlier_interfaces: 0,
            block: 0,
            pending: 0,
            last: Timestamp::default(),
            cut_short: false,
        }
    }

    pub(super) fn advance(
        &mut self,
        window: &mut Window,
    ) -> Result<Option<FrameHead>, CaptureError> {
        if !window.skip(self.pending)? {
            self.cut_short = true;
            return Ok(None);
        }
        self.pending = 0;
        loop {
            let Some(block) = self.open_block(window)? else {
                return Ok(None);
            };
            let found = match block.kind {
                SECTION => self.open_section(window, block).map(|()| None),
                INTERFACE => self.add_interface(window, block).map(|()| None),
                SIMPLE_PACKET => self.simple_packet(window, block),
                ENHANCED_PACKET | OBSOLETE_PACKET => self.packet(window, block),
                _ => Ok(None),
            }?;
            self.block += 1;
            if found.is_some() {
                return Ok(found);
            }
            if self.cut_short || !window.skip(block.length as usize)? {
                self.cut_short = true;
                return Ok(None);
            }
        }
    }

    /// Whether the next block is a packet's and in memory, so that advancing reads nothing and
    /// moves nothing.
    pub(super) fn has_next_in(&self, window: &Window) -> bool {
        let Some(rest) = window.bytes().get(self.pending..) else {
            return false;
        };
        if rest.len() < 28 {
            return false;
        }
        let kind = word(rest, self.big_endian);
        let length = word(&rest[4..], self.big_endian) as usize;
        matches!(kind, SIMPLE_PACKET | ENHANCED_PACKET | OBSOLETE_PACKET)
            && length.next_multiple_of(4) <= rest.len()
    }

    fn bad(&self, window: &Window, reason: impl Into<String>) -> CaptureError {
        CaptureError::BadRecord {
            record: self.block,
            offset: window.position(),
            reason: reason.into(),
        }
    }

    fn open_block(&mut self, window: &mut Window) -> Result<Option<Block>, CaptureError> {
        let available = window.fill(12)?;
        if available < 12 {
            self.cut_short |= available > 0;
            return Ok(None);
        }
        let front = window.bytes();
        if front[..4] == SECTION_HEADER {
            self.big_endian = match front[8..12] {
                [0x1a, 0x2b, 0x3c, 0x4d] => true,
                [0x4d, 0x3c, 0x2b, 0x1a] => false,
                _ => return Err(self.bad(window, "a section without a byte-order mark")),
            };
        }
        let block = Block {
            kind: word(front, self.big_endian),
            length: word(&front[4..], self.big_endian),
        };
        if block.length < FRAMING {
            let reason = format!("a block of {} bytes, the least is {FRAMING}", block.length);
            return Err(self.bad(window, reason));
        }
        if block.length > LONGEST_BLOCK {
            let reason = format!(
                "it claims {} bytes, the limit is {LONGEST_BLOCK}",
                block.length
            );
            return Err(self.bad(window, reason));
        }
        // Blocks are padded to 32 bits; some writers count the padding and some forget to.
        Ok(Some(Block {
            length: block.length.next_multiple_of(4),
            ..block
        }))
    }

    fn open_section(&mut self, window: &mut Window, block: Block) -> Result<(), CaptureError> {
        if block.length < 28 {
            return Err(self.bad(window, "a section header of less than 28 bytes"));
        }
        if window.fill(16)? < 16 {
            self.cut_short = true;
            return Ok(());
        }
        let major = half(&window.bytes()[12..], self.big_endian);
        if major != 1 {
            let reason = format!("pcapng version {major}, only version 1 is known");
            return Err(self.bad(window, reason));
        }
        self.earlier_interfaces += self.interfaces.len() as u32;
        self.interfaces.clear();
        Ok(())
    }

    fn add_interface(&mut self, window: &mut Window, block: Block) -> Result<(), CaptureError> {
        let length = block.length as usize;
        if length < 20 {
            return Err(self.bad(window, "an interface description of less than 20 bytes"));
        }
        if self.earlier_interfaces as usize + self.interfaces.len() >= MOST_INTERFACES {
            let reason = format!("more than {MOST_INTERFACES} interfaces");
            return Err(self.bad(window, reason));
        }
        if window.fill(length)? < length {
            self.cut_short = true;
            return Ok(());
        }
        let body = &window.bytes()[..length];
        let interface = Interface {
            link_type: LinkType(u32::from(half(&body[8..], self.big_endian))),
            snap_length: word(&body[12..], self.big_endian),
            clock: self.clock_of(&body[16..length - 4]),
        };
        if interface.clock.ticks_per_second == 0 {
            return Err(self.bad(
                window,
                "an interface whose clock ticks too fast for 64 bits",
            ));
        }
        self.interfaces.push(interface);
        Ok(())
    }

    /// Reads the two options that matter; a resolution beyond 64 bits gives 0 ticks.
    fn clock_of(&self, mut options: &[u8]) -> Clock {
        let mut clock = Clock::MICROSECONDS;
        while options.len() >= 4 {
            let code = half(options, self.big_endian);
            let length = usize::from(half(&options[2..], self.big_endian));
            let Some(value) = options.get(4..4 + length) else {
                break;
            };
            match (code, value) {
                (0, _) => break,
                (IF_TSRESOL, [resolution, ..]) => {
                    clock.ticks_per_second = Clock::ticks_per_second(*resolution).unwrap_or(0);
                }
                (IF_TSOFFSET, [_, _, _, _, _, _, _, _]) => {
                    let (first, second) = (
                        u64::from(word(value, self.big_endian)),
                        u64::from(word(&value[4..], self.big_endian)),
                    );
                    let offset = if self.big_endian {
                        first << 32 | second
                    } else {
                        second << 32 | first
                    };
                    clock.offset_seconds = offset.cast_signed();
                }
                _ => {}
            }
            options = options
                .get(4 + length.next_multiple_of(4)..)
                .unwrap_or_default();
        }
        clock
    }

    /// An enhanced packet block, or the obsolete packet block it replaced.
    fn packet(
        &mut self,
        window: &mut Window,
        block: Block,
    ) -> Result<Option<FrameHead>, CaptureError> {
        const HEADER: usize = 28;
        if (block.length as usize) < HEADER + 4 {
            return Err(self.bad(window, "a packet block of less than 32 bytes"));
        }
        if window.fill(HEADER)? < HEADER {
            self.cut_short = true;
            return Ok(None);
        }
        let front = window.bytes();
        let interface = if block.kind == OBSOLETE_PACKET {
            u32::from(half(&front[8..], self.big_endian))
        } else {
            word(&front[8..], self.big_endian)
        };
        let field = |at: usize| word(&front[at..], self.big_endian);
        let ticks = u64::from(field(12)) << 32 | u64::from(field(16));
        let (captured, original) = (field(20), field(24));
        let Some(&described) = self.interfaces.get(interface as usize) else {
            let reason = format!(
                "a packet of interface {interface}, the section describes {}",
                self.interfaces.len()
            );
            return Err(self.bad(window, reason));
        };
        self.last = described.clock.timestamp(ticks);
        self.deliver(window, block, HEADER, interface, captured, original)
    }

    /// A simple packet block: of the first interface, without a time. It is given the time of
    /// the frame before it, so that it neither ends sessions nor begins an age of its own.
    fn simple_packet(
        &mut self,
        window: &mut Window,
        block: Block,
    ) -> Result<Option<FrameHead>, CaptureError> {
        const HEADER: usize = 12;
        if (block.length as usize) < HEADER + 4 {
            return Err(self.bad(window, "a simple packet block of less than 16 bytes"));
        }
        let Some(described) = self.interfaces.first() else {
            return Err(self.bad(window, "a simple packet before any interface"));
        };
        let original = word(&window.bytes()[8..], self.big_endian);
        let limit = match described.snap_length {
            0 => u32::MAX,
            snap_length => snap_length,
        };
        let room = block.length - HEADER as u32 - 4;
        let captured = original.min(limit).min(room);
        self.deliver(window, block, HEADER, 0, captured, original)
    }

    /// Takes the block's header and leaves the frame at the front of the window.
    fn deliver(
        &mut self,
        window: &mut Window,
        block: Block,
        header: usize,
        interface: u32,
        captured: u32,
        original: u32,
    ) -> Result<Option<FrameHead>, CaptureError> {
        let room = block.length - header as u32 - 4;
        if captured > room || captured > LONGEST_FRAME {
            let limit = room.min(LONGEST_FRAME);
            let reason = format!("a frame of {captured} bytes, there is room for {limit}");
            return Err(self.bad(window, reason));
        }
        window.take(header);
        let available = window.fill(captured as usize)?.min(captured as usize);
        // The rest of the block is skipped at the next call: the frame must stay where it is.
        self.pending = block.length as usize - header;
        Ok(Some(FrameHead {
            timestamp: self.last,
            link_type: self.interfaces[interface as usize].link_type,
            interface: self.earlier_interfaces + interface,
            original_length: original.max(captured),
            captured: available,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(resolution: u8, offset_seconds: i64, ticks: u64, expected_nanoseconds: i64) {
        let clock = Clock {
            ticks_per_second: Clock::ticks_per_second(resolution).unwrap(),
            offset_seconds,
        };
        assert_eq!(clock.timestamp(ticks).nanoseconds(), expected_nanoseconds);
    }

    #[test]
    fn a_resolution_is_a_power_of_ten() {
        check(6, 0, 1_500_000, 1_500_000_000);
        check(9, 0, 1_500_000, 1_500_000);
        check(0, 0, 3, 3_000_000_000);
    }

    #[test]
    fn a_resolution_is_a_power_of_two_if_its_upper_bit_is_set() {
        check(0x88, 0, 128, 500_000_000);
    }

    #[test]
    fn the_offset_is_in_seconds() {
        check(6, 10, 1, 10_000_001_000);
        check(6, -10, 0, -10_000_000_000);
    }

    #[test]
    fn a_time_beyond_the_calendar_is_its_end() {
        check(0, i64::MAX, u64::MAX, i64::MAX);
    }

    #[test]
    fn a_resolution_beyond_64_bits_is_none() {
        assert_eq!(Clock::ticks_per_second(0x7f), None);
    }
}
