//! Reports: an evaluation, or a comparison, as text for a terminal and as one self-contained HTML page.

pub(crate) mod audit;
pub(crate) mod comparison;
mod drawing;
mod early;
mod figures;
mod html;
mod page;
mod pictures;
mod plain;
pub(crate) mod reproduction;
mod text;
mod unknown;
mod worth;

use clap::ValueEnum;

pub(crate) use html::html;
pub(crate) use pictures::PictureArguments;
pub(crate) use plain::Plain;
pub(crate) use text::{left, plain, right, shown, text, wrapped};

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Tables and sentences
    Text,
    /// What the `.json` file holds
    Json,
    /// What the `.html` file holds
    Html,
}
