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
    use crate::quantisation::Arithmetic;

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

    #[test]
    fn it_can_compute_in_int8_and_has_a_reference_and_says_on_what_both_were_measured() {
        let model = Model::built_in().unwrap();
        let card = model.card().clone();
        let int8 = card.int8.unwrap();
        // Neither was measured on the data set that it was trained on.
        assert!(int8.of.is_some() && int8.of == card.reference_of);
        assert_eq!(int8.samples, card.reference[0].total());
        let model = model.with_arithmetic(Arithmetic::Int8).unwrap();
        assert_eq!(model.engine().arithmetic(), Arithmetic::Int8);
    }
}
