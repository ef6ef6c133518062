//! Provenance: in which run of a laboratory a session was made, and how.

use std::sync::Arc;

/// What a laboratory knows of a session that the wire does not tell; nothing of other captures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Provenance {
    /// The lab's run that it is of.
    pub run: Option<Arc<str>>,
    /// The site of its remote end.
    pub site: Option<Arc<str>>,
    /// The program that made it.
    pub application: Option<Arc<str>>,
    /// The tunnel it went through; none is also what went through none.
    pub tunnel: Option<Arc<str>>,
}

impl Provenance {
    /// The names of its columns.
    pub(crate) const COLUMNS: [&'static str; 4] = ["run", "site", "application", "tunnel"];

    /// Its values, in the order of [`Self::COLUMNS`].
    pub(crate) fn values(&self) -> [Option<&str>; 4] {
        [&self.run, &self.site, &self.application, &self.tunnel].map(Option::as_deref)
    }
}
