//! One file of a public data set, and what to do where its class is not beyond doubt.

use serde::{Deserialize, Serialize};

/// What is to be done with captures whose class the field disputes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Disputed {
    /// They get the class of the data set's own paper.
    #[default]
    Follow,
    /// They get the class that later works give them.
    OtherClass,
    /// They are set aside.
    Drop,
}

/// What is to be done with captures that the data set's own paper leaves out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Excluded {
    /// They are set aside.
    #[default]
    Drop,
    /// They get the class that another work gives them, where one does.
    OtherClass,
}

impl Disputed {
    /// Its spelling in the manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Follow => "follow",
            Self::OtherClass => "other-class",
            Self::Drop => "drop",
        }
    }
}

impl Excluded {
    /// Its spelling in the manifest.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::OtherClass => "other-class",
        }
    }
}

/// How sure the class of a file is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// Every work that lists it says the same.
    #[default]
    Agreed,
    /// Works differ.
    Disputed,
    /// The data set's own paper leaves it out.
    Excluded,
}

/// One file of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistryFile {
    /// Its name.
    pub file: String,
    /// Its class; none if it is excluded.
    #[serde(default)]
    pub class: Option<String>,
    /// How sure that is.
    #[serde(default)]
    pub status: Status,
    /// The class that another work gives it.
    #[serde(default)]
    pub other_class: Option<String>,
    /// Captures that share connections have the same group.
    #[serde(default)]
    pub group: Option<String>,
    /// What the status rests on, and what else there is to know.
    #[serde(default)]
    pub reason: String,
    /// SHA-256 of the file, in hexadecimal, where it is known.
    #[serde(default)]
    pub sha256: Option<String>,
}

/// What a name says of files that are not listed one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamePattern {
    /// A regular expression over the name in lower case, without folder and suffix.
    pub pattern: String,
    /// The class of files whose names match.
    pub class: String,
}

impl RegistryFile {
    /// The class under these choices; none sets the file aside.
    pub fn class_under(&self, disputed: Disputed, excluded: Excluded) -> Option<&str> {
        let class = match (self.status, disputed, excluded) {
            (Status::Agreed, _, _) | (Status::Disputed, Disputed::Follow, _) => &self.class,
            (Status::Disputed, Disputed::OtherClass, _)
            | (Status::Excluded, _, Excluded::OtherClass) => &self.other_class,
            (Status::Disputed, Disputed::Drop, _) | (Status::Excluded, _, Excluded::Drop) => &None,
        };
        class.as_deref()
    }
}
