//! Order: what a data set is to be made of, and how long that may take.

use std::{path::PathBuf, time::Duration};

use super::plan::Category;
use crate::catalogue::Class;

/// What is to be made.
#[derive(Debug)]
pub(crate) struct Order {
    /// The folder of the data set.
    pub(crate) folder: PathBuf,
    /// How long, in all.
    pub(crate) duration: Duration,
    /// After how long services start anew.
    pub(crate) round: Duration,
    /// Clients at work.
    pub(crate) workers: usize,
    /// What all is drawn from.
    pub(crate) seed: u64,
    /// Which classes.
    pub(crate) classes: Vec<Class>,
    /// Which tunnels; `None` is direct.
    pub(crate) tunnels: Vec<Option<String>>,
    /// Which applications; empty for all.
    pub(crate) applications: Vec<String>,
    /// Whether a service that does not start ends everything.
    pub(crate) is_strict: bool,
}

impl Order {
    /// Every class with every tunnel.
    pub(super) fn categories(&self) -> Vec<Category> {
        self.classes
            .iter()
            .flat_map(|&class| {
                self.tunnels.iter().map(move |tunnel| Category {
                    class,
                    tunnel: tunnel.clone(),
                })
            })
            .collect()
    }

    /// Whether it asks for this application of this class.
    pub(super) fn wants(&self, class: Class, application: &String) -> bool {
        self.classes.contains(&class)
            && (self.applications.is_empty() || self.applications.contains(application))
    }
}
