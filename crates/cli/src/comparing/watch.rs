//! A trial on the screen, and its time on disk: an interrupted trial does not forget how long it took.

use std::{
    fs,
    io::{self, IsTerminal, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::Context;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use learn::{files, learner::FitProgress};

use super::pace::Pace;
use crate::numbers::{count, duration};

/// The file that holds the seconds that were spent before.
const CLOCK: &str = "seconds.txt";

/// How often the seconds are written, and a line is where there is no terminal.
const EVERY: Duration = Duration::from_secs(30);

/// Watches one fit.
pub(super) struct Watch {
    begun: Instant,
    /// Seconds that earlier, interrupted attempts took.
    before: f64,
    /// How long the fit took, once it ended.
    fitted: Option<Duration>,
    clock: PathBuf,
    told: Instant,
    bar: Option<ProgressBar>,
    is_quiet: bool,
}

impl Watch {
    /// Begins to watch; `what` is told.
    ///
    /// # Errors
    ///
    /// If the clock of an earlier attempt is damaged.
    pub(super) fn begin(
        what: &str,
        folder: &Path,
        pace: &Pace,
        is_quiet: bool,
    ) -> anyhow::Result<Self> {
        let clock = folder.join(CLOCK);
        let before = match fs::read_to_string(&clock) {
            Ok(text) => text.trim().parse().with_context(|| {
                format!(
                    "cannot read the seconds in `{}`; remove it",
                    clock.display()
                )
            })?,
            Err(_) => 0.0,
        };
        let line = format!("{} of {}: {what}", pace.next(), pace.all());
        let bar = (!is_quiet && io::stderr().is_terminal()).then(|| bar(&line));
        if bar.is_none() {
            say(is_quiet, &line);
        }
        let now = Instant::now();
        Ok(Self {
            begun: now,
            before,
            fitted: None,
            clock,
            told: now,
            bar,
            is_quiet,
        })
    }

    /// The fit is over: what follows is no training.
    pub(super) fn fitted(&mut self) {
        self.fitted = Some(self.begun.elapsed());
    }

    /// Stops watching; the seconds that the fit took in all.
    pub(super) fn end(mut self) -> f64 {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        self.remember();
        self.seconds()
    }

    fn seconds(&self) -> f64 {
        let here = self.fitted.unwrap_or_else(|| self.begun.elapsed());
        self.before + here.as_secs_f64()
    }

    /// Writes the seconds; a clock that cannot be written is no reason to stop a training.
    fn remember(&self) {
        let text = format!("{:.3}\n", self.seconds());
        let _ = files::write_whole(&self.clock, text.as_bytes());
    }
}

impl FitProgress for Watch {
    fn advance(&mut self, done: u64, whole: u64, unit: &'static str) {
        if let Some(bar) = &self.bar {
            if bar.length() != Some(whole) {
                bar.set_length(whole);
                bar.set_position(done);
                // What an earlier attempt did says nothing of this one's pace.
                bar.reset_eta();
            }
            bar.set_position(done);
        }
        if self.told.elapsed() < EVERY {
            return;
        }
        self.told = Instant::now();
        self.remember();
        if self.bar.is_none() {
            let gone = duration(self.begun.elapsed());
            let line = format!("  {} of {} {unit}, {gone} gone", count(done), count(whole));
            say(self.is_quiet, &line);
        }
    }
}

fn bar(what: &str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{msg} {wide_bar} {pos} of {len}, {eta} left") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    bar
}

/// A line on standard error; whether anybody reads it must not end a training.
pub(super) fn say(is_quiet: bool, line: &str) {
    if !is_quiet {
        let _ = writeln!(io::stderr(), "{line}");
    }
}
