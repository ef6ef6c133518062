//! TCP options that a policy has no field for: the largest segment, the window's scale.

use std::ops::Range;

use super::Part;

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const MAXIMUM_SEGMENT: u8 = 2;
const WINDOW_SCALE: u8 = 3;

/// Tells the places of their values, as ranges of `bytes`.
pub(super) fn visit(bytes: &[u8], range: Range<usize>, found: &mut dyn FnMut(Part, Range<usize>)) {
    let end = range.end.min(bytes.len());
    let mut at = range.start;
    while at < end {
        match bytes[at] {
            END => return,
            NO_OPERATION => at += 1,
            kind => {
                let Some(&length) = bytes[..end].get(at + 1) else {
                    return;
                };
                let next = at + usize::from(length).max(2);
                match kind {
                    MAXIMUM_SEGMENT => found(Part::MaximumSegment, at + 2..next),
                    WINDOW_SCALE => found(Part::WindowScale, at + 2..next),
                    _ => {}
                }
                at = next;
            }
        }
    }
}
