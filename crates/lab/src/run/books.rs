//! Books: what workers write down of their runs, and how far they are.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use super::{acceptance::View, balance::Balance, ledger::Ledger};
use crate::catalogue::Class;

/// What workers change.
pub(super) struct Books {
    pub(super) ledger: Ledger,
    pub(super) balance: Balance,
}

/// The books; a worker that panicked with them left them whole.
pub(super) fn lock(books: &Mutex<Books>) -> MutexGuard<'_, Books> {
    books.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How far it is, on one line: accepted sessions a class, direct, inner and outer.
pub(super) fn progress(ledger: &Ledger, round_end: Instant) -> String {
    let lines = ledger.lines();
    let sum = |class: Class, view: View| -> u64 {
        let of_class = lines.iter().filter(|line| line.class == class);
        of_class.map(|line| line.accepted(view)).sum()
    };
    let classes: Vec<String> = Class::ALL
        .into_iter()
        .map(|class| {
            let [direct, inner, outer] =
                [View::Direct, View::Inner, View::Outer].map(|view| sum(class, view));
            format!("{class} {direct}/{inner}/{outer}")
        })
        .collect();
    let failed = lines.iter().filter(|line| line.failure.is_some()).count();
    let left = round_end.saturating_duration_since(Instant::now());
    format!(
        "{} runs, {failed} failed; {}; this round ends in {} s",
        lines.len(),
        classes.join(", "),
        left.as_secs()
    )
}
