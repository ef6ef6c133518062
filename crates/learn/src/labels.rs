//! Labels: which class a capture is of, and what else its name says.

mod error;
mod label;
pub mod sidecar;
mod table;

use std::collections::BTreeSet;

use regex::Regex;

use crate::{
    capture_files::CaptureFile,
    dataset::{
        Split,
        manifest::{LabelSource, SetAside},
    },
    registry::{Disputed, Excluded, LabelMap, Registry},
};

pub use self::{
    error::LabelError,
    table::{LabelTable, TableError},
};
use self::{
    label::{Label, Outcome, from_name, from_registry, from_sidecar},
    sidecar::{Sidecar, SidecarClass, View},
};

/// Where to take labels from.
#[derive(Debug, Clone)]
pub enum Labelling {
    /// The folder a capture lies in is its class.
    Folder,
    /// A pattern over names, with a named group `class` and, where wanted, `group` and `split`.
    Pattern(Regex),
    /// A table of files and classes.
    Table(LabelTable),
    /// What the sidecar beside each capture says, which the laboratory made.
    Sidecar(SidecarClass),
    /// A public data set that is built in.
    Registry {
        /// Which.
        registry: &'static Registry,
        /// Which of its classes are told apart.
        map: &'static LabelMap,
        /// Captures whose class is disputed.
        disputed: Disputed,
        /// Captures that its own paper leaves out.
        excluded: Excluded,
    },
}

/// What to do with captures that have no label.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unlabelled {
    /// Stop, and name the first.
    #[default]
    Refuse,
    /// Set them aside, and count them.
    Skip,
}

/// A capture and what is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelledCapture {
    /// The capture.
    pub file: CaptureFile,
    /// Its class.
    pub class: String,
    /// What must not be torn apart with it.
    pub group: String,
    /// The split that its name gives it.
    pub given: Option<Split>,
    /// What is disputed about its class.
    pub note: Option<String>,
    /// What the laboratory that made it wrote down.
    pub sidecar: Option<Sidecar>,
}

/// Labelled captures, and how that was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labelled {
    /// The captures, in their order.
    pub captures: Vec<LabelledCapture>,
    /// Names of the classes, by label.
    pub classes: Vec<String>,
    /// Captures without a label, or set aside by choice.
    pub set_aside: Vec<SetAside>,
    /// For the manifest.
    pub source: LabelSource,
}

impl Labelling {
    /// Labels captures. Classes are numbered as `classes` lists them, else by name, those of a
    /// registry in its own order.
    ///
    /// # Errors
    ///
    /// If a capture has no label and that is not allowed, or its label makes no sense.
    pub fn apply(
        &self,
        captures: Vec<CaptureFile>,
        classes: Option<&[String]>,
        unlabelled: Unlabelled,
    ) -> Result<Labelled, LabelError> {
        if let Self::Pattern(pattern) = self
            && !pattern
                .capture_names()
                .flatten()
                .any(|name| name == "class")
        {
            return Err(LabelError::NoClassGroup(pattern.to_string()));
        }
        let mut labelled = Vec::new();
        let mut set_aside = Vec::new();
        for file in captures {
            let label = match self.label(&file)? {
                Outcome::Label(label) => label,
                Outcome::Unlabelled(reason) if unlabelled == Unlabelled::Refuse => {
                    return Err(LabelError::Unlabelled {
                        file: file.name,
                        reason,
                    });
                }
                Outcome::SetAside(reason) | Outcome::Unlabelled(reason) => {
                    set_aside.push(SetAside {
                        file: file.name,
                        reason,
                    });
                    continue;
                }
            };
            labelled.push(LabelledCapture {
                group: label.group.unwrap_or_else(|| file.name.clone()),
                class: label.class,
                given: label.given,
                note: label.note,
                sidecar: label.sidecar.map(|sidecar| *sidecar),
                file,
            });
        }
        if labelled.is_empty() {
            return Err(LabelError::Nothing);
        }
        refuse_mixed_views(&labelled)?;
        let classes = self.classes(&labelled, classes)?;
        Ok(Labelled {
            captures: labelled,
            classes,
            set_aside,
            source: self.source(),
        })
    }

