//! Fractions: the share of samples that each side of a split should get.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::dataset::Split;

/// The share of samples that each side should get.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Fractions {
    /// To fit on.
    pub train: f64,
    /// To choose on.
    pub validation: f64,
    /// To quote.
    pub test: f64,
}

impl Default for Fractions {
    fn default() -> Self {
        Self {
            train: 0.8,
            validation: 0.1,
            test: 0.1,
        }
    }
}

/// Not the shares of a split.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` are no shares; give train, validation and test as `80/10/10`, none negative, train and test above zero"
)]
pub struct FractionsError(String);

/// Understands `80/10/10`, in whatever unit: shares are divided by their sum.
impl FromStr for Fractions {
    type Err = FractionsError;

    fn from_str(shares: &str) -> Result<Self, FractionsError> {
        let refuse = || FractionsError(shares.to_owned());
        let parts: Vec<f64> = shares
            .split('/')
            .map(|share| share.trim().parse().map_err(|_| refuse()))
            .collect::<Result<_, _>>()?;
        let &[train, validation, test] = parts.as_slice() else {
            return Err(refuse());
        };
        let sum = train + validation + test;
        if !sum.is_finite() || train <= 0.0 || validation < 0.0 || test <= 0.0 {
            return Err(refuse());
        }
        Ok(Self {
            train: train / sum,
            validation: validation / sum,
            test: test / sum,
        })
    }
}

impl Fractions {
    /// The share of one side.
    pub(crate) fn of(&self, split: Split) -> f64 {
        match split {
            Split::Train => self.train,
            Split::Validation => self.validation,
            Split::Test => self.test,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_read_in_any_unit() {
        assert_eq!("8/1/1".parse(), Ok(Fractions::default()));
        assert!("80/20".parse::<Fractions>().is_err());
        assert!("100/0/0".parse::<Fractions>().is_err());
    }
}
