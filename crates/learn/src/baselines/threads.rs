//! Threads: parallel work on as many of them as was asked for.

use rayon::ThreadPoolBuilder;

/// What `work` gives, whose parallel parts run on `threads` threads.
///
/// A system that refuses threads slows the work down and does not end it: it then runs on those
/// that there are.
pub(super) fn on<T: Send>(threads: usize, work: impl FnOnce() -> T + Send) -> T {
    match ThreadPoolBuilder::new().num_threads(threads.max(1)).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}