    fn label(&self, file: &CaptureFile) -> Result<Outcome, LabelError> {
        match self {
            Self::Folder => Ok(Outcome::Label(Label::of_class(&file.folder))),
            Self::Pattern(pattern) => match pattern.captures(&file.name) {
                Some(parts) if parts.name("class").is_some_and(|class| !class.is_empty()) => {
                    from_name(&parts, &file.name).map(Outcome::Label)
                }
                _ => Ok(Outcome::Unlabelled(
                    "the pattern does not match its name".to_owned(),
                )),
            },
            Self::Table(table) => Ok(match table.line(&file.name) {
                Some(line) => Outcome::Label(Label {
                    group: line.group.clone(),
                    ..Label::of_class(&line.class)
                }),
                None => Outcome::Unlabelled("the table does not list it".to_owned()),
            }),
            Self::Sidecar(class) => from_sidecar(file, *class),
            Self::Registry {
                registry,
                map,
                disputed,
                excluded,
            } => from_registry(registry, map, (*disputed, *excluded), &file.name),
        }
    }

    fn classes(
        &self,
        captures: &[LabelledCapture],
        listed: Option<&[String]>,
    ) -> Result<Vec<String>, LabelError> {
        let seen: BTreeSet<&str> = captures.iter().map(|one| one.class.as_str()).collect();
        match (listed, self) {
            (Some(listed), _) => {
                let stray = captures.iter().find(|one| !listed.contains(&one.class));
                stray.map_or(Ok(listed.to_vec()), |stray| {
                    Err(LabelError::UnlistedClass {
                        file: stray.file.name.clone(),
                        class: stray.class.clone(),
                    })
                })
            }
            (None, Self::Registry { map, .. }) => {
                let is_present = |class: &&String| seen.contains(class.as_str());
                Ok(map.classes.iter().filter(is_present).cloned().collect())
            }
            (None, Self::Sidecar(SidecarClass::Activity)) => Ok(sidecar::classes()
                .filter(|class| seen.contains(class.as_str()))
                .collect()),
            (None, _) => Ok(seen.into_iter().map(str::to_owned).collect()),
        }
    }

    fn source(&self) -> LabelSource {
        match self {
            Self::Folder => LabelSource::Folder,
            Self::Sidecar(class) => LabelSource::Sidecar { class: *class },
            Self::Pattern(pattern) => LabelSource::Pattern {
                pattern: pattern.to_string(),
            },
            Self::Table(table) => LabelSource::Table {
                file: table.name.clone(),
                sha256: table.sha256.clone(),
            },
            Self::Registry {
                registry,
                map,
                disputed,
                excluded,
            } => LabelSource::Registry {
                name: registry.name.clone(),
                map: (*map != registry.finest()).then(|| map.name.clone()),
                disputed: disputed.name().to_owned(),
                excluded: excluded.name().to_owned(),
            },
        }
    }
}

