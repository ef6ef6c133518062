//! Making a dataset from files: the arguments that `prepare` and `import` share, and what both do.

use std::{
    io::Write,
    num::NonZeroUsize,
    path::{Path, PathBuf},
};

use clap::Args;
use learn::{
    anonymiser::{AnonymiseError, Anonymiser},
    dataset::Manifest,
    filters::Choice,
    preparation::{Observer, PrepareError, PrepareOptions},
};
use traffic::session_table::CutOptions;

use crate::{
    commands::default_threads,
    cutting::SliceArguments,
    preparing::{Format, report, watched},
    sampling::{FilterArguments, PlaceArguments, RuleChoice, SplitArguments},
};

/// What a dataset is called, how its samples come about, and where it goes.
#[derive(Debug, Clone, Args)]
pub(crate) struct DatasetArguments {
    #[command(flatten)]
    place: PlaceArguments,

    /// What the dataset is called in its manifest; by default the registry's name or `dataset`
    #[arg(long)]
    name: Option<String>,

    #[command(flatten)]
    slices: SliceArguments,

    /// Store no addresses but digests of them under the key that this file holds (16 bytes or
    /// more that nobody can guess): equal addresses stay equal
    #[arg(long, value_name = "KEYFILE")]
    anonymise: Option<PathBuf>,

    #[command(flatten)]
    filters: FilterArguments,

    /// What decides on which side a sample is; by default `given` if every source says so (a
    /// capture by its name, IDX files by having a test half), `run` if labels are sidecars, else
    /// `session`, of windows `capture`
    #[arg(
        long = "split",
        value_enum,
        value_name = "RULE",
        help_heading = "Split"
    )]
    rule: Option<RuleChoice>,

    #[command(flatten)]
    split: SplitArguments,

    /// Threads that cut; the dataset does not depend on it [default: as many as the machine runs at once]
    #[arg(long)]
    threads: Option<NonZeroUsize>,

    /// Form of the summary
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

/// What a dataset is where its arguments do not say.
pub(crate) struct Defaults<'a> {
    /// What it is called.
    pub(crate) name: &'a str,
    /// What becomes of duplicates and of sessions without payload.
    pub(crate) cleaning: Choice,
    /// What decides on which side a sample is.
    pub(crate) rule: RuleChoice,
}

impl DatasetArguments {
    /// The options; `sessions` decide all of cutting but the slices.
    ///
    /// # Errors
    ///
    /// If the key to hide addresses with cannot be used.
    pub(crate) fn options(
        &self,
        sessions: CutOptions,
        defaults: &Defaults<'_>,
    ) -> Result<PrepareOptions, AnonymiseError> {
        let duplicates = if self.slices.are_windows() {
            Choice::Keep
        } else {
            defaults.cleaning
        };
        // No window may be on another side than the rest of its session.
        let rule = match defaults.rule {
            RuleChoice::Session if self.slices.are_windows() => RuleChoice::Capture,
            rule => rule,
        };
        Ok(PrepareOptions {
            name: self
                .name
                .clone()
                .unwrap_or_else(|| defaults.name.to_owned()),
            cutting: self.slices.within(sessions),
            filters: self
                .filters
                .filters(defaults.cleaning, duplicates, self.split.seed),
            split: self.split.options(self.rule.unwrap_or(rule)),
            anonymiser: self
                .anonymise
                .as_deref()
                .map(Anonymiser::read)
                .transpose()?,
            existing: self.place.existing(),
        })
    }

    /// Has `work` make the dataset in its place, shows how far it is, and reports what was made.
    pub(crate) fn make(
        &self,
        out: &mut dyn Write,
        work: impl FnOnce(&Path, Observer<'_>) -> Result<Manifest, PrepareError> + Send,
    ) -> anyhow::Result<()> {
        let place = &self.place.out;
        let threads = self.threads.map_or_else(default_threads, NonZeroUsize::get);
        let manifest = watched(threads, |observer| work(place, observer))?;
        report(&manifest, place, self.format, out)
    }
}
