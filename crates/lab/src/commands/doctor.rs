//! `doctor`: what this machine can and cannot do, and what to install.

use std::io::Write;

use anyhow::{Context, bail};
use clap::Args;

use super::{Format, Places, say};
use crate::{
    catalogue::Catalogue,
    doctor::{Finding, Needs, State, examine, install},
    lab::{self, Claim},
};

/// Say what this machine can and cannot do, and what to install
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Install what is missing: packages with apt-get, and into the lab's folder what would conflict
    #[arg(long)]
    install: bool,

    /// Form of the answer
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl Doctor {
    /// A line a finding; fails if something is missing.
    pub(crate) fn run(&self, places: &Places, out: &mut dyn Write) -> anyhow::Result<()> {
        let folder = lab::absolute(places.state())?;
        let catalogue = Catalogue::load(places.catalogue.as_deref())?;
        if self.install {
            let _claim = Claim::take(&folder)?;
            install(&Needs::of(&catalogue), &folder, &say)?;
        }
        let findings = examine(&catalogue, &folder);
        match self.format {
            Format::Json => {
                serde_json::to_writer_pretty(&mut *out, &findings)
                    .context("cannot write the findings")?;
                writeln!(out)?;
            }
            Format::Text => write!(out, "{}", text(&findings))?,
        }
        let missing = findings
            .iter()
            .filter(|finding| finding.state == State::Missing);
        match missing.count() {
            0 => Ok(()),
            count => bail!("{count} of {} things are missing", findings.len()),
        }
    }
}

fn text(findings: &[Finding]) -> String {
    let mut lines = Vec::new();
    for finding in findings {
        let word = match finding.state {
            State::Good => "good",
            State::Poor => "poor",
            State::Missing => "missing",
        };
        lines.push(format!("{word:8} {}: {}\n", finding.subject, finding.found));
        let remedy = finding.remedy.as_ref();
        lines.extend(remedy.map(|remedy| format!("         {remedy}\n")));
    }
    lines.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remedy_stands_on_a_line_of_its_own_to_be_copied() {
        let finding = Finding {
            subject: "TAP devices".to_owned(),
            state: State::Missing,
            found: "none".to_owned(),
            remedy: Some("modprobe tun".to_owned()),
        };
        assert_eq!(
            text(&[finding]),
            "missing  TAP devices: none\n         modprobe tun\n"
        );
    }
}
