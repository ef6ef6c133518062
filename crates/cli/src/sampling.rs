//! Arguments that decide which sessions become samples, and how samples are split.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use learn::{
    dataset::folder::Existing,
    filters::{Choice, Filters},
    splits::{Fractions, SplitOptions, SplitRule, Untestable},
};

/// Which sessions become samples.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Samples")]
pub(crate) struct FilterArguments {
    /// Sessions with the same slice and label as an earlier one; across given splits, train
    /// comes before validation and validation before test. By default removed, but kept by
    /// `import` and of windows, whose packets tell more than their slices
    #[arg(long, value_enum, value_name = "WHAT")]
    duplicates: Option<Duplicates>,

    /// Sessions without payload; by default dropped, but kept by `import`
    #[arg(long, value_enum, value_name = "WHAT")]
    empty: Option<KeepOrDrop>,

    /// Sessions that a label does not mean: name resolution, discovery, time, addresses
    #[arg(long, value_enum, default_value_t = KeepOrDrop::Keep, value_name = "WHAT")]
    background: KeepOrDrop,

    /// Draw this many samples of each class that has more
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    max_per_class: Option<u64>,
}

/// How samples are split.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Split")]
pub(crate) struct SplitArguments {
    /// Shares of train, validation and test
    #[arg(long, default_value = "80/10/10", value_name = "SHARES")]
    fractions: Fractions,

    /// Seed of every lot drawn
    #[arg(long, default_value_t = 0)]
    pub(crate) seed: u64,

    /// Go on when a class has no train or no test samples, and report it as not testable
    #[arg(long)]
    allow_untestable: bool,

    /// Groups to test on, such as `c` or `Email/c`; all others are for train and validation. By
    /// default they are chosen by lot
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    hold_out: Vec<String>,
}

/// Where the dataset goes.
#[derive(Debug, Clone, Args)]
pub(crate) struct PlaceArguments {
    /// The dataset's folder; it must not exist, or be empty
    #[arg(short, long, value_name = "DIR")]
    pub(crate) out: PathBuf,

    /// Replace the dataset that is there
    #[arg(long)]
    force: bool,
}

/// What decides on which side a sample is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum RuleChoice {
    /// The side that the source gives; validation is drawn from train if the source has none
    Given,
    /// Each session by lot, every class in the same proportion
    Session,
    /// Sessions of one five-tuple, whichever end began, on one side
    Connection,
    /// What was recorded first to fit, what came last to test: whole runs, or groups of captures
    Time,
    /// Each capture, or group of captures, whole
    Capture,
    /// Each run of the laboratory whole
    Run,
    /// Each site whole, within an activity
    Site,
    /// Each application whole, within an activity
    Application,
    /// Each kind of tunnel whole; what went through none by whole runs
    Tunnel,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Duplicates {
    Remove,
    Keep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum KeepOrDrop {
    Keep,
    Drop,
}

impl From<KeepOrDrop> for Choice {
    fn from(choice: KeepOrDrop) -> Self {
        match choice {
            KeepOrDrop::Keep => Self::Keep,
            KeepOrDrop::Drop => Self::Drop,
        }
    }
}

impl From<RuleChoice> for SplitRule {
    fn from(choice: RuleChoice) -> Self {
        match choice {
            RuleChoice::Given => Self::Given,
            RuleChoice::Session => Self::Session,
            RuleChoice::Connection => Self::Connection,
            RuleChoice::Time => Self::Time,
            RuleChoice::Capture => Self::Capture,
            RuleChoice::Run => Self::Run,
            RuleChoice::Site => Self::Site,
            RuleChoice::Application => Self::Application,
            RuleChoice::Tunnel => Self::Tunnel,
        }
    }
}

impl FilterArguments {
    /// The filters, with this seed; `cleaning` is done where nothing else was asked for, and
    /// `duplicates` is what becomes of them then.
    pub(crate) fn filters(&self, cleaning: Choice, duplicates: Choice, seed: u64) -> Filters {
        Filters {
            duplicates: match self.duplicates {
                Some(Duplicates::Remove) => Choice::Drop,
                Some(Duplicates::Keep) => Choice::Keep,
                None => duplicates,
            },
            empty: self.empty.map_or(cleaning, Choice::from),
            background: self.background.into(),
            max_per_class: self.max_per_class.map(|count| count as usize),
            seed,
        }
    }
}

impl SplitArguments {
    /// The options under a rule.
    pub(crate) fn options(&self, rule: RuleChoice) -> SplitOptions {
        SplitOptions {
            rule: rule.into(),
            seed: self.seed,
            fractions: self.fractions,
            untestable: if self.allow_untestable {
                Untestable::Allow
            } else {
                Untestable::Refuse
            },
            hold_out: self.hold_out.clone(),
        }
    }
}

impl PlaceArguments {
    /// What becomes of a dataset that is already there.
    pub(crate) fn existing(&self) -> Existing {
        if self.force {
            Existing::Replace
        } else {
            Existing::Refuse
        }
    }
}
