//! A finding: a session, what is said of it, when, and by whom.

use std::net::SocketAddr;

use learn::{
    classifier::{Moment, Verdict},
    model::Model,
};
use traffic::{background::Background, session::Session};

use crate::numbers::short;

/// Who says so.
pub(super) struct Origin {
    /// The first digits of the model's SHA-256.
    pub(super) model: String,
    /// The model's byte policy, canonical spelling.
    pub(super) policy: String,
    /// The model's classes, by label.
    pub(super) classes: Vec<String>,
}

impl Origin {
    /// That of a model's verdicts.
    pub(super) fn of(model: &Model) -> Self {
        let contract = model.contract();
        Self {
            model: short(model.hash()).to_owned(),
            policy: contract.policy.clone(),
            classes: contract.classes.clone(),
        }
    }
}

/// What every form of output is made of.
#[derive(Clone, Copy)]
pub(super) struct Finding<'a> {
    pub(super) capture: &'a str,
    pub(super) session: &'a Session,
    pub(super) verdict: Verdict,
    pub(super) moment: Moment,
    pub(super) origin: &'a Origin,
}

impl<'a> Finding<'a> {
    /// class, unknown, empty or background.
    pub(super) fn kind(&self) -> &'static str {
        match self.verdict {
            Verdict::Class { .. } => "class",
            Verdict::Unknown { .. } => "unknown",
            Verdict::Empty => "empty",
            Verdict::Background(_) => "background",
        }
    }

    /// The class, if it is of one.
    pub(super) fn class(&self) -> Option<&'a str> {
        match self.verdict {
            Verdict::Class { label, .. } => Some(&self.origin.classes[label as usize]),
            _ => None,
        }
    }

    /// The class that an unknown session would have been called.
    pub(super) fn nearest(&self) -> Option<&'a str> {
        match self.verdict {
            Verdict::Unknown { nearest, .. } => Some(&self.origin.classes[nearest as usize]),
            _ => None,
        }
    }

    /// To four decimals, which is more than calibration can promise.
    pub(super) fn confidence(&self) -> Option<f64> {
        super::confidence_of(self.verdict).map(|confidence| (confidence * 1e4).round() / 1e4)
    }

    /// Which background it is, whether the model was asked or not.
    pub(super) fn background(&self) -> Option<&'static str> {
        self.session.background.map(Background::name)
    }

    pub(super) fn client(&self) -> SocketAddr {
        self.session.five_tuple.source
    }

    pub(super) fn server(&self) -> SocketAddr {
        self.session.five_tuple.destination
    }

    /// Packets and bytes from the server.
    pub(super) fn backward(&self) -> (u64, u64) {
        let Session {
            packets,
            bytes,
            forward,
            ..
        } = self.session;
        (packets - forward.packets, bytes - forward.bytes)
    }
}
