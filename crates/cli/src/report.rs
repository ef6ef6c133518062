//! Reports: an evaluation, or a comparison, as text for a terminal and as one self-contained HTML page.

pub(crate) mod comparison;
mod drawing;
mod figures;
mod html;
mod text;
mod worth;

pub(crate) use html::html;
pub(crate) use text::{text, wrapped};
