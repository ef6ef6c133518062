//! A comparison as text and as one HTML page.

mod figure;
mod html;
mod text;
mod worth;

pub(crate) use self::{html::html, text::text};
