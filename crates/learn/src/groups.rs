//! Groups by number: names that many samples share, kept once.

use std::collections::HashMap;

/// Numbers names in the order in which they first appear.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Groups {
    numbers: HashMap<String, u32>,
    names: Vec<String>,
}

impl Groups {
    /// The number of a name, a new one if it is new.
    pub(crate) fn number(&mut self, name: &str) -> u32 {
        if let Some(&number) = self.numbers.get(name) {
            return number;
        }
        let number = self.names.len() as u32;
        self.numbers.insert(name.to_owned(), number);
        self.names.push(name.to_owned());
        number
    }

    /// The names, by number.
    pub(crate) fn into_names(self) -> Vec<String> {
        self.names
    }
}
