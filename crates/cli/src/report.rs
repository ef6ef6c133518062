//! Reports: an evaluation as text for a terminal, and as one self-contained HTML page.

mod drawing;
mod figures;
mod html;
mod text;
mod worth;

pub(crate) use html::html;
pub(crate) use text::{text, wrapped};
