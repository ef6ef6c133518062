//! What the lab needs of a machine, what this machine has of it, and what to do about the rest.

mod ground;
mod installation;
mod supplies;

use std::path::Path;

use serde::Serialize;

pub(crate) use self::{ground::require as require_ground, installation::install, supplies::Needs};
use crate::catalogue::Catalogue;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// What was looked at.
    pub(crate) subject: String,
    /// Whether it is as the lab needs it.
    pub(crate) state: State,
    /// What was found.
    pub(crate) found: String,
    /// What to do, if something is to be done.
    pub(crate) remedy: Option<String>,
}

/// How good a thing is that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum State {
    /// As it should be.
    Good,
    /// The lab works, but is less than it could be.
    Poor,
    /// The lab, or a part of it, does not work.
    Missing,
}

impl Finding {
    fn good(subject: &str, found: impl Into<String>) -> Self {
        Self {
            subject: subject.to_owned(),
            state: State::Good,
            found: found.into(),
            remedy: None,
        }
    }

    fn new(
        state: State,
        subject: &str,
        found: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            subject: subject.to_owned(),
            state,
            found: found.into(),
            remedy: Some(remedy.into()),
        }
    }
}

/// Looks at everything that the lab and its catalogue need.
pub(crate) fn examine(catalogue: &Catalogue, state: &Path) -> Vec<Finding> {
    let mut findings = ground::findings();
    findings.extend(supplies::findings(&Needs::of(catalogue), state));
    findings
}
