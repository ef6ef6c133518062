//! Frames that are in memory at once.

use std::{ops::Range, sync::Arc};

use super::{Frame, FrameHead};
use crate::memory::Mapping;

/// Frames of a capture, one after another, which are in memory at once.
#[derive(Clone, Copy)]
pub struct Frames<'a> {
    pub(super) buffer: &'a [u8],
    pub(super) heads: &'a [(FrameHead, usize)],
}

/// Frames that own their bytes, to be looked at elsewhere; its memory is used again and again.
#[derive(Default)]
pub(crate) struct OwnedFrames {
    pub(super) buffer: Vec<u8>,
    /// Where their bytes are instead, if the capture is mapped.
    pub(super) map: Option<Arc<Mapping>>,
    pub(super) heads: Vec<(FrameHead, usize)>,
}

impl OwnedFrames {
    pub(crate) fn frames(&self) -> Frames<'_> {
        let map = self.map.as_ref().map(|map| map.bytes());
        Frames {
            buffer: map.unwrap_or(&self.buffer),
            heads: &self.heads,
        }
    }
}

impl<'a> Frames<'a> {
    /// Some of them one after another: from one number, counted from 0, to before another.
    pub(crate) fn range(self, numbers: Range<usize>) -> Self {
        Self {
            buffer: self.buffer,
            heads: &self.heads[numbers],
        }
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.heads.len()
    }

    /// Whether there are none: the capture has ended.
    pub fn is_empty(self) -> bool {
        self.heads.is_empty()
    }

    /// The frame of this number, counted from 0.
    pub fn get(self, number: usize) -> Option<Frame<'a>> {
        Some(self.frame(self.heads.get(number)?))
    }

    #[inline]
    fn frame(self, &(head, place): &(FrameHead, usize)) -> Frame<'a> {
        Frame {
            timestamp: head.timestamp,
            link_type: head.link_type,
            interface: head.interface,
            original_length: head.original_length,
            bytes: &self.buffer[place..place + head.captured],
        }
    }

    /// Each of them in order.
    pub fn iter(self) -> impl Iterator<Item = Frame<'a>> {
        self.heads.iter().map(move |head| self.frame(head))
    }
}
