//! The classifier: a capture in, a verdict on each of its sessions out.

mod asking;
mod telling;
mod whole;

use std::{
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use asking::Asking;
pub use telling::{Moment, SessionName, Telling};
use whole::{Said, Wholes};

use traffic::{
    background::Background,
    capture::CaptureReader,
    cut::{CutError, Watch, cut_watched},
    session::Session,
    session_table::CutOptions,
    tally::Tally,
};

use crate::{
    calibration,
    inputs::{Evidence, Inputs},
    model::{Model, ModelError},
    rejection::Assessment,
};

/// What is said of a session.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Verdict {
    /// It is of this class.
    Class {
        /// The class, as a number.
        label: u32,
        /// How sure that is.
        confidence: f64,
    },
    /// The model is not sure enough, or has seen nothing like it.
    Unknown {
        /// The class it would have named.
        nearest: u32,
        /// How sure that would have been.
        confidence: f64,
    },
    /// No packet carries payload, so there is nothing to tell it by.
    Empty,
    /// Background, known by its ports; the model was not asked.
    Background(Background),
}

/// What becomes of background sessions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum BackgroundRule {
    /// They are named by what they are, as [`Verdict::Background`].
    #[default]
    Name,
    /// The model is asked about them as about any other.
    Classify,
}

/// Every setting that decides verdicts, beside the model.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassifierOptions {
    /// How captures are cut; policy and slice length must be the model's.
    pub cut: CutOptions,
    /// The confidence below which the verdict is unknown, instead of the model's own rule.
    pub threshold: Option<f64>,
    /// What becomes of background sessions.
    pub background: BackgroundRule,
    /// How many sessions the network is asked about at once; verdicts do not depend on it.
    pub batch: NonZeroUsize,
    /// Threads of the network, which with more than one works beside the cutting; verdicts do not
    /// depend on it.
    pub threads: usize,
}

impl ClassifierOptions {
    /// What the model itself asks for.
    ///
    /// # Errors
    ///
    /// [`ModelError::Uncuttable`] for a model of raw slices.
    pub fn of(model: &Model) -> Result<Self, ModelError> {
        Ok(Self {
            cut: model.cut_options()?,
            threshold: None,
            background: BackgroundRule::default(),
            batch: const { NonZeroUsize::new(128).expect("128 is not zero") },
            threads: 1,
        })
    }
}

/// A model and how to ask it.
#[derive(Debug, Clone)]
pub struct Classifier {
    model: Model,
    options: ClassifierOptions,
}

impl Classifier {
    /// A classifier of these.
    ///
    /// # Errors
    ///
    /// [`ModelError::OtherPolicy`] if captures would be cut into other slices than the model's.
    pub fn new(model: Model, options: ClassifierOptions) -> Result<Self, ModelError> {
        model.check_slices(
            &options.cut.policy.to_string(),
            options.cut.slice_length.get(),
        )?;
        Ok(Self { model, options })
    }

    /// The settings.
    pub fn options(&self) -> &ClassifierOptions {
        &self.options
    }

    /// The model.
    pub fn model(&self) -> &Model {
        &self.model
    }

    /// Gives `sink` every session of a capture with its verdict, as sessions end.
    ///
    /// Of a model of windows, `sink` gets each window, which says so, and behind the last one of a
    /// session the session as a whole, without slice and packets, with the verdict that its windows
    /// agree on.
    ///
    /// At most a few batches of ended sessions wait beside the open ones, so memory does not grow
    /// with the capture. `seed` makes the session table hard to attack and is not visible in verdicts.
    ///
    /// When `stop` becomes true, no more frames are read and the sessions that have ended until
    /// then are given; `sink` stops it at once with [`ControlFlow::Break`]. The tally is that of
    /// the frames so far.
    ///
    /// # Errors
    ///
    /// If the capture stops making sense; the sessions before that place are given first.
    pub fn classify(
        &self,
        reader: &mut CaptureReader,
        seed: u64,
        stop: &AtomicBool,
        sink: &mut dyn FnMut(&Session, Verdict) -> ControlFlow<()>,
    ) -> Result<Tally, CutError> {
        if self.options.threads < 2 {
            return self.classify_asking(Asking::in_turns(self), reader, seed, stop, sink);
        }
        thread::scope(|scope| {
            let asking = Asking::beside(scope, self);
            self.classify_asking(asking, reader, seed, stop, sink)
        })
    }

