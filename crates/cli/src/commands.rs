//! The commands, one file each.

pub(crate) mod audit;
pub(crate) mod calibrate;
pub(crate) mod classify;
pub(crate) mod compare;
pub(crate) mod dataset;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod live;
pub(crate) mod model;
pub(crate) mod prepare;
pub(crate) mod reproduce;
pub(crate) mod serve;
pub(crate) mod split;
#[cfg(feature = "top")]
pub(crate) mod top;
pub(crate) mod train;

/// As many threads as the machine runs at once.
pub(crate) fn default_threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
