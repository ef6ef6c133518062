//! Training progress on standard error: a bar on a terminal, a line an epoch elsewhere.

use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use learn::{
    run::EpochRecord,
    training::{LayerDone, Plan, Progress, StepProgress},
};

use crate::numbers::{count, counted, duration, percent};

/// Says how far training is, and how long it will take.
pub(crate) struct TrainingProgress {
    begun: Instant,
    bar: Option<ProgressBar>,
    plan: Option<Plan>,
    is_quiet: bool,
}

impl TrainingProgress {
    /// Begins to count the time.
    pub(crate) fn new(is_quiet: bool) -> Self {
        Self {
            begun: Instant::now(),
            bar: None,
            plan: None,
            is_quiet,
        }
    }

    fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            // Whether anybody reads standard error must not end a training.
            None => drop(writeln!(io::stderr(), "{line}")),
        }
    }

    /// The time that the steps still to do will take at the pace of those done.
    fn left(&self, epochs_done: u32) -> Duration {
        let Some(plan) = self.plan else {
            return Duration::ZERO;
        };
        let done = u64::from(epochs_done) * plan.steps_per_epoch;
        let here = done.saturating_sub(plan.steps_done).max(1);
        let to_do = (u64::from(plan.epochs) * plan.steps_per_epoch).saturating_sub(done);
        self.begun.elapsed().mul_f64(to_do as f64 / here as f64)
    }
}

impl Progress for TrainingProgress {
    fn begin(&mut self, plan: Plan) {
        self.plan = Some(plan);
        self.begun = Instant::now();
        if self.is_quiet {
            return;
        }
        let resumed = if plan.steps_done > 0 {
            format!(", resumed after step {}", count(plan.steps_done))
        } else {
            String::new()
        };
        self.say(&format!(
            "training on {}, {} of {}; validation on {}{resumed}",
            counted(plan.train_samples as u64, "sample"),
            counted(u64::from(plan.epochs), "epoch"),
            counted(plan.steps_per_epoch, "step"),
            counted(plan.validation_samples as u64, "sample"),
        ));
        if io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(
                Some(u64::from(plan.epochs) * plan.steps_per_epoch),
                ProgressDrawTarget::stderr(),
            );
            if let Ok(style) =
                ProgressStyle::with_template("{wide_bar} {msg}, step {pos} of {len}, {eta} left")
            {
                bar.set_style(style);
            }
            bar.set_position(plan.steps_done);
            // Steps that an earlier run did say nothing of this one's pace.
            bar.reset_eta();
            self.bar = Some(bar);
        }
    }

    fn layer(&mut self, done: LayerDone) {
        if !self.is_quiet {
            self.say(&format!(
                "layer {} of {} started alone: mean squared difference {:.5}",
                done.layer, done.layers, done.loss
            ));
        }
    }

    fn step(&mut self, step: StepProgress) {
        if let (Some(bar), Some(plan)) = (&self.bar, self.plan) {
            bar.set_position(u64::from(step.epoch - 1) * plan.steps_per_epoch + step.step);
            bar.set_message(format!("epoch {}, loss {:.4}", step.epoch, step.loss));
        }
    }

    fn epoch(&mut self, record: &EpochRecord) {
        if self.is_quiet {
            return;
        }
        let epochs = self.plan.map_or(record.epoch, |plan| plan.epochs);
        self.say(&format!(
            "epoch {:>3}/{epochs}: loss {:.4}, accuracy {}; validation: loss {:.4}, accuracy {}, \
             macro-F1 {}{}; {} gone, {} left",
            record.epoch,
            record.train_loss,
            percent(record.train_accuracy),
            record.validation_loss,
            percent(record.validation_accuracy),
            percent(record.validation_macro_f1),
            if record.is_best { " (best)" } else { "" },
            duration(self.begun.elapsed()),
            duration(self.left(record.epoch)),
        ));
    }
}

impl Drop for TrainingProgress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