    fn classify_asking(
        &self,
        mut asking: Asking<'_>,
        reader: &mut CaptureReader,
        seed: u64,
        stop: &AtomicBool,
        sink: &mut dyn FnMut(&Session, Verdict) -> ControlFlow<()>,
    ) -> Result<Tally, CutError> {
        let batch = self.options.batch.get();
        let mut waiting = Vec::with_capacity(batch);
        let mut has_heard_enough = false;
        let mut wholes = Wholes::new(self);
        let mut take_in = |session| {
            waiting.push(session);
            if waiting.len() < batch {
                return ControlFlow::Continue(());
            }
            asking.ask(std::mem::replace(&mut waiting, Vec::with_capacity(batch)));
            while let Some(answered) = asking.ready() {
                if wholes.tell(&answered, sink).is_break() {
                    has_heard_enough = true;
                    return ControlFlow::Break(());
                }
            }
            ControlFlow::Continue(())
        };
        let watch = Watch {
            frame: &mut |_| {
                if stop.load(Ordering::Relaxed) {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                }
            },
            session: &mut take_in,
        };
        let outcome = cut_watched(reader, &self.options.cut, seed, watch);
        if !has_heard_enough {
            asking.ask(waiting);
            // Nothing is left to stop but the rest of these.
            let flow = asking
                .rest()
                .try_for_each(|answered| wholes.tell(&answered, sink));
            if flow.is_continue() {
                let _ = wholes.tell_rest(sink);
            }
        }
        outcome
    }

    /// The verdicts on sessions, `[sessions]`.
    pub fn verdicts(&self, sessions: &[Session]) -> Vec<Verdict> {
        self.answer(sessions).0
    }

    /// The same, and what windows of sessions say to that: none where the model was not asked.
    fn answer(&self, sessions: &[Session]) -> (Vec<Verdict>, Vec<Option<Said>>) {
        let mut verdicts: Vec<Option<Verdict>> = sessions
            .iter()
            .map(|session| self.verdict_without_model(session))
            .collect();
        let mut inputs = Inputs::new(self.model.contract().shape);
        for (session, verdict) in sessions.iter().zip(&verdicts) {
            if verdict.is_none() {
                inputs.push(Evidence::from(session));
            }
        }
        let ClassifierOptions {
            threshold, threads, ..
        } = self.options;
        let (assessments, logits) = self.model.assess(inputs.as_input(), threshold, threads);
        let temperature = self.model.contract().calibration.temperature;
        let mut asked = assessments
            .into_iter()
            .zip(logits.chunks_exact(self.model.contract().shape.classes));
        let mut said = Vec::new();
        for (session, verdict) in sessions.iter().zip(&mut verdicts) {
            let answer = if verdict.is_none() {
                asked.next()
            } else {
                None
            };
            if session.window.is_some() {
                said.push(answer.map(|(assessment, logits)| Said {
                    probabilities: calibration::probabilities(logits, temperature),
                    familiarity: assessment.familiarity,
                }));
            }
            if let Some((assessment, _)) = answer {
                *verdict = Some(verdict_of(assessment));
            }
        }
        (verdicts.into_iter().flatten().collect(), said)
    }

    /// The verdict on a session that the model need not be asked about.
    fn verdict_without_model(&self, session: &Session) -> Option<Verdict> {
        match session.background {
            Some(kind) if self.options.background == BackgroundRule::Name => {
                Some(Verdict::Background(kind))
            }
            _ => session.is_empty().then_some(Verdict::Empty),
        }
    }
}

fn verdict_of(assessment: Assessment) -> Verdict {
    let Assessment {
        label,
        confidence,
        is_unknown,
        ..
    } = assessment;
    if is_unknown {
        // Damaged weights can give no number.
        let confidence = if confidence.is_finite() {
            confidence
        } else {
            0.0
        };
        return Verdict::Unknown {
            nearest: label,
            confidence,
        };
    }
    Verdict::Class { label, confidence }
}
