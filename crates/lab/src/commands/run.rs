//! `run`: labelled captures of everything the catalogue knows.

use std::{io::Write, path::PathBuf, sync::atomic::Ordering, time::Duration};

use anyhow::{Context, bail};
use clap::Args;

use super::{Format, Places, say};
use crate::{
    catalogue::{Catalogue, Class, check_rendering, unpack},
    certificates, interrupt,
    lab::{Claim, Lab, write_whole},
    media,
    run::{Ledger, Order, Production, Summary, cpu_seconds},
    services::Folders,
};

/// How long a run of this program and a round may be, in minutes.
const MINUTES: std::ops::RangeInclusive<f64> = 0.5..=10_000.0;

/// The word for no tunnel.
const NONE: &str = "none";

/// Make labelled captures
///
/// Needs a lab that is up. The same folder and seed again go on with further runs.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// Folder of the data set, made if absent
    #[arg(long, value_name = "DIR")]
    out: PathBuf,

    /// How long, services' starts included
    #[arg(long, default_value_t = 30.0)]
    minutes: f64,

    /// Minutes after which services start anew, with other certificates and settings
    #[arg(long, default_value_t = 6.0, value_name = "MINUTES")]
    round: f64,

    /// Clients at work; as many as the lab has unless said
    #[arg(long, value_name = "N")]
    workers: Option<usize>,

    /// What all is drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Only these classes
    #[arg(long, value_delimiter = ',', value_name = "CLASS")]
    classes: Vec<Class>,

    /// Only these tunnels; `none` is no tunnel. Unless said: none, and all that are not held out
    #[arg(long, value_delimiter = ',', value_name = "KIND")]
    tunnels: Vec<String>,

    /// Only these applications
    #[arg(long, value_delimiter = ',', value_name = "APPLICATION")]
    applications: Vec<String>,

    /// Fail if a service or gateway does not start, instead of going on without it
    #[arg(long)]
    strict: bool,

    /// How to answer
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

impl Run {
    /// Makes the captures.
    pub(crate) fn run(&self, places: &Places, out: &mut dyn Write) -> anyhow::Result<()> {
        let catalogue = Catalogue::load(places.catalogue.as_deref())?;
        check_rendering(&catalogue, self.seed)?;
        let stop = interrupt::flag().context("cannot watch for Ctrl-C")?;
        let proceed = || {
            anyhow::ensure!(!stop.load(Ordering::Relaxed), "interrupted");
            Ok(())
        };
        let lab = Lab::open(places.state())?;
        let _claim = Claim::take(lab.folder())?;
        let order = self.order(&lab, &catalogue)?;
        let ledger = Ledger::open(&order.folder, order.seed)?;
        certificates::complete(lab.folder(), lab.seed(), &say, &proceed)?;
        media::complete(lab.folder(), lab.seed(), &say)?;
        unpack(
            places.catalogue.as_deref(),
            &Folders::new(lab.folder()).apps(),
        )?;
        let production = Production {
            lab: &lab,
            catalogue: &catalogue,
            order: &order,
            stop: &stop,
            say: &say,
        };
        let ledger = production.make(ledger)?;
        let summary = Summary::new(ledger.lines(), cpu_seconds());
        let mut json = serde_json::to_vec_pretty(&summary)?;
        json.push(b'\n');
        write_whole(&order.folder.join("summary.json"), &json)?;
        match self.format {
            Format::Text => write!(out, "{summary}")?,
            Format::Json => out.write_all(&json)?,
        }
        Ok(())
    }

    /// What is asked for, checked against the lab and the catalogue.
    fn order(&self, lab: &Lab, catalogue: &Catalogue) -> anyhow::Result<Order> {
        let clients = lab.clients().len();
        let workers = self.workers.unwrap_or(clients);
        if workers == 0 || workers > clients {
            bail!("--workers {workers}: the lab has {clients} clients; `up --clients` makes more");
        }
        for (option, minutes) in [("minutes", self.minutes), ("round", self.round)] {
            if !MINUTES.contains(&minutes) {
                let (least, most) = (MINUTES.start(), MINUTES.end());
                bail!("--{option} {minutes}: expected {least} to {most}");
            }
        }
        for application in &self.applications {
            if !catalogue.scenarios.contains_key(application) {
                bail!("--applications: no scenario `{application}`; `list` shows all");
            }
        }
        Ok(Order {
            folder: self.out.clone(),
            duration: Duration::from_secs_f64(self.minutes * 60.0),
            round: Duration::from_secs_f64(self.round * 60.0),
            workers,
            seed: self.seed,
            classes: if self.classes.is_empty() {
                Class::ALL.to_vec()
            } else {
                self.classes.clone()
            },
            tunnels: self.tunnels(catalogue)?,
            applications: self.applications.clone(),
            is_strict: self.strict,
        })
    }

    fn tunnels(&self, catalogue: &Catalogue) -> anyhow::Result<Vec<Option<String>>> {
        if self.tunnels.is_empty() {
            let open = catalogue
                .tunnels
                .values()
                .filter(|tunnel| !tunnel.is_held_out);
            let kinds = open.map(|tunnel| Some(tunnel.name.clone()));
            return Ok(std::iter::once(None).chain(kinds).collect());
        }
        self.tunnels
            .iter()
            .map(|kind| match kind.as_str() {
                NONE => Ok(None),
                kind if catalogue.tunnels.contains_key(kind) => Ok(Some(kind.to_owned())),
                kind => {
                    let known: Vec<&str> = catalogue.tunnels.keys().map(String::as_str).collect();
                    bail!(
                        "--tunnels: no tunnel `{kind}`, expected {NONE} or one of {}",
                        known.join(", ")
                    )
                }
            })
            .collect()
    }
}
