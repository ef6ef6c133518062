//! Which network: its name, its shape, its number of parameters.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    input::{MAX_PACKETS, PICTURE, Parts},
    stack::{self, Layer},
};

/// A network.
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
    /// `ResNet` on the slice, and convolutions over the first packets.
    ResnetGruSequence,
    /// The packets alone: no byte of the slice.
    Sequence,
    /// Two convolutions on the slice: Wang et al., ISI 2017.
    #[serde(rename = "cnn1d")]
    Cnn1d,
    /// Convolutions on three packets and an LSTM over them: Zou et al., HPCC 2018, a
    /// reconstruction.
    CnnLstm,
    /// `ResNet` on the slice and an auto-encoder of statistics: Wang et al., ICCC 2020.
    Centime,
    /// Two convolutions, made for single packets: Lotfollahi et al., 2017.
    DeepPacketCnn,
    /// Five narrowing layers, made for single packets: Lotfollahi et al., 2017.
    DeepPacketSae,
}

/// No network of that name.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no network; there are {names}", names = Architecture::names())]
pub struct UnknownArchitecture(pub String);

impl Architecture {
    /// Every network, the paper's first.
    pub const ALL: [Self; 10] = [
        Self::ResnetGru,
        Self::Resnet,
        Self::Gru,
        Self::ResnetGruSequence,
        Self::Sequence,
        Self::Cnn1d,
        Self::CnnLstm,
        Self::Centime,
        Self::DeepPacketCnn,
        Self::DeepPacketSae,
    ];

    /// Its name in recipes, in models and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResnetGru => "resnet-gru",
            Self::Resnet => "resnet",
            Self::Gru => "gru",
            Self::ResnetGruSequence => "resnet-gru-sequence",
            Self::Sequence => "sequence",
            Self::Cnn1d => "cnn1d",
            Self::CnnLstm => "cnn-lstm",
            Self::Centime => "centime",
            Self::DeepPacketCnn => "deep-packet-cnn",
            Self::DeepPacketSae => "deep-packet-sae",
        }
    }

    /// What it looks at and how, in a few words.
    pub const fn summary(self) -> &'static str {
        match self {
            Self::ResnetGru => "the paper's, ResNet and one-step GRU side by side on the slice",
            Self::Resnet => "its ResNet alone",
            Self::Gru => "its GRU alone",
            Self::ResnetGruSequence => {
                "ResNet on the slice beside convolutions over the first packets"
            }
            Self::Sequence => "lengths, directions and times of the first packets, no bytes",
            Self::Cnn1d => "two convolutions on the slice (Wang et al. 2017)",
            Self::CnnLstm => {
                "convolutions on the first three packets' own slices, LSTM over these \
                 (Zou et al. 2018, a reconstruction)"
            }
            Self::Centime => {
                "ResNet on the slice, auto-encoder of 26 statistics of the whole session \
                 (Wang et al. 2020)"
            }
            Self::DeepPacketCnn => {
                "two convolutions, made for slices of single packets, 1500 bytes \
                 (Lotfollahi et al. 2017)"
            }
            Self::DeepPacketSae => {
                "five narrowing layers, made for the same; `layerwise_epochs` starts them in turn"
            }
        }
    }

    /// Whether its paper leaves layers open, so that ours is not certain to be its authors'.
    pub const fn is_reconstruction(self) -> bool {
        matches!(self, Self::CnnLstm)
    }

    /// All names, with commas between them.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }

    /// Which parts of a sample it looks at.
    pub const fn parts(self) -> Parts {
        Parts {
            slices: !matches!(self, Self::Sequence | Self::CnnLstm),
            packets: self.has_sequence(),
            statistics: self.has_autoencoder(),
            packet_slices: matches!(self, Self::CnnLstm),
        }
    }

    /// Whether it has the paper's `ResNet` branch.
    pub(crate) const fn has_trunk(self) -> bool {
        matches!(
            self,
            Self::ResnetGru | Self::Resnet | Self::ResnetGruSequence | Self::Centime
        )
    }

    /// Whether it has CENTIME's auto-encoder.
    pub(crate) const fn has_autoencoder(self) -> bool {
        matches!(self, Self::Centime)
    }

    /// Whether it has the paper's GRU, which reads the slice in one step.
    pub(crate) const fn has_gru(self) -> bool {
        matches!(self, Self::ResnetGru | Self::Gru)
    }

    /// Whether it has the branch that reads packets.
    pub(crate) const fn has_sequence(self) -> bool {
        matches!(self, Self::ResnetGruSequence | Self::Sequence)
    }
}

impl FromStr for Architecture {
    type Err = UnknownArchitecture;
    fn from_str(text: &str) -> Result<Self, UnknownArchitecture> {
        Self::ALL
            .into_iter()
            .find(|network| network.name() == text)
            .ok_or_else(|| UnknownArchitecture(text.to_owned()))
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
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
    /// Packets of a sequence; 0 for networks that look at none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub packets: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A shape that no network has.
#[derive(Debug, thiserror::Error)]
pub enum UnusableShape {
    /// Slices or classes.
    #[error(
        "no network has slices of {} bytes and {} classes; it takes 1 to {} bytes and at least 2 classes",
        .0.slice_length, .0.classes, Shape::MAX_SLICE_LENGTH
    )]
    Slices(Shape),
    /// Slices shorter than what convolutions see at once.
    #[error("`{}` cannot look at slices of {} bytes; make them longer", .0.architecture, .0.slice_length)]
    TooShort(Shape),
    /// Slices of packets that are no picture.
    #[error("`{}` looks at slices of 784 bytes, not {}", .0.architecture, .0.slice_length)]
    NoPicture(Shape),
    /// Packets.
    #[error("`{}` cannot look at {} packets; it takes {}", .0.architecture, .0.packets, .0.packets_expected())]
    Packets(Shape),
}

impl Shape {
    /// Bytes of the longest slice a network takes; memory grows with the length.
    pub const MAX_SLICE_LENGTH: usize = 65_535;

    /// Whether a network can have this shape.
    ///
    /// # Errors
    ///
    /// [`UnusableShape`] if the slices are empty or too long, there is nothing to choose from, or
    /// there are packets where the network looks at none, none where it does, or too many.
    pub fn check(self) -> Result<(), UnusableShape> {
        let has_usable_slices =
            (1..=Self::MAX_SLICE_LENGTH).contains(&self.slice_length) && self.classes >= 2;
        if !has_usable_slices {
            return Err(UnusableShape::Slices(self));
        }
        let layers = stack::layers(self.architecture, self.slice_length, self.classes);
        let is_too_short = |layer: &Layer| layer.outputs.contains(&0);
        if layers.is_some_and(|layers| layers.iter().any(is_too_short)) {
            return Err(UnusableShape::TooShort(self));
        }
        let parts = self.architecture.parts();
        if parts.packet_slices && self.slice_length != PICTURE * PICTURE {
            return Err(UnusableShape::NoPicture(self));
        }
        let reads_packets = parts.packets;
        if reads_packets != (self.packets > 0) || self.packets > MAX_PACKETS {
            return Err(UnusableShape::Packets(self));
        }
        Ok(())
    }

    fn packets_expected(self) -> String {
        if self.architecture.parts().packets {
            format!("1 to {MAX_PACKETS}")
        } else {
            "none".to_owned()
        }
    }
}
