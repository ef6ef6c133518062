//! `compare`: which of several models is better, on the same samples?

use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, bail};
use clap::Args;
use learn::{
    comparison::{Comparison, table::Table},
    splits::{SplitOptions, Untestable},
};

use crate::{
    comparing::{Competitor, Effort, End, Splitting, compare, places},
    interrupt, recipes,
    report::{Format, PictureArguments, comparison as report},
    sampling::RuleChoice,
};

/// Fit several models to the same samples and say which is better
///
/// Each model is fitted with each seed and scored on the test samples of each split: one table a
/// split, in `comparison.json` and `comparison.html` of the folder and on standard output. Cheap
/// opponents, which know next to nothing, are in every table: what they score is no achievement.
/// What is done stays done: after Ctrl-C the same command goes on, and with more models or seeds
/// it adds to what is there.
#[derive(Debug, Args)]
#[command(after_long_help = "\
Examples:
  The paper's networks and a boosted forest, on the split that the dataset has:
    undertone compare iscx --models resnet-gru,resnet,gru,boosting:packets --out comparison

  Two splits, three seeds, the paper's recipe cut to 20 epochs:
    undertone compare iscx --splits session,capture --allow-untestable --seeds 1,2,3 \\
      --recipe paper --epochs 20 --out comparison

  The network that comes with the program by its recipe, beside the paper's by another:
    undertone compare lab --models resnet-gru-sequence@laboratory,resnet-gru --recipe quick --out lab-comparison

  Everything there is:
    undertone compare iscx --models networks,baselines --out comparison")]
pub(crate) struct Compare {
    /// Folders of datasets, split or not
    #[arg(required = true, value_name = "DATASET")]
    datasets: Vec<PathBuf>,

    /// Folder of the comparison
    #[arg(short, long, value_name = "DIR")]
    out: PathBuf,

    /// Models by name, such as `resnet-gru` or `forest:packets`; `networks` and `baselines` stand for
    /// all of theirs, NETWORK@RECIPE for a network by a recipe of its own, by name or file
    #[arg(
        short,
        long,
        value_delimiter = ',',
        value_name = "MODEL,…",
        default_value = "resnet-gru,resnet,gru"
    )]
    models: Vec<String>,

    /// Splits to make of each dataset, by rule [default: the split it has]
    #[arg(long, value_enum, value_delimiter = ',', value_name = "RULE,…")]
    splits: Vec<RuleChoice>,

    /// Seed of new splits [default: 0; a split of the same rule is kept]
    #[arg(long, value_name = "SEED")]
    split_seed: Option<u64>,

    /// Go on when a class has no train or no test samples, and report it as not testable
    #[arg(long)]
    allow_untestable: bool,

    /// How networks are trained that have no recipe of their own: `quick`, `paper`, `laboratory`, or a
    /// TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "quick")]
    recipe: String,

    #[command(flatten)]
    pictures: PictureArguments,

    #[command(flatten)]
    effort: Effort,
}

impl Compare {
    /// Compares; the tables go to `out` and into the folder.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let read = |name: &str| self.effort.shortened(recipes::read(name)?);
        let competitors = Competitor::all(&self.models, &read(&self.recipe)?, &read)?;
        let plan = self.effort.plan(competitors)?;
        let stop = interrupt::flag().context("cannot watch for Ctrl-C")?;
        let places = places(&self.datasets, &self.splitting(), &self.out)?;
        fs::create_dir_all(&self.out)
            .with_context(|| format!("cannot make folder `{}`", self.out.display()))?;
        let mut tables = Vec::new();
        let end = compare(&plan, &places, &stop, &mut |so_far: &[Table]| {
            tables = so_far.to_vec();
            report::write(&self.out, &Comparison::new(tables.clone()))
        })?;
        if matches!(end, End::Stopped) {
            bail!("stopped, nothing is lost; the same command goes on");
        }
        let comparison = Comparison::new(tables);
        let page = report::html(&comparison).context("cannot draw the page")?;
        self.pictures.write(&page)?;
        match self.effort.format {
            Format::Text => out.write_all(report::text(&comparison).as_bytes())?,
            Format::Json => out.write_all(comparison.to_json().as_bytes())?,
            Format::Html => out.write_all(page.as_bytes())?,
        }
        if !self.effort.quiet {
            // Whether anybody reads standard error must not matter here.
            let page = self.out.join(report::PAGE);
            let _ = writeln!(io::stderr(), "page: {}", page.display());
        }
        Ok(())
    }

    fn splitting(&self) -> Splitting {
        Splitting {
            rules: self.splits.iter().map(|&rule| rule.into()).collect(),
            seed: self.split_seed,
            options: SplitOptions {
                untestable: if self.allow_untestable {
                    Untestable::Allow
                } else {
                    Untestable::Refuse
                },
                ..SplitOptions::default()
            },
        }
    }
}
