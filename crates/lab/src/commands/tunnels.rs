//! `tunnels`: does each kind of tunnel work here?

use std::{collections::BTreeSet, io::Write, time::Instant};

use anyhow::{Context, bail};
use clap::Args;

use super::Places;
use crate::{
    catalogue::Catalogue,
    draws::Draws,
    lab::{Host, Lab},
    tunnels::Gateways,
};

/// Open each kind of tunnel once and send a few packets through it
#[derive(Debug, Args)]
pub(crate) struct Tunnels {
    /// Kinds of tunnels; all of the catalogue unless told
    #[arg(value_name = "KIND")]
    kinds: Vec<String>,

    /// What settings are drawn from
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Tunnels {
    /// A line a kind; fails if one of them does not work.
    pub(crate) fn run(&self, places: &Places, out: &mut dyn Write) -> anyhow::Result<()> {
        let catalogue = Catalogue::load(places.catalogue.as_deref())?;
        let lab = Lab::open(places.state())?;
        let mut kinds: BTreeSet<String> = self.kinds.iter().cloned().collect();
        if kinds.is_empty() {
            kinds.extend(catalogue.tunnels.keys().cloned());
        }
        let client = lab
            .clients()
            .into_iter()
            .next()
            .context("the lab has no client")?;
        let mut failed = 0;
        for kind in &kinds {
            match self.attempt(&lab, &catalogue, &client, kind) {
                Ok(line) => writeln!(out, "{line}")?,
                Err(error) => {
                    failed += 1;
                    writeln!(out, "{kind}: {error:#}")?;
                }
            }
            out.flush()?;
        }
        if failed > 0 {
            bail!("{failed} of {} kinds of tunnels do not work", kinds.len());
        }
        Ok(())
    }

    fn attempt(
        &self,
        lab: &Lab,
        catalogue: &Catalogue,
        client: &Host,
        kind: &str,
    ) -> anyhow::Result<String> {
        let wanted = BTreeSet::from([kind.to_owned()]);
        let gateways = Gateways::start(lab, &catalogue.tunnels, &wanted, self.seed)?;
        let begun = Instant::now();
        let draws = Draws::new(self.seed, "tunnels", 0);
        let tunnel = gateways.open(lab, client, kind, &draws)?;
        let seconds = begun.elapsed().as_secs_f64();
        let site = lab.host("a")?;
        let (interface, address) = (tunnel.interface.clone(), tunnel.address);
        let before = packets(lab, client, &interface)?;
        let told = lab.run_in(
            &client.name,
            &format!("ping -c 5 -i 0.2 -W 2 -q {}", site.address),
        )?;
        // Whoever pings a site past the tunnel would hear from it all the same.
        let inside = packets(lab, client, &interface)? - before;
        if inside < 5 {
            bail!("{inside} of 5 packets to the site went through `{interface}`");
        }
        tunnel.close();
        if packets(lab, client, &interface).is_ok() {
            bail!("`{interface}` is still there");
        }
        let answer = told.lines().last().unwrap_or_default();
        Ok(format!(
            "{kind}: up in {seconds:.1} s, {interface} {address}, {answer}"
        ))
    }
}

/// How many packets an interface of a host has sent.
fn packets(lab: &Lab, host: &Host, interface: &str) -> anyhow::Result<i64> {
    let script = format!(
        "ip -s -oneline link show dev {interface} | sed 's/.*TX: [^\\\\]*\\\\ *[0-9]* *//'"
    );
    let told = lab.run_in(&host.name, &script)?;
    let number = told.split_whitespace().next();
    number
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("cannot tell what `{interface}` has sent"))
}
