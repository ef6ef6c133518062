//! Cleaning: duplicate, empty and background sessions are recognised, counted, kept or dropped.

use std::{
    collections::{BTreeMap, HashSet},
    fmt,
    ops::AddAssign,
};

use serde::{Deserialize, Serialize};

use crate::{background::Background, seeded_hash::fingerprint, session::Session};

/// Whether sessions of a kind are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// Kept, and counted.
    Keep,
    /// Dropped, and counted.
    Drop,
}

/// Which sessions are dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CleaningRules {
    /// Sessions without transport payload.
    pub empty: Choice,
    /// Sessions that their capture's label does not mean.
    pub background: Choice,
    /// Sessions whose slice, after the byte policy, an earlier session of the dataset has.
    pub duplicates: Choice,
}

/// As the paper: empty sessions and duplicates dropped, background kept.
impl Default for CleaningRules {
    fn default() -> Self {
        Self {
            empty: Choice::Drop,
            background: Choice::Keep,
            duplicates: Choice::Drop,
        }
    }
}

/// Why a session was dropped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Removal {
    /// No transport payload.
    Empty,
    /// Background.
    Background,
    /// An earlier session has the same slice.
    Duplicate,
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "empty",
            Self::Background => "background",
            Self::Duplicate => "duplicate",
        })
    }
}

/// Counts of a cleaning, whether its sessions were kept or dropped.
///
/// `sessions == kept + sum of removed`; `empty`, `background` and `duplicates` count what was
/// recognised, and overlap: an empty session may be background too. A session is looked up
/// among the slices before it only if it is not dropped already.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CleaningTally {
    /// Sessions looked at.
    pub sessions: u64,
    /// Sessions kept.
    pub kept: u64,
    /// Sessions dropped, each for the first reason that holds.
    pub removed: BTreeMap<Removal, u64>,
    /// Sessions without transport payload.
    pub empty: u64,
    /// Background sessions, by kind.
    pub background: BTreeMap<Background, u64>,
    /// Sessions whose slice came before.
    pub duplicates: u64,
}

impl AddAssign<&CleaningTally> for CleaningTally {
    fn add_assign(&mut self, other: &CleaningTally) {
        self.sessions += other.sessions;
        self.kept += other.kept;
        self.empty += other.empty;
        self.duplicates += other.duplicates;
        for (&reason, count) in &other.removed {
            *self.removed.entry(reason).or_default() += count;
        }
        for (&kind, count) in &other.background {
            *self.background.entry(kind).or_default() += count;
        }
    }
}

/// Decides, session by session, what stays; remembers 16 bytes of each slice it kept.
pub struct Cleaner {
    rules: CleaningRules,
    seed: u64,
    seen: HashSet<u128>,
    tally: CleaningTally,
}

impl Cleaner {
    /// A cleaner that has seen nothing; `seed` is not visible in results.
    pub fn new(rules: CleaningRules, seed: u64) -> Self {
        Self {
            rules,
            seed,
            seen: HashSet::new(),
            tally: CleaningTally::default(),
        }
    }

    /// Why this session is to be dropped; `None` if it stays.
    pub fn admit(&mut self, session: &Session) -> Option<Removal> {
        self.tally.sessions += 1;
        let removal = self.removal(session);
        match removal {
            Some(reason) => *self.tally.removed.entry(reason).or_default() += 1,
            None => self.tally.kept += 1,
        }
        removal
    }

    fn removal(&mut self, session: &Session) -> Option<Removal> {
        let is_empty = session.is_empty();
        self.tally.empty += u64::from(is_empty);
        if let Some(kind) = session.background {
            *self.tally.background.entry(kind).or_default() += 1;
        }
        if is_empty && self.rules.empty == Choice::Drop {
            return Some(Removal::Empty);
        }
        if session.background.is_some() && self.rules.background == Choice::Drop {
            return Some(Removal::Background);
        }
        let is_new = self
            .seen
            .insert(fingerprint(session.slice.bytes(), self.seed));
        self.tally.duplicates += u64::from(!is_new);
        (!is_new && self.rules.duplicates == Choice::Drop).then_some(Removal::Duplicate)
    }

    /// What was recognised, kept and dropped so far.
    pub fn tally(&self) -> &CleaningTally {
        &self.tally
    }
}
