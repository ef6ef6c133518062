//! Public data sets that are built in: which file is of which class, and what is disputed.

use std::path::Path;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Every work that lists it says the same.
    Agreed,
    /// Works differ.
    Disputed,
    /// The data set's own paper leaves it out.
    Excluded,
}

/// One file of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistryFile {
    /// Its name.
    pub file: &'static str,
    /// Its class; none if it is excluded.
    pub class: Option<&'static str>,
    /// How sure that is.
    pub status: Status,
    /// The class that another work gives it.
    pub other_class: Option<&'static str>,
    /// Captures that share connections have the same group.
    pub group: Option<&'static str>,
    /// What the status rests on.
    pub reason: &'static str,
}

impl RegistryFile {
    /// The class under these choices; none sets the file aside.
    pub fn class_under(&self, disputed: Disputed, excluded: Excluded) -> Option<&'static str> {
        match (self.status, disputed, excluded) {
            (Status::Agreed, _, _) | (Status::Disputed, Disputed::Follow, _) => self.class,
            (Status::Disputed, Disputed::OtherClass, _)
            | (Status::Excluded, _, Excluded::OtherClass) => self.other_class,
            (Status::Disputed, Disputed::Drop, _) | (Status::Excluded, _, Excluded::Drop) => None,
        }
    }
}

/// A public data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registry {
    /// What to call it on the command line.
    pub name: &'static str,
    /// Whose it is, to be cited.
    pub source: &'static str,
    /// Its classes, by label.
    pub classes: &'static [&'static str],
    /// Other spellings of its classes.
    aliases: &'static [(&'static str, &'static str)],
    /// What captures rebuilt from its published rows are called: class, group and split.
    pub rebuilt_pattern: &'static str,
    /// Its file list: tab-separated, with a header.
    table: &'static str,
}

/// All data sets that are built in.
pub const ALL: &[Registry] = &[Registry {
    name: "iscx-vpn-nonvpn-2016",
    source: "ISCX-VPN-NonVPN2016, University of New Brunswick; Draper-Gil et al., ICISSP 2016",
    classes: &[
        "Chat",
        "Email",
        "File_transfer",
        "P2P",
        "Streaming",
        "VoIP",
        "VPN-Chat",
        "VPN-Email",
        "VPN-File_transfer",
        "VPN-P2P",
        "VPN-Streaming",
        "VPN-VoIP",
    ],
    aliases: &[
        ("File", "File_transfer"),
        ("FT", "File_transfer"),
        ("VPN_Chat", "VPN-Chat"),
        ("VPN_Email", "VPN-Email"),
        ("VPN_File", "VPN-File_transfer"),
        ("VPN_FT", "VPN-File_transfer"),
        ("VPN_File_transfer", "VPN-File_transfer"),
        ("VPN_P2P", "VPN-P2P"),
        ("VPN_Streaming", "VPN-Streaming"),
        ("VPN_VoIP", "VPN-VoIP"),
    ],
    rebuilt_pattern: r"(?:^|/)(?<class>[A-Za-z0-9_-]+)\.g0*(?<group>\d+)\.dlt\d+\.(?<split>train|t10k)\.pcap$",
    table: include_str!("registry/iscx-vpn-nonvpn-2016.tsv"),
}];

impl Registry {
    /// The data set of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().find(|registry| registry.name == name)
    }

    /// A class by its name or another spelling of it.
    pub fn class(&self, name: &str) -> Option<&'static str> {
        let alias = self.aliases.iter().find(|(other, _)| *other == name);
        let name = alias.map_or(name, |&(_, class)| class);
        self.classes.iter().find(|&&class| class == name).copied()
    }

    /// Its files, in the order of its list.
    pub fn files(&self) -> impl Iterator<Item = RegistryFile> + use<> {
        self.table.lines().skip(1).filter_map(|line| {
            let cells: Vec<&'static str> = line.split('\t').collect();
            let &[file, class, status, other_class, group, reason] = cells.as_slice() else {
                return None;
            };
            let given = |cell: &'static str| (cell != "-").then_some(cell);
            Some(RegistryFile {
                file,
                class: given(class),
                status: match status {
                    "disputed" => Status::Disputed,
                    "excluded" => Status::Excluded,
                    _ => Status::Agreed,
                },
                other_class: given(other_class),
                group: given(group),
                reason,
            })
        })
    }

    /// The file of this name; case, `.pcap` or `.pcapng`, and compression do not matter.
    pub fn file(&self, name: &str) -> Option<RegistryFile> {
        let wanted = stem(name);
        self.files().find(|file| stem(file.file) == wanted)
    }
}

/// A file name without its folder and the suffixes of captures, in lower case.
fn stem(name: &str) -> String {
    let name = Path::new(name)
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .to_lowercase();
    let name = [".gz", ".zst"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(&name);
    [".pcap", ".pcapng"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name)
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn iscx() -> &'static Registry {
        Registry::named("iscx-vpn-nonvpn-2016").unwrap()
    }

    #[test]
    fn every_line_of_the_table_is_understood() {
        // 150 captures: 127 agreed, 3 disputed, 20 excluded, as the research counts them.
        let count = |status| iscx().files().filter(|file| file.status == status).count();
        assert_eq!(iscx().table.lines().count(), 151);
        assert_eq!(
            [Status::Agreed, Status::Disputed, Status::Excluded].map(count),
            [127, 3, 20]
        );
    }

    #[test]
    fn every_class_of_the_table_is_a_class() {
        for file in iscx().files() {
            for class in [file.class, file.other_class].into_iter().flatten() {
                assert!(iscx().classes.contains(&class), "{class}");
            }
            assert_eq!(file.class.is_none(), file.status == Status::Excluded);
        }
    }

    #[test]
    fn no_two_files_have_the_same_stem() {
        let mut stems: Vec<String> = iscx().files().map(|file| stem(file.file)).collect();
        stems.sort();
        let count = stems.len();
        stems.dedup();
        assert_eq!(stems.len(), count);
    }

    #[test]
    fn a_disputed_file_follows_the_choice() {
        let file = iscx().file("GmailChat1.pcap.gz").unwrap();
        let under = |disputed| file.class_under(disputed, Excluded::Drop);
        assert_eq!(under(Disputed::Follow), Some("Email"));
        assert_eq!(under(Disputed::OtherClass), Some("Chat"));
        assert_eq!(under(Disputed::Drop), None);
    }

    #[test]
    fn an_excluded_file_is_set_aside_unless_asked_for() {
        let file = iscx().file("skype_video1a.pcap").unwrap();
        assert_eq!(file.class_under(Disputed::Follow, Excluded::Drop), None);
        assert_eq!(
            file.class_under(Disputed::Follow, Excluded::OtherClass),
            Some("Streaming")
        );
    }

    #[test]
    fn classes_have_other_spellings() {
        assert_eq!(iscx().class("VPN_File"), Some("VPN-File_transfer"));
        assert_eq!(iscx().class("Browsing"), None);
    }
}
