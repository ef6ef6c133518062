//! Arguments of commands that follow sessions while they are open.

use std::num::{NonZeroU64, NonZeroUsize};

use anyhow::bail;
use clap::Args;
use learn::classifier::{Classifier, ClassifierOptions};
use traffic::{
    excerpt::ExcerptLimits,
    session_table::{EndRule, Glimpses, Unit},
};

use super::source::InterfaceOptions;
use crate::{
    asking::AskingArguments,
    commands::{classify::SessionEnd, default_threads},
    cutting::nanoseconds,
};

/// Packets after which the model is asked, if it reads packets: those that `evaluate` has scores for.
const EARLY: [u64; 4] = [4, 8, 16, 32];

/// Sessions that a thread of the network is asked about at once: the first gets its verdict with the
/// last, and more at once are hardly faster.
const BATCH: NonZeroUsize = NonZeroUsize::new(4).expect("four is not zero");

/// From what, by which model and when sessions are judged while they are open.
#[derive(Debug, Clone, Args)]
pub(crate) struct FollowingArguments {
    #[command(flatten)]
    pub(crate) capturing: InterfaceOptions,
    #[command(flatten)]
    asking: AskingArguments,
    /// Ask after these numbers of a session's packets [default: 4,8,16,32 if the model reads
    /// packets, else none]
    #[arg(long, value_name = "PACKETS", value_delimiter = ',')]
    after: Vec<NonZeroUsize>,
    /// Ask about a session without that many packets when it is so old
    #[arg(long, value_name = "SECONDS", value_parser = nanoseconds)]
    within: Option<NonZeroU64>,
    /// Silence that ends a session [default: the model's own, or 64]
    #[arg(long, value_name = "SECONDS", value_parser = nanoseconds)]
    idle: Option<NonZeroU64>,
    /// Age that ends a session at its next packet [default: the model's own, or 1800]
    #[arg(long, value_name = "SECONDS", value_parser = nanoseconds)]
    active: Option<NonZeroU64>,
    /// Threads of the network, beside the one that captures; verdicts do not depend on it [default:
    /// all but one of those that the machine runs at once]
    #[arg(long)]
    threads: Option<NonZeroUsize>,
}

impl FollowingArguments {
    /// The classifier that they ask for, which must be one of whole sessions; of each it keeps so
    /// much.
    pub(crate) fn classifier(&self, excerpts: Option<ExcerptLimits>) -> anyhow::Result<Classifier> {
        let classifier = self.asking.classifier(|options| {
            self.adjust(options);
            options.cut.excerpts = excerpts;
        })?;
        if matches!(classifier.options().cut.unit, Unit::Window(_)) {
            bail!(
                "the model reads windows of sessions; this command is for models of whole \
                 sessions, and `undertone classify -` reads such a model's from a pipe"
            );
        }
        Ok(classifier)
    }

    /// When the model is asked about open sessions.
    pub(crate) fn glimpses(&self, classifier: &Classifier) -> Glimpses {
        let reads_packets = classifier.model().contract().shape.architecture.parts();
        let packets = if !self.after.is_empty() {
            self.after.iter().map(|count| count.get() as u64).collect()
        } else if reads_packets.packets {
            EARLY.to_vec()
        } else {
            Vec::new()
        };
        Glimpses {
            packets,
            age_nanoseconds: self.within.map(NonZeroU64::get),
            every_nanoseconds: None,
        }
    }

    fn adjust(&self, options: &mut ClassifierOptions) {
        let all_but_one = NonZeroUsize::new(default_threads() - 1).unwrap_or(NonZeroUsize::MIN);
        let threads = self.threads.unwrap_or(all_but_one);
        options.threads = threads.get();
        options.batch = BATCH.saturating_mul(threads);
        options.cut.end_rule = self.end_rule(options.cut.end_rule);
    }

    fn end_rule(&self, of_model: EndRule) -> EndRule {
        match SessionEnd::Timeout.rule(of_model) {
            EndRule::Timeout {
                idle_nanoseconds,
                active_nanoseconds,
            } => EndRule::Timeout {
                idle_nanoseconds: self.idle.map_or(idle_nanoseconds, NonZeroU64::get),
                active_nanoseconds: self.active.map_or(active_nanoseconds, NonZeroU64::get),
            },
            rule @ EndRule::Capture => rule,
        }
    }
}
