//! Checksums: what a file was when it was read.

use std::{
    fmt::Write,
    io::{self, Read},
    sync::{Arc, Mutex, PoisonError},
};

use sha2::{Digest, Sha256};

/// Bytes as lower-case hexadecimal.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// SHA-256 of bytes, in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

/// A source that is summed up while another reads it, so that a large file is read once.
///
/// Clones share one source: one is handed to the reader, the other finishes the sum.
pub(crate) struct SummedSource<R> {
    inner: Arc<Mutex<Summed<R>>>,
}

impl<R> Clone for SummedSource<R> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

struct Summed<R> {
    source: R,
    hasher: Sha256,
    size: u64,
}

impl<R: Read> SummedSource<R> {
    /// Wraps a source that nothing has read from yet.
    pub(crate) fn new(source: R) -> Self {
        Self {
            inner: Arc::new(Mutex::new(Summed {
                source,
                hasher: Sha256::new(),
                size: 0,
            })),
        }
    }

    /// Reads what is left; SHA-256 in hexadecimal and size in bytes of the whole source.
    pub(crate) fn finish(mut self) -> io::Result<(String, u64)> {
        let mut buffer = vec![0; 1 << 16];
        while self.read(&mut buffer)? > 0 {}
        let summed = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        Ok((hexadecimal(&summed.hasher.clone().finalize()), summed.size))
    }
}

impl<R: Read> Read for SummedSource<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut summed = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        let count = summed.source.read(buffer)?;
        summed.hasher.update(&buffer[..count]);
        summed.size += count as u64;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_of_the_whole_source_however_little_was_read() {
        let source = SummedSource::new(&b"abc"[..]);
        let mut reader = source.clone();
        reader.read_exact(&mut [0; 1]).unwrap();
        // The test vector of FIPS 180-2.
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(source.finish().unwrap(), (expected.to_owned(), 3));
        assert_eq!(sha256(b"abc"), expected);
    }
}
