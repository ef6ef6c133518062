//! Public data sets that are built in: which file is of which class, what is disputed, what is
//! wrong with them. The facts are TOML files beside this one.

mod facts;
mod file;
mod map;
mod published_files;

use std::{collections::BTreeMap, path::Path, sync::LazyLock};

use regex::Regex;
use serde::{Deserialize, Serialize};

pub use self::{
    facts::{Checksum, Published, PublishedSamples},
    file::{Disputed, Excluded, NamePattern, RegistryFile, Status},
    map::LabelMap,
    published_files::PublishedFiles,
};

/// The TOML file of each data set.
const FILES: [&str; 4] = [
    include_str!("registry/iscx-vpn-nonvpn-2016.toml"),
    include_str!("registry/iscx-tor-2016.toml"),
    include_str!("registry/ustc-tfc-2016.toml"),
    include_str!("registry/vnat.toml"),
];

static ALL: LazyLock<Vec<Registry>> = LazyLock::new(|| {
    FILES
        .iter()
        .map(|text| toml::from_str(text).expect("a test reads every file that is built in"))
        .collect()
});

/// A public data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Registry {
    /// What to call it on the command line.
    pub name: String,
    /// Other names for the same.
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What it holds, in a sentence.
    pub about: String,
    /// Whose it is, to be cited.
    pub source: String,
    /// How to get it, a step a line.
    pub obtain: Vec<String>,
    /// What is known to be wrong with it, a fault a line.
    #[serde(default)]
    pub faults: Vec<String>,
    /// What of the above nobody has held against the data, a line each.
    #[serde(default)]
    pub unverified: Vec<String>,
    /// What captures rebuilt from its published rows are called: class, group and split.
    #[serde(default)]
    pub rebuilt_pattern: Option<String>,
    /// Other spellings of its classes.
    #[serde(default)]
    spellings: BTreeMap<String, String>,
    /// Its label maps, the finest first: that one has the classes that files name.
    pub maps: Vec<LabelMap>,
    /// Checksums of what is downloaded.
    #[serde(default)]
    pub checksums: Vec<Checksum>,
    /// Scores that were published on it.
    #[serde(default)]
    pub published: Vec<Published>,
    /// Its files, as far as they are known by name.
    pub files: Vec<RegistryFile>,
    /// What names of its other files say.
    #[serde(default)]
    pub patterns: Vec<NamePattern>,
}

/// All data sets that are built in.
pub fn all() -> &'static [Registry] {
    &ALL
}

