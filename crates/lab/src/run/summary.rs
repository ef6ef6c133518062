//! What a data set holds, added up from its runs.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;

use super::{acceptance::View, ledger::RunLine};
use crate::catalogue::Class;

/// The views, in the order of the summary.
const VIEWS: [View; 3] = [View::Direct, View::Inner, View::Outer];

/// Accepted sessions of one kind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct Kind {
    class: Class,
    view: View,
    site: String,
    application: String,
    tunnel: Option<String>,
}

/// A kind and how many sessions were accepted.
#[derive(Debug, Serialize)]
pub(crate) struct KindCount {
    #[serde(flatten)]
    kind: Kind,
    accepted: u64,
}

/// All runs of a data set, added up.
#[derive(Debug, Serialize)]
pub(crate) struct Summary {
    runs: usize,
    failed: usize,
    accepted: Vec<KindCount>,
    rejected: BTreeMap<View, BTreeMap<String, u64>>,
    failures: BTreeMap<String, u64>,
    /// Of clients, servers and captures that have ended, while this program ran; not the router's.
    cpu_seconds: Option<f64>,
}

impl Summary {
    /// Adds up runs.
    pub(crate) fn new(lines: &[RunLine], cpu_seconds: Option<f64>) -> Self {
        let mut accepted: BTreeMap<Kind, u64> = BTreeMap::new();
        let mut rejected: BTreeMap<View, BTreeMap<String, u64>> = BTreeMap::new();
        let mut failures = BTreeMap::new();
        for line in lines {
            if line.failure.is_some() {
                let tunnel = line.tunnel.as_deref().unwrap_or("none");
                let kind = format!("{} on {} through {tunnel}", line.application, line.site);
                *failures.entry(kind).or_default() += 1;
            }
            for (&view, count) in &line.views {
                for (site, sessions) in &count.accepted {
                    let kind = Kind {
                        class: line.class,
                        view,
                        site: site.clone(),
                        application: line.application.clone(),
                        tunnel: line.tunnel.clone(),
                    };
                    *accepted.entry(kind).or_default() += sessions;
                }
                let of_view = rejected.entry(view).or_default();
                for (reason, sessions) in &count.rejected {
                    *of_view.entry(reason.clone()).or_default() += sessions;
                }
            }
        }
        Self {
            runs: lines.len(),
            failed: lines.iter().filter(|line| line.failure.is_some()).count(),
            accepted: accepted
                .into_iter()
                .map(|(kind, accepted)| KindCount { kind, accepted })
                .collect(),
            rejected,
            failures,
            cpu_seconds,
        }
    }

    fn sum(&self, matches: impl Fn(&Kind) -> bool) -> u64 {
        self.accepted
            .iter()
            .filter(|count| matches(&count.kind))
            .map(|count| count.accepted)
            .sum()
    }

    /// Sums of one class by a property of its kinds: `a 12, b 7`.
    fn by(&self, class: Class, view: Option<View>, name: impl Fn(&Kind) -> String) -> String {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for KindCount { kind, accepted } in &self.accepted {
            let is_meant = view.map_or(kind.view != View::Outer, |view| kind.view == view);
            if kind.class == class && is_meant {
                *sums.entry(name(kind)).or_default() += accepted;
            }
        }
        let sums: Vec<String> = sums
            .iter()
            .map(|(name, sum)| format!("{name} {sum}"))
            .collect();
        sums.join(", ")
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} runs, {} of them failed", self.runs, self.failed)?;
        writeln!(f, "\naccepted sessions   direct    inner    outer")?;
        for class in Class::ALL {
            write!(f, "{class:<18}")?;
            for view in VIEWS {
                let sum = self.sum(|kind| kind.class == class && kind.view == view);
                write!(f, " {sum:>8}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "\ndirect and inner, by site, application and tunnel")?;
        for class in Class::ALL {
            writeln!(f, "{class}")?;
            writeln!(f, "  {}", self.by(class, None, |kind| kind.site.clone()))?;
            writeln!(
                f,
                "  {}",
                self.by(class, None, |kind| kind.application.clone())
            )?;
            let tunnel = |kind: &Kind| kind.tunnel.clone().unwrap_or("none".to_owned());
            writeln!(f, "  {}", self.by(class, None, tunnel))?;
        }
        for (view, reasons) in &self.rejected {
            let reasons: Vec<String> = reasons
                .iter()
                .map(|(reason, sessions)| format!("{reason} {sessions}"))
                .collect();
            writeln!(f, "left out, {}: {}", view.name(), reasons.join(", "))?;
        }
        for (kind, runs) in &self.failures {
            writeln!(f, "failed {runs}: {kind}")?;
        }
        if let Some(seconds) = self.cpu_seconds {
            writeln!(
                f,
                "processor time of clients, servers and captures: {seconds:.0} s"
            )?;
        }
        Ok(())
    }
}

/// Processor seconds of the programs that this one started and that have ended.
pub(crate) fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // After the name in brackets, which may hold anything: children's user and system time are
    // fields 16 and 17 of proc(5), in ticks that Linux shows as hundredths of a second.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(13);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::ledger::tests::line;

    #[test]
    fn runs_are_added_up_by_class_and_view() {
        let mut failed = line(3, Class::Chat, None);
        failed.views.clear();
        failed.failure = Some("no".to_owned());
        let lines = [
            line(0, Class::Email, None),
            line(1, Class::Email, None),
            line(2, Class::Email, Some("wireguard")),
            failed,
        ];
        let text = Summary::new(&lines, None).to_string();
        let has = |expected: &str| assert!(text.contains(expected), "no `{expected}` in\n{text}");
        has("4 runs, 1 of them failed");
        has("Email                    10        4        1");
        has("none 10, wireguard 4");
        has("left out, direct: tiny 4");
        has("failed 1: swaks on a through none");
    }
}