/// The same class is one thing inside a tunnel and another outside of it.
fn refuse_mixed_views(captures: &[LabelledCapture]) -> Result<(), LabelError> {
    let of = |is_outer: bool| {
        captures.iter().find(|capture| {
            let view = capture.sidecar.as_ref().map(|sidecar| sidecar.view);
            view.is_some_and(|view| (view == View::Outer) == is_outer)
        })
    };
    match (of(true), of(false)) {
        (Some(outer), Some(other)) => Err(LabelError::Views {
            outer: outer.file.name.clone(),
            other: other.file.name.clone(),
        }),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry;

    fn files(names: &[&str]) -> Vec<CaptureFile> {
        let file = |name: &&str| CaptureFile {
            path: name.into(),
            name: (*name).to_owned(),
            folder: "Chat".to_owned(),
        };
        names.iter().map(file).collect()
    }

    fn iscx() -> Labelling {
        iscx_with("12")
    }

    fn iscx_with(map: &str) -> Labelling {
        let registry = registry::Registry::named("iscx-vpn-nonvpn-2016").unwrap();
        Labelling::Registry {
            registry,
            map: registry.map(map).unwrap(),
            disputed: Disputed::Follow,
            excluded: Excluded::Drop,
        }
    }

    /// The one place that calls the API: class, group and split of one name, or the refusal.
    #[track_caller]
    fn check(
        labelling: &Labelling,
        name: &str,
        expected: Result<(&str, &str, Option<Split>), &str>,
    ) {
        let found = labelling
            .apply(files(&[name]), None, Unlabelled::Refuse)
            .map(|found| found.captures.into_iter().next().unwrap())
            .map_err(|error| error.to_string());
        let found = found
            .as_ref()
            .map(|one| (one.class.as_str(), one.group.as_str(), one.given))
            .map_err(String::as_str);
        assert_eq!(found, expected);
    }

    fn pattern(text: &str) -> Labelling {
        Labelling::Pattern(Regex::new(text).unwrap())
    }

    #[test]
    fn the_folder_is_the_class_and_the_capture_its_own_group() {
        check(&Labelling::Folder, "a.pcap", Ok(("Chat", "a.pcap", None)));
    }

    #[test]
    fn a_pattern_gives_class_group_and_split() {
        check(
            &pattern(r"^(?<class>\w+)\.g(?<group>\d+)\..*\.(?<split>\w+)\.pcap$"),
            "Chat.g12.dlt1.t10k.pcap",
            Ok(("Chat", "12", Some(Split::Test))),
        );
    }

    #[test]
    fn a_name_that_the_pattern_does_not_match_is_refused() {
        check(
            &pattern(r"^(?<class>[a-z]+)_"),
            "42.pcap",
            Err(
                "`42.pcap` has no label: the pattern does not match its name; label it, or leave it out with `--unlabelled skip`",
            ),
        );
    }

    #[test]
    fn a_pattern_without_a_class_is_refused() {
        check(
            &pattern(r"(\w+)"),
            "a.pcap",
            Err(
                r"the pattern `(\w+)` names no class; write `(?<class>…)` around the part of the name that is the class",
            ),
        );
    }

    #[test]
    fn the_registry_knows_its_files() {
        check(&iscx(), "AIMchat1.pcapng", Ok(("Chat", "G05", None)));
        check(
            &iscx(),
            "Torrent01.pcapng",
            Ok(("P2P", "Torrent01.pcapng", None)),
        );
    }

    #[test]
    fn the_registry_knows_captures_rebuilt_from_its_rows() {
        check(
            &iscx(),
            "VPN_File.g08.dlt101.train.pcap",
            Ok(("VPN-File_transfer", "8", Some(Split::Train))),
        );
        check(
            &iscx(),
            "Chat.g00.dlt1.t10k.pcap",
            Ok(("Chat", "0", Some(Split::Test))),
        );
    }

    #[test]
    fn a_coarser_map_merges_classes_and_one_of_a_side_leaves_the_other_out() {
        let names = ["vpn_email2a.pcap", "email1a.pcap"];
        let classes = |map| {
            let found = iscx_with(map).apply(files(&names), None, Unlabelled::Refuse);
            let found = found.unwrap();
            (found.classes, found.set_aside.len(), found.source)
        };
        assert_eq!(classes("6").0, ["Email"]);
        assert_eq!(classes("2").0, ["NonVPN", "VPN"]);
        let (names, set_aside, source) = classes("6-vpn");
        assert_eq!((names, set_aside), (vec!["VPN-Email".to_owned()], 1));
        let text = serde_json::to_string(&source).unwrap();
        assert!(text.contains(r#""map":"6-vpn""#), "{text}");
        // A manifest of all classes is what it was before there were maps.
        let text = serde_json::to_string(&classes("12").2).unwrap();
        assert!(!text.contains("map"), "{text}");
    }

    #[test]
    fn excluded_captures_are_set_aside_with_the_reason() {
        let files = files(&["torGoogle.pcap", "email1a.pcap"]);
        let found = iscx().apply(files, None, Unlabelled::Refuse).unwrap();
        assert_eq!(found.captures.len(), 1);
        assert_eq!(found.classes, ["Email"]);
        assert!(found.set_aside[0].reason.starts_with("Tor Browser"));
    }

    #[test]
    fn unlabelled_captures_can_be_skipped() {
        let files = files(&["other.pcap", "email1a.pcap"]);
        let found = iscx().apply(files, None, Unlabelled::Skip).unwrap();
        assert_eq!((found.captures.len(), found.set_aside.len()), (1, 1));
    }
}
