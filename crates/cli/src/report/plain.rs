//! Tables of a terminal: a line of titles, words to the left, figures to the right.

use std::fmt;

use comfy_table::{Cell, CellAlignment, Table, presets};

/// A table without lines.
pub(crate) struct Plain {
    table: Table,
}

impl Plain {
    /// An empty one: columns of words, then columns of figures.
    pub(crate) fn new(words: &[&str], figures: &[&str]) -> Self {
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let words = words.iter().map(Cell::new);
        table.set_header(words.chain(figures.iter().map(figure)));
        Self { table }
    }

    /// Adds a row; figures that are missing at its end stay empty.
    pub(crate) fn add(&mut self, words: &[&str], figures: &[String]) {
        let words = words.iter().map(Cell::new);
        self.table.add_row(words.chain(figures.iter().map(figure)));
    }
}

fn figure(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

/// Without the blanks that fill the last column.
impl fmt::Display for Plain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in self.table.lines() {
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
