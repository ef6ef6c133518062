//! Which network: its name, its shape, its number of parameters.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A network of the paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Architecture {
    /// `ResNet` and GRU side by side: the paper's model.
    ResnetGru,
    /// The `ResNet` half alone.
    Resnet,
    /// The GRU half alone.
    Gru,
}

/// No network of that name.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no network; there are resnet-gru, resnet, gru")]
pub struct UnknownArchitecture(pub String);

impl FromStr for Architecture {
    type Err = UnknownArchitecture;
    fn from_str(text: &str) -> Result<Self, UnknownArchitecture> {
        match text {
            "resnet-gru" => Ok(Self::ResnetGru),
            "resnet" => Ok(Self::Resnet),
            "gru" => Ok(Self::Gru),
            other => Err(UnknownArchitecture(other.to_owned())),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ResnetGru => "resnet-gru",
            Self::Resnet => "resnet",
            Self::Gru => "gru",
        })
    }
}

/// What decides the shape of every weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Which network.
    pub architecture: Architecture,
    /// Bytes of a slice: 784.
    pub slice_length: usize,
    /// Classes.
    pub classes: usize,
}

/// A shape that no network has.
#[derive(Debug, thiserror::Error)]
#[error(
    "no network has slices of {} bytes and {} classes; it takes 1 to {} bytes and at least 2 classes",
    .0.slice_length, .0.classes, Shape::MAX_SLICE_LENGTH
)]
pub struct UnusableShape(pub Shape);

impl Shape {
    /// Bytes of the longest slice a network takes; memory grows with the length.
    pub const MAX_SLICE_LENGTH: usize = 65_535;

    /// Whether a network can have this shape.
    ///
    /// # Errors
    ///
    /// [`UnusableShape`] if the slices are empty or too long, or there is nothing to choose from.
    pub fn check(self) -> Result<(), UnusableShape> {
        let is_usable =
            (1..=Self::MAX_SLICE_LENGTH).contains(&self.slice_length) && self.classes >= 2;
        if is_usable {
            Ok(())
        } else {
            Err(UnusableShape(self))
        }
    }
}
