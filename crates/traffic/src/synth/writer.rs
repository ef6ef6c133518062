//! Captures as bytes: pcap and pcapng, in both byte orders and several resolutions.

use crate::{capture::Frame, link::LinkType, timestamp::Timestamp};

/// A frame that owns its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it is captured, in nanoseconds since the epoch.
    pub nanoseconds: i64,
    /// Which interface, counted from 0; ignored by pcap.
    pub interface: u32,
    /// Its length on the wire, in bytes; more than `bytes` has if truncated.
    pub original_length: u32,
    /// What is captured of it.
    pub bytes: Vec<u8>,
}

/// A whole frame of the first interface.
pub fn record(nanoseconds: i64, bytes: Vec<u8>) -> Record {
    Record {
        nanoseconds,
        interface: 0,
        original_length: bytes.len() as u32,
        bytes,
    }
}

impl Record {
    /// The same frame under a snap length.
    #[must_use]
    pub fn snapped(mut self, snap_length: usize) -> Self {
        self.bytes.truncate(snap_length);
        self
    }

    /// As a reader gives it.
    pub fn frame(&self, link_type: LinkType) -> Frame<'_> {
        Frame {
            timestamp: Timestamp::from_nanoseconds(self.nanoseconds),
            link_type,
            interface: self.interface,
            original_length: self.original_length,
            bytes: &self.bytes,
        }
    }
}

/// How numbers and times are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Format {
    /// Byte order.
    pub big_endian: bool,
    /// What a tick of the clock is.
    pub resolution: Resolution,
}

/// What a tick of the clock is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// 1,000 ns.
    Microseconds,
    /// 1 ns.
    Nanoseconds,
}

/// Little-endian, microseconds: what most programs write.
impl Default for Format {
    fn default() -> Self {
        Self {
            big_endian: false,
            resolution: Resolution::Microseconds,
        }
    }
}

impl Format {
    fn ticks_per_second(self) -> i64 {
        match self.resolution {
            Resolution::Microseconds => 1_000_000,
            Resolution::Nanoseconds => 1_000_000_000,
        }
    }

    fn word(self, number: u32) -> [u8; 4] {
        if self.big_endian {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    fn half(self, number: u16) -> [u8; 2] {
        if self.big_endian {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        }
    }

    /// A pcapng block: type, length, body padded to 32 bits, length.
    fn block(self, kind: u32, body: &[&[u8]]) -> Vec<u8> {
        let mut bytes = self.word(kind).to_vec();
        bytes.extend([0; 4]);
        bytes.extend(body.concat());
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        let length = self.word(bytes.len() as u32 + 4);
        bytes[4..8].copy_from_slice(&length);
        bytes.extend(length);
        bytes
    }
}

/// A pcap file, little-endian, microseconds.
pub fn pcap(link_type: LinkType, records: &[Record]) -> Vec<u8> {
    pcap_as(Format::default(), link_type, records)
}

/// A pcap file.
pub fn pcap_as(format: Format, link_type: LinkType, records: &[Record]) -> Vec<u8> {
    let magic = match format.resolution {
        Resolution::Microseconds => 0xa1b2_c3d4,
        Resolution::Nanoseconds => 0xa1b2_3c4d,
    };
    let mut bytes = format.word(magic).to_vec();
    bytes.extend(format.half(2));
    bytes.extend(format.half(4));
    bytes.extend([0; 8]);
    bytes.extend(format.word(262_144));
    bytes.extend(format.word(link_type.0));
    let nanoseconds_per_tick = 1_000_000_000 / format.ticks_per_second();
    for record in records {
        let seconds = record.nanoseconds.div_euclid(1_000_000_000);
        let ticks = record.nanoseconds.rem_euclid(1_000_000_000) / nanoseconds_per_tick;
        for number in [
            seconds as u32,
            ticks as u32,
            record.bytes.len() as u32,
            record.original_length,
        ] {
            bytes.extend(format.word(number));
        }
        bytes.extend(&record.bytes);
    }
    bytes
}

/// A pcapng file of one section, little-endian, microseconds; one interface per link type.
pub fn pcapng(link_types: &[LinkType], records: &[Record]) -> Vec<u8> {
    pcapng_as(Format::default(), link_types, records)
}

/// A pcapng file of one section. Sections may be joined by concatenation.
pub fn pcapng_as(format: Format, link_types: &[LinkType], records: &[Record]) -> Vec<u8> {
    let mut bytes = section(format, link_types);
    for record in records {
        let ticks =
            i128::from(record.nanoseconds) * i128::from(format.ticks_per_second()) / 1_000_000_000;
        let block = format.block(
            6,
            &[
                &format.word(record.interface),
                &format.word((ticks >> 32) as u32),
                &format.word(ticks as u32),
                &format.word(record.bytes.len() as u32),
                &format.word(record.original_length),
                &record.bytes,
            ],
        );
        bytes.extend(block);
    }
    bytes
}

/// A pcapng file of simple packet blocks: one interface, no times.
pub fn pcapng_simple(format: Format, link_type: LinkType, records: &[Record]) -> Vec<u8> {
    let mut bytes = section(format, &[link_type]);
    for record in records {
        let original = format.word(record.original_length);
        bytes.extend(format.block(3, &[&original, &record.bytes]));
    }
    bytes
}

/// Section header, interfaces, and a block that no reader knows.
fn section(format: Format, link_types: &[LinkType]) -> Vec<u8> {
    let mut bytes = format.block(
        0x0a0d_0d0a,
        &[
            &format.word(0x1a2b_3c4d),
            &format.half(1),
            &format.half(0),
            &[0xff; 8],
        ],
    );
    let resolution = match format.resolution {
        Resolution::Microseconds => 6,
        Resolution::Nanoseconds => 9,
    };
    for link_type in link_types {
        bytes.extend(format.block(
            1,
            &[
                &format.half(link_type.0 as u16),
                &[0; 2],
                &format.word(262_144),
                &format.half(9),
                &format.half(1),
                &[resolution, 0, 0, 0],
                &[0; 4],
            ],
        ));
    }
    bytes.extend(format.block(0x0bad_cafe, &[b"nobody reads this"]));
    bytes
}
