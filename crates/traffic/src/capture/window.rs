//! The window: the part of a byte source that is in memory.

use std::io::{self, ErrorKind, Read};

/// Bytes of the window at first; reads ask for as much.
const INITIAL: usize = 256 << 10;

/// Bytes of a buffer that is handed over: small enough for several to stay in the nearest memory.
const HANDED_OVER: usize = 64 << 10;

/// A buffer over a byte source that grows only as bytes really arrive.
pub(super) struct Window {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    position: u64,
    ended: bool,
    damaged: bool,
}

impl Window {
    pub(super) fn new(source: Box<dyn Read + Send>) -> Self {
        Self {
            source,
            buffer: vec![0; INITIAL],
            start: 0,
            end: 0,
            position: 0,
            ended: false,
            damaged: false,
        }
    }

    /// The bytes in memory that are not yet taken.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Where in the buffer the first of [`Window::bytes`] is; good until the next fill.
    pub(super) fn place(&self) -> usize {
        self.start
    }

    /// The whole buffer, with bytes that were taken since the last fill.
    pub(super) fn buffer(&self) -> &[u8] {
        &self.buffer
    }

    /// Offset of the first of [`Window::bytes`] from the start of the source.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// Whether a compressed source broke off.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged
    }

    /// Reads until `wanted` bytes are in memory or the source ends; says how many are.
    pub(super) fn fill(&mut self, wanted: usize) -> io::Result<usize> {
        while self.end - self.start < wanted && !self.ended {
            self.make_room();
            match self.source.read(&mut self.buffer[self.end..]) {
                Ok(0) => self.ended = true,
                Ok(count) => self.end += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // A gzip or zstd tail that is missing: the capture is cut short, not unreadable.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                    self.ended = true;
                    self.damaged = true;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(self.end - self.start)
    }

    /// Moves what is left to the front, and doubles the buffer once it is really full.
    fn make_room(&mut self) {
        if self.end < self.buffer.len() {
            return;
        }
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        } else {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }

    /// Gives the buffer away for another, which goes on with what is not yet taken.
    pub(super) fn hand_over(&mut self, buffer: &mut Vec<u8>) {
        let left = self.end - self.start;
        let length = buffer.len().max(HANDED_OVER).max(left * 2);
        buffer.resize(length, 0);
        buffer[..left].copy_from_slice(self.bytes());
        std::mem::swap(&mut self.buffer, buffer);
        (self.start, self.end) = (0, left);
    }

    /// Takes `count` bytes, which must be in memory, off the front.
    pub(super) fn take(&mut self, count: usize) {
        debug_assert!(count <= self.end - self.start, "taken bytes are in memory");
        let count = count.min(self.end - self.start);
        self.start += count;
        self.position += count as u64;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Discards `count` bytes without holding them; `false` if the source ends before.
    pub(super) fn skip(&mut self, mut count: usize) -> io::Result<bool> {
        while count > 0 {
            let available = self.fill(1)?;
            if available == 0 {
                return Ok(false);
            }
            let step = available.min(count);
            self.take(step);
            count -= step;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_arrive_in_order_across_growth() {
        let source: Vec<u8> = (0..INITIAL * 3).map(|at| (at % 251) as u8).collect();
        let mut window = Window::new(Box::new(io::Cursor::new(source.clone())));
        window.fill(7).unwrap();
        window.take(7);
        assert!(window.fill(INITIAL * 2).unwrap() >= INITIAL * 2);
        assert_eq!(window.bytes()[..INITIAL * 2], source[7..INITIAL * 2 + 7]);
        assert_eq!(window.position(), 7);
    }

    #[test]
    fn a_buffer_that_is_given_away_takes_nothing_along_that_is_still_to_come() {
        let source: Vec<u8> = (0..INITIAL * 3).map(|at| (at % 251) as u8).collect();
        let mut window = Window::new(Box::new(io::Cursor::new(source.clone())));
        window.fill(INITIAL).unwrap();
        window.take(INITIAL - 5);
        let mut given = Vec::new();
        window.hand_over(&mut given);
        assert_eq!(given, source[..INITIAL]);
        assert!(window.fill(INITIAL).unwrap() >= INITIAL);
        assert_eq!(window.bytes()[..INITIAL], source[INITIAL - 5..][..INITIAL]);
    }

    #[test]
    fn a_huge_wish_on_a_short_source_allocates_little() {
        let mut window = Window::new(Box::new(io::Cursor::new(vec![1; 10])));
        assert_eq!(window.fill(usize::MAX).unwrap(), 10);
        assert_eq!(window.buffer.len(), INITIAL);
    }

    #[test]
    fn skipping_beyond_the_end_says_so() {
        let mut window = Window::new(Box::new(io::Cursor::new(vec![1; 10])));
        assert!(window.skip(10).unwrap());
        assert!(!window.skip(1).unwrap());
    }
}
