//! Calm: a stretch of time in which no session ends by silence, so that most packets need not ask.

use crate::timestamp::Timestamp;

/// From one time to another, both included; nothing where the one is behind the other.
#[derive(Clone, Copy)]
pub(super) struct Calm {
    from: Timestamp,
    until: Timestamp,
}

impl Calm {
    pub(super) const NEVER: Self = Self {
        from: Timestamp::from_nanoseconds(i64::MAX),
        until: Timestamp::from_nanoseconds(i64::MIN),
    };

    pub(super) const ALWAYS: Self = Self {
        from: Timestamp::from_nanoseconds(i64::MIN),
        until: Timestamp::from_nanoseconds(i64::MAX),
    };

    #[inline]
    pub(super) fn holds(self, clock: Timestamp) -> bool {
        self.from <= clock && clock <= self.until
    }

    /// Where it holds and a session that was active then neither ends nor lies too far ahead.
    pub(super) fn around(self, latest: Timestamp, patience_nanoseconds: u64) -> Self {
        Self {
            from: self.from.max(latest.minus(patience_nanoseconds)),
            until: self.until.min(latest.plus(patience_nanoseconds)),
        }
    }
}
