//! The model that comes with the program.

use super::{Model, ModelError};

impl Model {
    /// The model that comes with the program.
    ///
    /// # Errors
    ///
    /// Only if the program is damaged.
    pub fn built_in() -> Result<Self, ModelError> {
        Self::from_bytes(include_bytes!("../../models/default.safetensors"))
    }
}

#[cfg(test)]
mod tests {
    use super::Model;

    #[test]
    fn the_model_that_comes_with_the_program_tells_of_its_scores() {
        let card = Model::built_in().unwrap().card().clone();
        let names: Vec<_> = card
            .scores
            .iter()
            .map(|score| score.name.as_str())
            .collect();
        assert_eq!(
            names,
            [
                "unseen runs",
                "unseen sites",
                "unseen applications",
                "unseen kinds of tunnel"
            ]
        );
    }
}
