//! Ctrl-C and SIGTERM: the first asks to stop, the second does not ask.

use std::{
    process,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

/// A flag that the first Ctrl-C or SIGTERM sets; the second ends the program.
///
/// # Errors
///
/// If the system refuses the handler.
pub(crate) fn flag() -> Result<Arc<AtomicBool>, ctrlc::Error> {
    let flag = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&flag);
    ctrlc::set_handler(move || {
        if seen.swap(true, Ordering::Relaxed) {
            // What a shell reports for a program that Ctrl-C ended.
            process::exit(130);
        }
    })?;
    Ok(flag)
}
