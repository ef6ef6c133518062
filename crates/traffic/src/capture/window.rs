//! The window: the part of a byte source that is in memory.

use std::{
    fs::File,
    io::{self, ErrorKind, Read, Seek, SeekFrom},
    sync::Arc,
};

use crate::memory::Mapping;

/// Bytes of the window at first; reads ask for as much.
const INITIAL: usize = 256 << 10;

/// Bytes of a buffer that is handed over: small enough for several to stay in the nearest memory.
const HANDED_OVER: usize = 64 << 10;

/// Bytes of a map that are made ready at once.
const STRETCH: usize = 256 << 10;

/// Bytes of a map that stay ready behind the window, for frames that are still looked at: more stretches
/// than are on their way in stages, or what comes back to them stays in memory.
const BEHIND: usize = 8 * STRETCH;

/// A buffer over a byte source that grows only as bytes really arrive, or a part of a mapped file.
pub(super) struct Window {
    source: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    mapped: Option<Mapped>,
    start: usize,
    end: usize,
    position: u64,
    ended: bool,
    damaged: bool,
}

/// A mapped file, whose bytes take the buffer's place.
struct Mapped {
    mapping: Arc<Mapping>,
    /// The same file, to be read if it can no longer be mapped.
    file: File,
    /// Up to where the bytes are no longer kept ready.
    released: usize,
}

impl Window {
    pub(super) fn new(source: Box<dyn Read + Send>) -> Self {
        Self {
            source,
            buffer: vec![0; INITIAL],
            mapped: None,
            start: 0,
            end: 0,
            position: 0,
            ended: false,
            damaged: false,
        }
    }

    /// A window over a mapped file, which `file` is too.
    pub(super) fn over(mapping: Mapping, file: File) -> Self {
        Self {
            mapped: Some(Mapped {
                mapping: Arc::new(mapping),
                file,
                released: 0,
            }),
            buffer: Vec::new(),
            ..Self::new(Box::new(io::empty()))
        }
    }

    pub(super) fn is_mapped(&self) -> bool {
        self.mapped.is_some()
    }

    /// The bytes in memory that are not yet taken.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.buffer()[self.start..self.end]
    }

    /// Where in the buffer the first of [`Window::bytes`] is; good until the next fill.
    pub(super) fn place(&self) -> usize {
        self.start
    }

    /// The whole buffer, with bytes that were taken since the last fill.
    pub(super) fn buffer(&self) -> &[u8] {
        match &self.mapped {
            Some(mapped) => mapped.mapping.bytes(),
            None => &self.buffer,
        }
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
            if self.mapped.is_some() {
                self.fill_from_map(wanted)?;
                continue;
            }
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

    /// Makes more of the map ready, or reads from now on.
    fn fill_from_map(&mut self, wanted: usize) -> io::Result<()> {
        let Some(mapped) = &mut self.mapped else {
            return Ok(());
        };
        let length = mapped.mapping.bytes().len();
        let end = self.start.saturating_add(wanted.max(STRETCH)).min(length);
        if mapped.mapping.prepare(self.end..end) {
            self.ended = end == length;
            self.end = end;
            let behind = self.start.saturating_sub(BEHIND);
            if behind >= mapped.released + BEHIND / 2 {
                mapped.mapping.release(mapped.released..behind);
                mapped.released = behind;
            }
            return Ok(());
        }
        self.read_on()
    }

    /// Reads from now on, if somebody waits to write the mapped file.
    pub(super) fn look_around(&mut self) -> io::Result<()> {
        if let Some(mapped) = &self.mapped
            && !mapped.mapping.is_kept()
        {
            let left = self.end - self.start;
            self.read_on()?;
            self.fill(left)?;
        }
        Ok(())
    }

    /// Drops the map, with nothing in memory that is not yet taken.
    fn read_on(&mut self) -> io::Result<()> {
        if let Some(Mapped { mut file, .. }) = self.mapped.take() {
            file.seek(SeekFrom::Start(self.start as u64))?;
            self.source = Box::new(file);
            self.buffer.resize(INITIAL, 0);
            (self.start, self.end, self.ended) = (0, 0, false);
        }
        Ok(())
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

    /// Gives the buffer away for another, which goes on with what is not yet taken; or a share of the map.
    pub(super) fn hand_over(&mut self, buffer: &mut Vec<u8>, map: &mut Option<Arc<Mapping>>) {
        *map = self
            .mapped
            .as_ref()
            .map(|mapped| Arc::clone(&mapped.mapping));
        if map.is_some() {
            return;
        }
        let left = self.end - self.start;
        let length = buffer.len().max(HANDED_OVER).max(left * 2);
        buffer.resize(length, 0);
        buffer[..left].copy_from_slice(self.bytes());
        std::mem::swap(&mut self.buffer, buffer);
        (self.start, self.end) = (0, left);
    }

    /// Takes `count` bytes, which must be in memory, off the front.
    pub(super) fn take(&mut self, count: usize) {
        // Unless a file that was mapped has been shortened since.
        debug_assert!(
            count <= self.end - self.start || self.ended,
            "taken bytes are in memory"
        );
        let count = count.min(self.end - self.start);
        self.start += count;
        self.position += count as u64;
        if self.start == self.end && self.mapped.is_none() {
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
        window.hand_over(&mut given, &mut None);
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

    /// Bytes of a file that is large enough to be mapped.
    const LARGE: usize = 13 * STRETCH;

    /// A file, its bytes, and a window over it if leases are given here.
    fn mapped(name: &str) -> (std::path::PathBuf, Vec<u8>, Option<Window>) {
        let name = format!("undertone-window-{}-{name}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let bytes: Vec<u8> = (0..LARGE).map(|at| (at % 251) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let file = File::open(&path).unwrap();
        let window = Mapping::of(&file, &path).map(|mapping| Window::over(mapping, file));
        (path, bytes, window)
    }

    /// Takes the rest in pieces.
    fn check_rest(window: &mut Window, expected: &[u8]) {
        for piece in expected.chunks(STRETCH / 3) {
            assert!(window.fill(piece.len()).unwrap() >= piece.len());
            assert_eq!(&window.bytes()[..piece.len()], piece);
            window.take(piece.len());
        }
        assert_eq!(window.fill(1).unwrap(), 0);
        assert_eq!(window.position(), LARGE as u64);
    }

    #[test]
    fn a_mapped_file_has_the_bytes_of_a_read_one() {
        let (path, bytes, window) = mapped("whole");
        if let Some(mut window) = window {
            check_rest(&mut window, &bytes);
            assert!(window.is_mapped());
        }
        std::fs::remove_file(path).unwrap();
    }

    #[test]
    fn a_mapped_file_that_somebody_wants_to_write_is_read_to_its_end() {
        let (path, bytes, window) = mapped("wanted");
        if let Some(mut window) = window {
            window.fill(7).unwrap();
            window.take(7);
            let writing = std::thread::spawn({
                let path = path.clone();
                move || File::options().append(true).open(path).is_ok()
            });
            while window.is_mapped() {
                std::thread::yield_now();
                window.look_around().unwrap();
                assert!(window.bytes().starts_with(&bytes[7..100]));
            }
            check_rest(&mut window, &bytes[7..]);
            assert!(writing.join().unwrap());
        }
        std::fs::remove_file(path).unwrap();
    }
}
