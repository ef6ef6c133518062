//! Comparisons: several models on the same samples, and whether one is better than another.

pub mod mcnemar;
pub mod published;
pub mod reproduction;
mod spread;
pub mod table;
pub mod trial;

use serde::{Deserialize, Serialize};

use table::Table;

/// The version of the file's form that this program writes.
pub const SCHEMA: u32 = 1;

/// Tables, one for each dataset and split: figures of different samples never share one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Version of this form: [`SCHEMA`].
    pub schema: u32,
    /// The tables, in the order in which they were asked for.
    pub tables: Vec<Table>,
}

impl Comparison {
    /// Of these tables.
    pub fn new(tables: Vec<Table>) -> Self {
        Self {
            schema: SCHEMA,
            tables,
        }
    }

    /// As JSON with a line feed at its end. All that the clock decides is in fields called `times`.
    ///
    /// # Panics
    ///
    /// Never: it is made of plain structures with finite numbers and string keys.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self)
            .expect("plain structures with finite numbers and string keys");
        text.push('\n');
        text
    }
}
