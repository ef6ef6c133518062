//! Integers in the byte order that a capture declares.

pub(super) fn number(bytes: [u8; 4], big_endian: bool) -> u32 {
    if big_endian {
        u32::from_be_bytes(bytes)
    } else {
        u32::from_le_bytes(bytes)
    }
}

/// The 32-bit number at the front of `bytes`, which hold at least four.
pub(super) fn word(bytes: &[u8], big_endian: bool) -> u32 {
    number([bytes[0], bytes[1], bytes[2], bytes[3]], big_endian)
}

/// The 16-bit number at the front of `bytes`, which hold at least two.
pub(super) fn half(bytes: &[u8], big_endian: bool) -> u16 {
    let pair = [bytes[0], bytes[1]];
    if big_endian {
        u16::from_be_bytes(pair)
    } else {
        u16::from_le_bytes(pair)
    }
}
