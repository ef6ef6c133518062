//! Recipes by name or file, as commands that train take them.

use std::{fs, path::Path};

use anyhow::{Context, bail};
use learn::recipe::{self, Recipe};

/// A recipe by name, or from a file.
///
/// # Errors
///
/// If there is none of that name and no such file, or the file cannot be followed.
pub(crate) fn read(name: &str) -> anyhow::Result<Recipe> {
    if let Some(recipe) = Recipe::built_in(name) {
        return Ok(recipe);
    }
    if !Path::new(name).exists() {
        bail!(
            "`{name}` is neither a file nor a recipe; there are {}",
            recipe::BUILT_IN.join(", ")
        );
    }
    let text = fs::read_to_string(name).with_context(|| format!("cannot read recipe `{name}`"))?;
    Recipe::parse(&text).with_context(|| format!("cannot follow recipe `{name}`"))
}

/// The recipe with other epochs, if any were asked for.
///
/// # Errors
///
/// If there cannot be so many.
pub(crate) fn with_epochs(mut recipe: Recipe, epochs: Option<u32>) -> anyhow::Result<Recipe> {
    if let Some(epochs) = epochs {
        recipe.epochs = epochs;
        // A short run is warm for at most half of it.
        recipe.warm_up_epochs = recipe.warm_up_epochs.min(epochs / 2);
        recipe.validate()?;
    }
    Ok(recipe)
}
