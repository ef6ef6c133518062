//! Ctrl-C and SIGTERM: the first asks to stop, the second does not ask.

use std::{
    io,
    sync::{Arc, atomic::AtomicBool},
};

use signal_hook::{
    consts::{SIGINT, SIGTERM},
    flag,
};

/// What a shell reports for a program that Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// A flag that the first Ctrl-C or SIGTERM sets; the second ends the program.
///
/// # Errors
///
/// If the system refuses the handler.
pub(crate) fn flag() -> io::Result<Arc<AtomicBool>> {
    let asked = Arc::default();
    for signal in [SIGINT, SIGTERM] {
        // In this order: the first signal finds the flag unset.
        flag::register_conditional_shutdown(signal, INTERRUPTED, Arc::clone(&asked))?;
        flag::register(signal, Arc::clone(&asked))?;
    }
    Ok(asked)
}
