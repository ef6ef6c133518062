//! `split`: split a dataset anew by another rule or seed.

use std::{io::Write, path::PathBuf};

use clap::Args;
use learn::preparation::resplit;

use crate::{
    preparing::{Format, report},
    sampling::{PlaceArguments, RuleChoice, SplitArguments},
};

/// Split a dataset anew by another rule or seed
///
/// The samples stay as they are and the captures are not needed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  Whole captures held out, a class of one capture reported as not testable:
    undertone split dataset --rule capture --seed 1 --allow-untestable --out dataset-capture
  Sites c and p6 of the laboratory held out:
    undertone split dataset --rule site --hold-out c,p6 --out dataset-site
  Another lot of sessions, half of them to test on:
    undertone split dataset --rule session --seed 2 --fractions 40/10/50 --out dataset-half")]
pub(crate) struct Split {
    /// The dataset's folder
    dataset: PathBuf,

    /// What decides on which side a sample is
    #[arg(long, value_enum)]
    rule: RuleChoice,

    #[command(flatten)]
    lots: SplitArguments,

    #[command(flatten)]
    place: PlaceArguments,

    /// Form of the summary
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Split {
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let options = self.lots.options(self.rule);
        let place = &self.place.out;
        let manifest = resplit(&self.dataset, &options, place, self.place.existing())?;
        report(&manifest, place, self.format, out)
    }
}
