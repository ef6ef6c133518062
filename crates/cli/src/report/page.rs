//! What all pages are made with: one head, one style, no scripts, nothing loaded from elsewhere.

use minijinja::{Environment, Error, Value};

/// The page that a template makes of these values.
///
/// # Errors
///
/// Only if the template, which is part of the program, is wrong.
pub(super) fn page(template: &str, values: Value) -> Result<String, Error> {
    let mut environment = Environment::new();
    environment.add_template("head.html", include_str!("head.html"))?;
    environment.add_template("style.css", include_str!("style.css"))?;
    // The name's end switches escaping on.
    environment.add_template("page.html", template)?;
    environment.get_template("page.html")?.render(values)
}
