//! Rules that a dataset can be split by, and what each of them keeps together.

use serde::{Deserialize, Serialize};

use crate::splits::SplitRule;

/// What keeps samples together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// The split that the source gives.
    Given,
    /// Nothing: each session by lot.
    Session,
    /// Sessions of one five-tuple, whichever end began.
    #[serde(alias = "five-tuple")]
    Connection,
    /// Time: whole recordings, of which the last are tested.
    Time,
    /// Captures, or groups of captures made together.
    Capture,
    /// Lab runs.
    Run,
    /// Sites.
    Site,
    /// Applications.
    Application,
    /// Kinds of tunnel.
    Tunnel,
}

impl Rule {
    /// From the one that keeps least together.
    pub const ALL: [Self; 9] = [
        Self::Given,
        Self::Session,
        Self::Connection,
        Self::Time,
        Self::Capture,
        Self::Run,
        Self::Site,
        Self::Application,
        Self::Tunnel,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Given => "given",
            Self::Session => "session",
            Self::Connection => "connection",
            Self::Time => "time",
            Self::Capture => "capture",
            Self::Run => "run",
            Self::Site => "site",
            Self::Application => "application",
            Self::Tunnel => "tunnel",
        }
    }

    /// Whether it keeps together whatever was made at one time in one place.
    pub(super) fn holds_recordings_out(self) -> bool {
        matches!(self, Self::Time | Self::Capture | Self::Run)
    }

    /// Whether it asks about things never seen, not only about other recordings.
    pub(super) fn asks_for_unseen(self) -> bool {
        matches!(self, Self::Site | Self::Application | Self::Tunnel)
    }

    pub(super) fn split_rule(self) -> SplitRule {
        match self {
            Self::Given => SplitRule::Given,
            Self::Session => SplitRule::Session,
            Self::Capture => SplitRule::Capture,
            Self::Run => SplitRule::Run,
            Self::Site => SplitRule::Site,
            Self::Application => SplitRule::Application,
            Self::Tunnel => SplitRule::Tunnel,
            Self::Time => SplitRule::Time,
            Self::Connection => SplitRule::Connection,
        }
    }

    /// What it keeps whole, in the plural.
    pub(super) fn groups(self) -> &'static str {
        match self {
            Self::Given | Self::Session => "samples",
            Self::Time => "recordings",
            Self::Connection => "connections",
            Self::Capture => "captures",
            Self::Run => "lab runs",
            Self::Site => "sites",
            Self::Application => "applications",
            Self::Tunnel => "kinds of tunnel",
        }
    }

    /// What a dataset that cannot be split by it lacks.
    pub(super) fn lacking(self) -> &'static str {
        match self {
            Self::Given => "its source gives no split",
            Self::Session => "it has no samples",
            Self::Connection => "it does not know who talked to whom",
            Self::Time => "it does not know when its sessions began",
            Self::Capture => "it does not know its captures",
            Self::Run => "it knows no lab runs",
            Self::Site => "it knows no sites",
            Self::Application => "it knows no applications",
            Self::Tunnel => "it knows no tunnels",
        }
    }
}
