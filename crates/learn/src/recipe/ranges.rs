//! Ranges: what each setting of a recipe may be.

use traffic::session::SUMMARIES;

use super::{Recipe, RecipeError, SCHEMA};

impl Recipe {
    /// Holds every setting against its range; for recipes changed after they were read.
    ///
    /// # Errors
    ///
    /// [`RecipeError::Schema`] or [`RecipeError::Range`].
    pub fn validate(&self) -> Result<(), RecipeError> {
        if self.schema != SCHEMA {
            return Err(RecipeError::Schema { found: self.schema });
        }
        let rate = |value: f64| value.is_finite() && value > 0.0 && value <= 1.0;
        let check = |is_right: bool, key, found: String, expected| {
            if is_right {
                Ok(())
            } else {
                Err(RecipeError::Range {
                    key,
                    found,
                    expected,
                })
            }
        };
        check(
            (1..=100_000).contains(&self.epochs),
            "epochs",
            self.epochs.to_string(),
            "1 to 100000",
        )?;
        check(
            (1..=65_536).contains(&self.batch_size),
            "batch_size",
            self.batch_size.to_string(),
            "1 to 65536",
        )?;
        check(
            rate(self.learning_rate),
            "learning_rate",
            self.learning_rate.to_string(),
            "above 0, at most 1",
        )?;
        check(
            (0.0..=self.learning_rate).contains(&self.minimum_learning_rate),
            "minimum_learning_rate",
            self.minimum_learning_rate.to_string(),
            "0 to learning_rate",
        )?;
        check(
            self.warm_up_epochs < self.epochs || self.warm_up_epochs == 0,
            "warm_up_epochs",
            self.warm_up_epochs.to_string(),
            "fewer than epochs",
        )?;
        check(
            (0.0..1.0).contains(&self.weight_decay),
            "weight_decay",
            self.weight_decay.to_string(),
            "0 or more, below 1",
        )?;
        check(
            (0.0..1.0).contains(&self.dropout),
            "dropout",
            self.dropout.to_string(),
            "0 or more, below 1",
        )?;
        check(
            self.packets
                .is_none_or(|packets| (1..=SUMMARIES).contains(&packets)),
            "packets",
            format!("{:?}", self.packets.unwrap_or_default()),
            "1 to 64, which is what datasets hold",
        )?;
        check(
            (0.0..=1.0).contains(&self.prefix_share),
            "prefix_share",
            self.prefix_share.to_string(),
            "0 to 1",
        )?;
        for (key, share) in self.augmentation.shares() {
            check(
                (0.0..=1.0).contains(&share),
                key,
                share.to_string(),
                "0 to 1",
            )?;
        }
        check(
            self.layerwise_epochs <= 100_000,
            "layerwise_epochs",
            self.layerwise_epochs.to_string(),
            "0 to 100000",
        )?;
        check(
            self.patience != Some(0),
            "patience",
            "0".to_owned(),
            "1 or more; leave it out to never stop early",
        )?;
        check(
            i64::try_from(self.seed).is_ok(),
            "seed",
            self.seed.to_string(),
            "0 to 9223372036854775807, which is what TOML can hold",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Recipe, tests::SHORT};

    #[track_caller]
    fn check_refused(change: &str, expected: &str) {
        let error = Recipe::parse(&format!("{SHORT}{change}")).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_value_out_of_range_is_named_with_its_range() {
        check_refused(
            "weight_decay = 1.5\n",
            "`weight_decay = 1.5` is out of range: 0 or more, below 1",
        );
        check_refused(
            "patience = 0\n",
            "`patience = 0` is out of range: 1 or more; leave it out to never stop early",
        );
    }
}
