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
