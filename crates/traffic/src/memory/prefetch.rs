//! Asking for lines of memory before they are needed.
#![expect(
    clippy::inline_always,
    reason = "done for each packet, where a call is dear"
)]

/// Bytes of a line of memory.
pub(crate) const LINE: usize = 64;

/// Asks for the line of memory that the value begins in, and does not wait for it.
#[inline(always)]
pub(crate) fn prefetch<T>(value: &T) {
    prefetch_at(std::ptr::from_ref(value).cast());
}

/// Asks for all lines of memory that the value is in.
#[inline(always)]
pub(crate) fn prefetch_whole<T>(value: &T) {
    let start = std::ptr::from_ref(value).cast::<u8>();
    for offset in (0..size_of::<T>()).step_by(LINE) {
        prefetch_at(start.wrapping_add(offset));
    }
    if align_of::<T>() < LINE {
        prefetch_at(start.wrapping_add(size_of::<T>().saturating_sub(1)));
    }
}

#[inline(always)]
fn prefetch_at(address: *const u8) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which changes nothing that a program can see, whatever the address.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(address.cast()) }
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = address;
}
