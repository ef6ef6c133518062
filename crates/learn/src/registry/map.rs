//! Label maps: the classes of a data set, or fewer that its classes are merged into.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which classes there are, and into which of them the finest ones go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabelMap {
    /// What to call it on the command line, such as `6`.
    pub name: String,
    /// What it tells apart.
    pub about: String,
    /// Its classes, by label.
    pub classes: Vec<String>,
    /// The class of this map for a class of the finest one. A class that is not listed keeps its
    /// name if the map has it, and is left out otherwise.
    #[serde(default)]
    pub merged: BTreeMap<String, String>,
}

impl LabelMap {
    /// The class for a class of the finest map; none where this map leaves it out.
    pub fn class(&self, finest: &str) -> Option<&str> {
        let name = self.merged.get(finest).map_or(finest, String::as_str);
        let class = self.classes.iter().find(|&class| class == name);
        class.map(String::as_str)
    }
}
