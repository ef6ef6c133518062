//! A row: a session, or a slice as it was found, with everything that is written of it.

use std::sync::Arc;

use traffic::{session::Session, timestamp::Timestamp};

use super::{Split, provenance::Provenance};

/// What a row is of.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// A session.
    Session(Box<Session>),
    /// A slice as it was found: nothing is known of its packets.
    Slice(Vec<u8>),
}

impl Content {
    /// The bytes of its slice.
    pub fn slice(&self) -> &[u8] {
        match self {
            Self::Session(session) => session.slice.bytes(),
            Self::Slice(bytes) => bytes,
        }
    }

    /// When it began; of a slice as it was found nothing is known.
    pub fn start(&self) -> Timestamp {
        match self {
            Self::Session(session) => session.start,
            Self::Slice(_) => Timestamp::from_nanoseconds(0),
        }
    }

    /// Who talked to whom; of a slice as it was found nothing is known.
    pub fn conversation(&self) -> Option<String> {
        match self {
            Self::Session(session) => {
                let tuple = &session.five_tuple;
                let ends = [tuple.source, tuple.destination];
                let ends = ends.map(|end| (end.ip().to_string(), end.port()));
                Some(conversation(tuple.protocol.name(), ends))
            }
            Self::Slice(_) => None,
        }
    }

    /// Whether its label does not mean it; what is not known to be background is not.
    pub fn is_background(&self) -> bool {
        match self {
            Self::Session(session) => session.background.is_some(),
            Self::Slice(_) => false,
        }
    }
}

/// What all sessions of one protocol between two ends have in common, whichever began.
pub(crate) fn conversation(protocol: &str, mut ends: [(String, u16); 2]) -> String {
    ends.sort();
    let [(one, one_port), (other, other_port)] = ends;
    format!("{protocol} {one} {one_port} {other} {other_port}")
}

/// A session or slice with everything that makes it a row; the split comes later.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its class, as a number.
    pub label: u32,
    /// Index into the manifest's captures.
    pub capture: u32,
    /// Which row of an IDX file it was, where it was one.
    pub row: Option<u32>,
    /// What must not be torn apart with it.
    pub group: Arc<str>,
    /// The split that its source gives it.
    pub given: Option<Split>,
    /// What a laboratory knows of it.
    pub provenance: Provenance,
    /// What it is of.
    pub content: Content,
}