impl Registry {
    /// The data set of this name, or of this other name for it.
    pub fn named(name: &str) -> Option<&'static Self> {
        all()
            .iter()
            .find(|one| one.name == name || one.aliases.iter().any(|alias| alias == name))
    }

    /// Its classes in the finest map, by label.
    pub fn classes(&self) -> &[String] {
        &self.finest().classes
    }

    /// The label map that has a class of its own for everything.
    ///
    /// # Panics
    ///
    /// Never: a test holds that every data set has a map.
    pub fn finest(&self) -> &LabelMap {
        self.maps.first().expect("a test holds that there is one")
    }

    /// The label map of this name.
    pub fn map(&self, name: &str) -> Option<&LabelMap> {
        self.maps.iter().find(|map| map.name == name)
    }

    /// Published scores of what `reproduce` makes: whole sessions of all classes.
    pub fn reproducible(&self) -> impl Iterator<Item = &Published> {
        let finest = &self.finest().name;
        let is_of_these =
            move |one: &&Published| one.samples == PublishedSamples::Sessions && one.map == *finest;
        self.published.iter().filter(is_of_these)
    }

    /// A class by its name or another spelling of it.
    pub fn class(&self, name: &str) -> Option<&str> {
        let name = self.spellings.get(name).map_or(name, String::as_str);
        let class = self.classes().iter().find(|&class| class == name);
        class.map(String::as_str)
    }

    /// The class that a pattern over names gives a file that is not listed.
    ///
    /// # Panics
    ///
    /// Never: a test compiles every pattern.
    pub fn class_by_pattern(&self, name: &str) -> Option<&str> {
        let name = stem(name);
        let matches = |one: &&NamePattern| {
            let pattern = Regex::new(&one.pattern).expect("a test compiles every pattern");
            pattern.is_match(&name)
        };
        self.patterns
            .iter()
            .find(matches)
            .map(|one| one.class.as_str())
    }

    /// The file of this name; case, `.pcap` or `.pcapng`, and compression do not matter.
    pub fn file(&self, name: &str) -> Option<&RegistryFile> {
        let wanted = stem(name);
        self.files.iter().find(|file| stem(&file.file) == wanted)
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
    use std::collections::BTreeSet;

    use super::*;

    fn iscx() -> &'static Registry {
        Registry::named("iscx-vpn-nonvpn-2016").unwrap()
    }

    #[test]
    fn every_file_that_is_built_in_is_understood() {
        for text in FILES {
            let registry: Registry = toml::from_str(text).unwrap_or_else(|error| panic!("{error}"));
            assert!(!registry.maps.is_empty(), "{}", registry.name);
            assert!(!registry.obtain.is_empty(), "{}", registry.name);
        }
    }

    #[test]
    fn iscx_has_150_captures() {
        // 127 agreed, 3 disputed, 20 excluded, as a search through all published maps counted them.
        let count = |status| {
            let with_status = |file: &&RegistryFile| file.status == status;
            iscx().files.iter().filter(with_status).count()
        };
        assert_eq!(
            [Status::Agreed, Status::Disputed, Status::Excluded].map(count),
            [127, 3, 20]
        );
    }

    #[test]
    fn every_class_that_a_file_names_is_a_class_and_has_files() {
        for registry in all() {
            let mut used = BTreeSet::new();
            for file in &registry.files {
                for class in [&file.class, &file.other_class].into_iter().flatten() {
                    assert!(registry.classes().contains(class), "{class}");
                }
                used.extend(&file.class);
                assert_eq!(file.class.is_none(), file.status == Status::Excluded);
                let needs_a_reason = file.status != Status::Agreed;
                assert!(!needs_a_reason || !file.reason.is_empty(), "{}", file.file);
            }
            used.extend(registry.patterns.iter().map(|pattern| &pattern.class));
            assert_eq!(
                used,
                registry.classes().iter().collect(),
                "{}",
                registry.name
            );
        }
    }

    #[test]
    fn every_map_is_of_classes_that_there_are() {
        for registry in all() {
            assert_eq!(registry.finest().merged, BTreeMap::new());
            let names: BTreeSet<&String> = registry.maps.iter().map(|map| &map.name).collect();
            assert_eq!(names.len(), registry.maps.len(), "{}", registry.name);
            for map in &registry.maps {
                for (from, to) in &map.merged {
                    assert!(registry.classes().contains(from), "{from}");
                    assert!(map.classes.contains(to), "{to}");
                }
                for class in &map.classes {
                    let found = registry
                        .classes()
                        .iter()
                        .any(|from| map.class(from) == Some(class));
                    assert!(found, "{} of map {}", class, map.name);
                }
            }
        }
    }

    #[test]
    fn every_pattern_of_rebuilt_captures_compiles_and_names_a_class() {
        for pattern in all().iter().filter_map(|one| one.rebuilt_pattern.as_ref()) {
            let pattern = Regex::new(pattern).unwrap();
            assert!(
                pattern
                    .capture_names()
                    .flatten()
                    .any(|name| name == "class")
            );
        }
    }

    #[test]
    fn names_of_a_scheme_tell_the_class_and_listed_files_come_first() {
        let vnat = Registry::named("vnat").unwrap();
        let check = |name, class| assert_eq!(vnat.class_by_pattern(name), class, "{name}");
        check("a/nonvpn_ssh_capture1.pcap", Some("Command_and_control"));
        check("vpn_skype-chat_capture12.pcap", Some("VPN-Chat"));
        check("VPN_SFTP_newcapture1.pcap.gz", Some("VPN-File_transfer"));
        check("vpn_sshd_capture1.pcap", None);
        // The same bytes as another capture.
        let file = vnat.file("vpn_skype-chat_capture4.pcap").unwrap();
        assert_eq!(file.class_under(Disputed::Follow, Excluded::Drop), None);
    }

    #[test]
    fn a_run_of_tor_is_one_group_on_the_workstation_and_on_the_gateway() {
        let tor = Registry::named("iscx-tor-2016").unwrap();
        let group = |name: &str| tor.file(name).unwrap().group.clone();
        let of = |class: &str| {
            let is_of = |file: &&RegistryFile| file.class.as_deref() == Some(class);
            tor.files.iter().filter(is_of).count()
        };
        assert_eq!(
            group("VIDEO_Vimeo_Gateway.pcap"),
            group("Vimeo_Workstation.pcap")
        );
        assert_ne!(
            group("VIDEO_Vimeo_Gateway.pcap"),
            group("SSL_Browsing.pcap")
        );
        assert_eq!((of("Browsing"), of("Tor-Browsing")), (9, 6));
    }

    #[test]
    fn no_two_files_have_the_same_stem() {
        for registry in all() {
            let stems: BTreeSet<String> =
                registry.files.iter().map(|file| stem(&file.file)).collect();
            assert_eq!(stems.len(), registry.files.len(), "{}", registry.name);
        }
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
    fn classes_and_data_sets_have_other_spellings() {
        assert_eq!(iscx().class("VPN_File"), Some("VPN-File_transfer"));
        assert_eq!(iscx().class("Browsing"), None);
        assert_eq!(Registry::named("iscx-vpn-2016"), Some(iscx()));
    }

    #[test]
    fn coarser_maps_merge_classes_or_leave_them_out() {
        let class = |map: &str, class| iscx().map(map).unwrap().class(class);
        assert_eq!(class("12", "VPN-Chat"), Some("VPN-Chat"));
        assert_eq!(class("6", "VPN-Chat"), Some("Chat"));
        assert_eq!(class("2", "VPN-Chat"), Some("VPN"));
        assert_eq!(class("6-vpn", "VPN-Chat"), Some("VPN-Chat"));
        assert_eq!(class("6-vpn", "Chat"), None);
        assert!(iscx().map("7").is_none());
    }
}
