//! Permits: for so many at once and no more.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

/// Permits that are there to be taken.
pub(super) struct Permits(Arc<AtomicUsize>);

/// One that was taken, until it is dropped.
pub(super) struct Permit(Arc<AtomicUsize>);

impl Permits {
    /// So many.
    pub(super) fn new(count: NonZeroUsize) -> Self {
        Self(Arc::new(count.get().into()))
    }

    /// One, if there is one left.
    pub(super) fn take(&self) -> Option<Permit> {
        let taken = self
            .0
            .fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1));
        taken.ok().map(|_| Permit(Arc::clone(&self.0)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_permit_can_be_taken_again_once_it_is_given_back() {
        let permits = Permits::new(NonZeroUsize::MIN);
        let permit = permits.take();
        assert!(permit.is_some() && permits.take().is_none());
        drop(permit);
        assert!(permits.take().is_some());
    }
}
