//! Buffers that begin at a cache line, so that vectors and tiles of them cross none.

use std::ops::{Deref, DerefMut};

/// Bytes of a cache line.
const LINE: usize = 64;

/// A buffer that begins at a cache line: what crosses two lines is loaded twice.
#[derive(Debug)]
pub(crate) struct Aligned<T> {
    /// With room for the way to the next line.
    values: Vec<T>,
    start: usize,
    length: usize,
}

impl<T: Copy + Default> Aligned<T> {
    /// Zeros.
    pub(crate) fn new(length: usize) -> Self {
        let values = vec![T::default(); length + LINE / size_of::<T>()];
        // Where no place is aligned, any place will do: it is a matter of speed only.
        let start = values.as_ptr().align_offset(LINE);
        Self {
            start: start.min(values.len() - length),
            values,
            length,
        }
    }

    /// Makes it so long, with zeros behind what is there.
    pub(crate) fn resize(&mut self, length: usize) {
        let before = self.length;
        if self.start + length > self.values.len() {
            let mut longer = Self::new(length);
            longer[..before].copy_from_slice(self);
            *self = longer;
        } else {
            self.length = length;
            if length > before {
                self[before..].fill(T::default());
            }
        }
    }

    /// Empties it and keeps its memory.
    pub(crate) fn clear(&mut self) {
        self.length = 0;
    }
}

impl<T> Default for Aligned<T> {
    fn default() -> Self {
        Self {
            values: Vec::new(),
            start: 0,
            length: 0,
        }
    }
}

impl<T: Copy + Default> From<&[T]> for Aligned<T> {
    fn from(values: &[T]) -> Self {
        let mut own = Self::new(values.len());
        own.copy_from_slice(values);
        own
    }
}

impl<T: Copy + Default> Clone for Aligned<T> {
    fn clone(&self) -> Self {
        Self::from(&**self)
    }
}

impl<T> Deref for Aligned<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.values[self.start..self.start + self.length]
    }
}

impl<T> DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.values[self.start..self.start + self.length]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_begins_at_a_cache_line_and_is_as_long_as_asked() {
        for length in [0, 1, 31, 64, 1000] {
            let own = Aligned::<f32>::new(length);
            assert_eq!(own.len(), length);
            assert_eq!(own.as_ptr().addr() % LINE, 0);
        }
    }

    #[test]
    fn a_buffer_made_longer_keeps_its_values_and_has_zeros_behind_them() {
        let mut own = Aligned::from(&[1_u8, 2, 3][..]);
        own.resize(2);
        own.resize(300);
        assert_eq!(own[..4], [1, 2, 0, 0]);
        assert_eq!(own.as_ptr().addr() % LINE, 0);
        own.clear();
        own.resize(2);
        assert_eq!(own[..], [0, 0]);
    }

    #[test]
    fn a_copy_holds_what_it_was_made_of() {
        assert_eq!(Aligned::from(&[1_u8, 2, 3][..])[..], [1, 2, 3]);
    }
}
