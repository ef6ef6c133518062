//! Slices: the first bytes of a session under a byte policy, zero-padded.

/// Bytes of a slice by default: 28 x 28, as in the literature.
pub const SLICE_LENGTH: usize = 784;

/// What the networks see of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slice {
    bytes: Box<[u8]>,
    filled: usize,
}

impl Slice {
    /// All its bytes, padding included.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes are not padding.
    pub fn filled(&self) -> usize {
        self.filled
    }
}
