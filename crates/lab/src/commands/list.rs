//! `list`: what the catalogue holds.

use std::io::Write;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

use super::{Format, Places};
use crate::catalogue::{Catalogue, ClassCoverage, coverage};

/// List the applications of every class, and what they use
#[derive(Debug, Args)]
pub(crate) struct List {
    /// How to answer
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
}

#[derive(Debug, Serialize)]
struct Listing<'a> {
    scenarios: Vec<ScenarioLine<'a>>,
    services: Vec<ServiceLine<'a>>,
    tunnels: Vec<TunnelLine<'a>>,
    classes: &'a [ClassCoverage],
    shortcomings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct ScenarioLine<'a> {
    class: &'static str,
    application: &'a str,
    stack: &'a str,
    services: &'a [String],
    sites: Vec<&'a str>,
}

#[derive(Debug, Serialize)]
struct ServiceLine<'a> {
    service: &'a str,
    software: &'a str,
    hosts: &'a [String],
    ports: Vec<String>,
}

#[derive(Debug, Serialize)]
struct TunnelLine<'a> {
    tunnel: &'a str,
    software: &'a str,
    is_held_out: bool,
}

impl List {
    /// Lists the catalogue.
    pub(crate) fn run(&self, places: &Places, out: &mut dyn Write) -> anyhow::Result<()> {
        let catalogue = Catalogue::load(places.catalogue.as_deref())?;
        let classes = coverage(&catalogue);
        let listing = Listing {
            scenarios: scenario_lines(&catalogue),
            services: service_lines(&catalogue),
            tunnels: tunnel_lines(&catalogue),
            shortcomings: classes
                .iter()
                .flat_map(ClassCoverage::shortcomings)
                .collect(),
            classes: &classes,
        };
        match self.format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut *out, &listing)?;
                writeln!(out)?;
            }
            Format::Text => write_text(&listing, out)?,
        }
        Ok(())
    }
}

fn scenario_lines(catalogue: &Catalogue) -> Vec<ScenarioLine<'_>> {
    let mut scenarios: Vec<_> = catalogue.scenarios.values().collect();
    scenarios.sort_by_key(|scenario| (scenario.class, &scenario.application));
    scenarios
        .into_iter()
        .map(|scenario| {
            let mut sites: Vec<&str> = scenario
                .services
                .iter()
                .filter_map(|name| catalogue.services.get(name))
                .flat_map(|service| service.hosts.iter().map(String::as_str))
                .collect();
            sites.sort_unstable();
            sites.dedup();
            ScenarioLine {
                class: scenario.class.name(),
                application: &scenario.application,
                stack: &scenario.stack,
                services: &scenario.services,
                sites,
            }
        })
        .collect()
}

fn service_lines(catalogue: &Catalogue) -> Vec<ServiceLine<'_>> {
    catalogue
        .services
        .values()
        .map(|service| ServiceLine {
            service: &service.name,
            software: &service.software,
            hosts: &service.hosts,
            ports: service.ports.iter().map(ToString::to_string).collect(),
        })
        .collect()
}

fn tunnel_lines(catalogue: &Catalogue) -> Vec<TunnelLine<'_>> {
    catalogue
        .tunnels
        .values()
        .map(|tunnel| TunnelLine {
            tunnel: &tunnel.name,
            software: &tunnel.software,
            is_held_out: tunnel.is_held_out,
        })
        .collect()
}

fn write_text(listing: &Listing<'_>, out: &mut dyn Write) -> anyhow::Result<()> {
    let mut table = table(&["class", "application", "stack", "services", "sites"]);
    for line in &listing.scenarios {
        table.add_row([
            line.class.to_owned(),
            line.application.to_owned(),
            line.stack.to_owned(),
            line.services.join(", "),
            line.sites.join(" "),
        ]);
    }
    writeln!(out, "{table}\n")?;
    let mut table = self::table(&["service", "software", "hosts", "ports"]);
    for line in &listing.services {
        table.add_row([
            line.service.to_owned(),
            line.software.to_owned(),
            line.hosts.join(" "),
            line.ports.join(" "),
        ]);
    }
    writeln!(out, "{table}\n")?;
    let mut table = self::table(&["tunnel", "software", "for"]);
    for line in &listing.tunnels {
        let purpose = if line.is_held_out {
            "tests only"
        } else {
            "training and tests"
        };
        table.add_row([line.tunnel, line.software, purpose]);
    }
    writeln!(out, "{table}")?;
    for shortcoming in &listing.shortcomings {
        writeln!(out, "too little variety: {shortcoming}")?;
    }
    Ok(())
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(header);
    table
}
