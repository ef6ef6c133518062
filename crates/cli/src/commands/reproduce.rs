//! `reproduce`: a published experiment, made again.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args;
use learn::{
    comparison::{
        Comparison,
        reproduction::Reproduction,
        table::{LeftOut, Table},
    },
    files,
    registry::Registry,
    run::{EpochRecord, Run},
};

use crate::{
    comparing::{Competitor, Effort, End, Splitting, compare, places},
    interrupt,
    preparing::{published_files, watched_with},
    recipes,
    report::{Format, comparison as tables, reproduction as report},
    reproducing::{Source, existing, make},
};

/// Make a published experiment again, and put its figures beside ours
///
/// From the captures or the IDX files of the data set to the paper's tables and figures: makes the
/// dataset, trains and scores every network that the paper has figures of, and the cheap opponents
/// that it lacks. Everything is in the folder of `--out`; what is done stays done, and after Ctrl-C
/// the same command goes on. With the paper's 150 epochs this takes days on a processor:
/// `--epochs` trains less.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  The paper's Table 4 and Figure 4, twelve epochs:
    undertone reproduce iscx-vpn-2016 --data iscx --recipe quick --out reproduction
  As the paper has it:
    undertone reproduce iscx-vpn-2016 --data iscx --out reproduction
  Only its own network and the halves:
    undertone reproduce iscx-vpn-2016 --data iscx --models resnet-gru,resnet,gru --epochs 20")]
pub(crate) struct Reproduce {
    /// The data set, by a name of `undertone dataset list` that has published scores
    #[arg(value_parser = super::prepare::known_registry)]
    name: &'static Registry,

    /// Folder with its captures or its IDX files
    #[arg(long, value_name = "DIR")]
    data: PathBuf,

    /// Folder of the reproduction
    #[arg(short, long, value_name = "DIR", default_value = "reproduction")]
    out: PathBuf,

    /// Only these models, by name [default: all that have published scores, and the cheap opponents]
    #[arg(short, long, value_delimiter = ',', value_name = "MODEL,…")]
    models: Option<Vec<String>>,

    /// How networks are trained: `paper`, `quick`, or a TOML file
    #[arg(long, value_name = "NAME|FILE", default_value = "paper")]
    recipe: String,

    #[command(flatten)]
    effort: Effort,
}

/// The network whose confusions and curves are shown; without it, those of the first model.
const MAIN: &str = "resnet-gru";

impl Reproduce {
    /// Makes, trains, scores; the figures go to `out` and into the folder.
    pub(crate) fn run(&self, out: &mut dyn Write) -> anyhow::Result<()> {
        let registry = self.name;
        if registry.reproducible().next().is_none() {
            bail!(
                "no scores on `{}` are known that could be reproduced",
                registry.name
            );
        }
        let read = |name: &str| self.effort.shortened(recipes::read(name)?);
        let recipe = read(&self.recipe)?;
        let (competitors, unknown) = match &self.models {
            Some(models) => (Competitor::all(models, &recipe, &read)?, Vec::new()),
            None => Competitor::known(
                registry.reproducible().map(|score| score.model.as_str()),
                &recipe,
            ),
        };
        let plan = self.effort.plan(competitors)?;
        let stop = interrupt::flag().context("cannot watch for Ctrl-C")?;
        let dataset = self.out.join(&registry.name);
        if existing(&dataset, registry)?.is_none() {
            let source = Source::find(&self.data)?;
            self.say(&format!(
                "dataset: from the {} in `{}`",
                source.name(),
                self.data.display()
            ));
            let work = make(&source, &self.data, registry, &dataset)?;
            watched_with(plan.threads, &stop, work)?;
        } else {
            self.say(&format!(
                "dataset: `{}` is there and taken as it is",
                dataset.display()
            ));
        }
        let made = existing(&dataset, registry)?;
        if let Some(files) = made.as_ref().and_then(|made| made.published_files.as_ref()) {
            self.say(&published_files(files));
        }
        let places = places(&[dataset], &Splitting::default(), &self.out)?;
        let mut tables: Vec<Table> = Vec::new();
        let end = compare(&plan, &places, &stop, &mut |so_far: &[Table]| {
            tables = so_far.to_vec();
            tables::write(&self.out, &Comparison::new(tables.clone()))
        })?;
        if matches!(end, End::Stopped) {
            bail!("stopped, nothing is lost; the same command goes on");
        }
        let mut table = tables.pop().context("no model was fitted")?;
        table
            .left_out
            .extend(unknown.into_iter().map(|model| LeftOut {
                reason: "this version has no such model".to_owned(),
                model,
            }));
        let reproduction = Reproduction::of(&registry.name, table);
        let rows = &reproduction.table.rows;
        let main = rows.iter().find(|row| row.model == MAIN).or(rows.first());
        let main = main.map_or(MAIN, |row| row.model.as_str());
        let folder = places[0].trial(main, plan.seeds[0]);
        let page = report::html(&reproduction, main, &epochs(&folder)?)?;
        write(&self.out, &reproduction, &page)
            .with_context(|| format!("cannot write into `{}`", self.out.display()))?;
        match self.effort.format {
            Format::Text => out.write_all(report::text(&reproduction, main).as_bytes())?,
            Format::Json => out.write_all(reproduction.to_json().as_bytes())?,
            Format::Html => out.write_all(page.as_bytes())?,
        }
        self.say(&format!("page: {}", self.out.join(PAGE).display()));
        Ok(())
    }

    /// A line on standard error; whether anybody reads it must not matter.
    fn say(&self, line: &str) {
        if !self.effort.quiet {
            let _ = writeln!(io::stderr(), "{line}");
        }
    }
}

/// The file names of a reproduction.
const FIGURES: &str = "reproduction.json";
const PAGE: &str = "reproduction.html";

/// What the epochs of a run did; nothing of a model that is no network.
fn epochs(folder: &Path) -> anyhow::Result<Vec<EpochRecord>> {
    Ok(Run::at(folder).epochs()?)
}

fn write(folder: &Path, reproduction: &Reproduction, page: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    files::write_whole(&folder.join(FIGURES), reproduction.to_json().as_bytes())?;
    files::write_whole(&folder.join(PAGE), page.as_bytes())
}
