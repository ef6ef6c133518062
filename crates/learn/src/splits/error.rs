//! Why a split cannot be made.

use std::fmt;

use super::SplitRule;

/// A split that cannot be made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SplitError {
    /// Classes would have no train or no test samples.
    #[error(
        "rule `{rule}` leaves {} without train or test samples; use another rule, add captures, or go on with `--allow-untestable`",
        Named(classes)
    )]
    Untestable {
        /// The rule.
        rule: SplitRule,
        /// Each class with the reason.
        classes: Vec<(String, String)>,
    },
    /// Samples whose source gives no split.
    #[error(
        "rule `given` needs a split for each sample, {missing} of {samples} have none; use rule `session` or `capture`"
    )]
    NotGiven {
        /// Samples without one.
        missing: usize,
        /// All samples.
        samples: usize,
    },
    /// Samples of which is not known what the rule goes by.
    #[error(
        "rule `{rule}` needs a {what} for each sample, {missing} of {samples} have none; prepare captures of the laboratory with `--labels sidecar`"
    )]
    NotKnown {
        /// The rule.
        rule: SplitRule,
        /// What is not known.
        what: &'static str,
        /// Samples without it.
        missing: usize,
        /// All samples.
        samples: usize,
    },
    /// Samples of which it is not known who talked to whom.
    #[error(
        "rule `connection` needs to know who talked to whom, which is not known of {missing} of {samples} samples; use another rule"
    )]
    NoConversation {
        /// Samples of which it is not known.
        missing: usize,
        /// All samples.
        samples: usize,
    },
    /// Nothing came before anything else.
    #[error(
        "rule `time` needs recordings that began at different times, and all {samples} samples are of one; use another rule"
    )]
    OneMoment {
        /// All samples.
        samples: usize,
    },
    /// Windows of one session on two sides.
    #[error(
        "rule `session` draws single samples, and these are windows: those of one session would be \
         on both sides; use rule `run`, `capture` or another that keeps sessions whole"
    )]
    TornSessions,
    /// No tunnel to hold out.
    #[error("no sample went through a tunnel; use rule `run`")]
    NoTunnel,
    /// A rule that keeps no groups whole.
    #[error("rule `{rule}` has no groups, so `{name}` cannot be held out; use a rule that has")]
    NothingToHoldOut {
        /// The rule.
        rule: SplitRule,
        /// What was to be held out.
        name: String,
    },
    /// A group that there is not.
    #[error("there is no {rule} `{name}` to hold out, only {known}")]
    UnknownGroup {
        /// The rule.
        rule: SplitRule,
        /// What was to be held out.
        name: String,
        /// The groups there are, or the first of them.
        known: String,
    },
}

/// Writes ``class `P2P` (why), class `Chat` (why)``.
struct Named<'a>(&'a [(String, String)]);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (class, why)) in self.0.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}class `{class}` ({why})")?;
        }
        Ok(())
    }
}
