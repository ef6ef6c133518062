//! A comparison as text and as one HTML page.

mod figure;
mod html;
mod text;
mod worth;

use std::{io, path::Path};

use anyhow::Context;
use learn::{comparison::Comparison, files};

pub(super) use self::{figure::accuracies, text::beside, worth::sentences};
pub(crate) use self::{html::html, text::text};

/// The file names of a comparison.
const FIGURES: &str = "comparison.json";
pub(crate) const PAGE: &str = "comparison.html";

/// Leaves a comparison in a folder, as JSON and as a page.
///
/// # Errors
///
/// If the folder cannot be written.
pub(crate) fn write(folder: &Path, comparison: &Comparison) -> anyhow::Result<()> {
    let page = html(comparison).context("cannot draw the page")?;
    let written: io::Result<()> =
        files::write_whole(&folder.join(FIGURES), comparison.to_json().as_bytes())
            .and_then(|()| files::write_whole(&folder.join(PAGE), page.as_bytes()));
    written.with_context(|| format!("cannot write into `{}`", folder.display()))
}
