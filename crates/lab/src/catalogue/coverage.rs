//! How varied each class is: applications, stacks, sites.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{Catalogue, Class};

/// The fewest sites that let a class be judged on a site it was not trained on, with one more
/// to choose the model by.
pub(crate) const FEWEST_SITES: usize = 3;

/// The fewest stacks, so that a stack is not a class.
pub(crate) const FEWEST_STACKS: usize = 2;

/// What serves and uses a class.
#[derive(Debug, Serialize)]
pub(crate) struct ClassCoverage {
    /// Which class.
    pub(crate) class: Class,
    /// Its applications.
    pub(crate) applications: BTreeSet<String>,
    /// Their stacks.
    pub(crate) stacks: BTreeSet<String>,
    /// The services they use.
    pub(crate) services: BTreeSet<String>,
    /// The hosts of these services.
    pub(crate) sites: BTreeSet<String>,
}

impl ClassCoverage {
    /// What it has too few of; nothing if it is varied enough.
    pub(crate) fn shortcomings(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (what, have, need) in [
            ("sites", self.sites.len(), FEWEST_SITES),
            ("stacks", self.stacks.len(), FEWEST_STACKS),
        ] {
            if have < need {
                found.push(format!("{} has {have} {what}, needs {need}", self.class));
            }
        }
        found
    }
}

/// The coverage of every class.
pub(crate) fn coverage(catalogue: &Catalogue) -> Vec<ClassCoverage> {
    Class::ALL
        .into_iter()
        .map(|class| {
            let scenarios: Vec<_> = catalogue.scenarios_of(class).collect();
            let services: BTreeSet<String> = scenarios
                .iter()
                .flat_map(|scenario| scenario.services.iter().cloned())
                .collect();
            ClassCoverage {
                class,
                applications: scenarios.iter().map(|s| s.application.clone()).collect(),
                stacks: scenarios.iter().map(|s| s.stack.clone()).collect(),
                sites: services
                    .iter()
                    .filter_map(|name| catalogue.services.get(name))
                    .flat_map(|service| service.hosts.iter().cloned())
                    .collect(),
                services,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::tests::catalogue;

    #[test]
    fn a_class_with_two_sites_and_one_stack_falls_short_of_both() {
        let chat = coverage(&catalogue()).swap_remove(0);
        assert_eq!(
            chat.shortcomings(),
            ["Chat has 2 sites, needs 3", "Chat has 1 stacks, needs 2"]
        );
    }
}
