//! An audit as text for a terminal, and as one HTML page with pictures and no scripts.

mod figures;
mod findings;
mod html;
mod text;

pub(crate) use self::{html::html, text::text};
