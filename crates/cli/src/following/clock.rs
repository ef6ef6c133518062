//! The time of day, as captures have it.

use std::time::SystemTime;

use traffic::timestamp::Timestamp;

/// Now.
pub(crate) fn now() -> Timestamp {
    let since_epoch = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let nanoseconds = i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX);
    Timestamp::from_nanoseconds(nanoseconds)
}
