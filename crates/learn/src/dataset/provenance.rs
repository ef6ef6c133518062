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
    /// What is said in plaintext before encryption begins: `none`, or [`PREAMBLE`].
    pub plaintext: Option<Arc<str>>,
}

/// Said of a session that begins in plaintext: by STARTTLS, or the greeting of SSH or FTP.
pub const PREAMBLE: &str = "preamble";

impl Provenance {
    /// The names of its columns.
    pub(crate) const COLUMNS: [&'static str; 5] =
        ["run", "site", "application", "tunnel", "plaintext"];

    /// Its values, in the order of [`Self::COLUMNS`].
    pub(crate) fn values(&self) -> [Option<&str>; 5] {
        [
            &self.run,
            &self.site,
            &self.application,
            &self.tunnel,
            &self.plaintext,
        ]
        .map(Option::as_deref)
    }
}
