//! Counts for tests of whoever shows them.

use std::num::NonZeroUsize;

use learn::drift::Latest;

use super::{
    counts::Counts,
    health::{Health, Reading},
    verdicts::Verdicts,
};

/// Nothing done yet, of a model of one class.
pub(crate) fn counts() -> Counts {
    let latest = Latest::new(Vec::new(), NonZeroUsize::MIN);
    Counts::new(Health::new(Reading::Capture), Verdicts::new(1, latest))
}
