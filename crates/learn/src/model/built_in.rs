//! The model that comes with the program.

use super::{Model, ModelError};

/// The file, or nothing while the repository has none.
#[cfg(has_built_in_model)]
const BYTES: &[u8] = include_bytes!("../../models/default.safetensors");
#[cfg(not(has_built_in_model))]
const BYTES: &[u8] = &[];

impl Model {
    /// The model that comes with the program; none if it was built without.
    ///
    /// # Errors
    ///
    /// Only if the program is damaged.
    pub fn built_in() -> Option<Result<Self, ModelError>> {
        (!BYTES.is_empty()).then(|| Self::from_bytes(BYTES))
    }
}
