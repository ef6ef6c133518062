//! Reports: an evaluation, or a comparison, as text for a terminal and as one self-contained HTML page.

pub(crate) mod comparison;
mod drawing;
mod figures;
mod html;
pub(crate) mod reproduction;
mod text;
mod worth;

pub(crate) use html::html;
pub(crate) use text::{left, plain, right, shown, text, wrapped};
