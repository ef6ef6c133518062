//! Names: a method and what it learns from, as people write them.

use std::{fmt, str::FromStr};

use super::{Baseline, Method, input::Input};

/// Not the name of a baseline.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no baseline; there are `majority` and METHOD:INPUT, where METHOD is look-up, tree, c45, \
     forest, boosting, 1nn (or another number), bayes, mlp or svm, and INPUT is {inputs}",
    inputs = Input::ALL.map(Input::name).join(", ")
)]
pub struct UnknownBaseline(pub String);

impl FromStr for Method {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "majority" => Self::Majority,
            "look-up" => Self::LookUp,
            "tree" => Self::Tree,
            "c45" => Self::C45,
            "forest" => Self::Forest,
            "boosting" => Self::Boosting,
            "bayes" => Self::Bayes,
            "mlp" => Self::Perceptron,
            "svm" => Self::LinearSvm,
            other => {
                let count = other.strip_suffix("nn").ok_or(())?;
                match count.parse() {
                    Ok(count) if (1..=1000).contains(&count) => Self::Neighbours(count),
                    _ => return Err(()),
                }
            }
        })
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Majority => "majority",
            Self::LookUp => "look-up",
            Self::Tree => "tree",
            Self::C45 => "c45",
            Self::Forest => "forest",
            Self::Boosting => "boosting",
            Self::Neighbours(count) => return write!(f, "{count}nn"),
            Self::Bayes => "bayes",
            Self::Perceptron => "mlp",
            Self::LinearSvm => "svm",
        })
    }
}

impl FromStr for Baseline {
    type Err = UnknownBaseline;

    fn from_str(text: &str) -> Result<Self, UnknownBaseline> {
        let unknown = || UnknownBaseline(text.to_owned());
        if text == "majority" {
            return Ok(Self {
                method: Method::Majority,
                input: None,
            });
        }
        let (method, input) = text.split_once(':').ok_or_else(unknown)?;
        let method = method.parse().map_err(|()| unknown())?;
        let input = Input::named(input).ok_or_else(unknown)?;
        if method == Method::Majority {
            return Err(unknown());
        }
        Ok(Self {
            method,
            input: Some(input),
        })
    }
}

impl fmt::Display for Baseline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.method.fmt(f)?;
        match self.input {
            Some(input) => write!(f, ":{}", input.name()),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{baselines::ALL, learner::Learner};

    #[test]
    fn every_listed_name_is_a_baselines_own() {
        for name in ALL {
            let baseline: Baseline = name.parse().unwrap();
            assert_eq!(baseline.name(), name);
        }
    }

    #[track_caller]
    fn check_refused(name: &str) {
        let error = name.parse::<Baseline>().unwrap_err().to_string();
        assert!(error.starts_with(&format!("`{name}` is no baseline; there are")));
    }

    #[test]
    fn other_names_are_refused_with_those_there_are() {
        check_refused("forest");
        check_refused("forest:bytes");
        check_refused("majority:slice");
        check_refused("0nn:slice");
        check_refused("resnet-gru");
    }

    #[test]
    fn any_number_of_neighbours_can_be_asked_for() {
        let baseline: Baseline = "15nn:flow-statistics".parse().unwrap();
        assert_eq!(baseline.name(), "15nn:flow-statistics");
    }
}
