//! What the screens of `top` and `serve` show, and how fast it passes.

use std::{
    ffi::OsStr,
    num::NonZeroU64,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use traffic::session_table::Glimpses;

use crate::{
    following::{InterfaceOptions, Source, Speed},
    overview::Extent,
};

/// How often a session that grows is heard of: once in each second of its life.
const EVERY: NonZeroU64 = NonZeroU64::new(1_000_000_000).expect("a second is not zero");

/// What the names of captures end in.
const ENDINGS: [&str; 6] = ["pcap", "pcapng", "cap", "dmp", "gz", "zst"];

/// How sources are read.
pub(crate) struct Opening<'a> {
    /// How interfaces are captured from.
    pub(crate) interfaces: &'a InterfaceOptions,
    /// How fast captures are read; none is as fast as it can be.
    pub(crate) speed: Option<Speed>,
    /// Ends them all.
    pub(crate) stop: &'a Arc<AtomicBool>,
    /// The command that reads a pipe, for builds that cannot capture from interfaces.
    pub(crate) reader: &'a str,
}

impl Opening<'_> {
    /// The capture of that name; if there is none and the name is not like one, the interface.
    pub(crate) fn open(&self, name: &Path) -> anyhow::Result<Source> {
        if !is_capture(name) {
            return Source::interface(&name.to_string_lossy(), self.interfaces, self.reader);
        }
        let capture = Source::until(self.stop, name)?;
        Ok(match self.speed {
            None => capture,
            Some(speed) => capture.at_speed(speed),
        })
    }
}

fn is_capture(name: &Path) -> bool {
    let has_ending = |ending: &OsStr| ENDINGS.iter().any(|known| ending == *known);
    name == "-"
        || name.exists()
        || name.components().count() > 1
        || name.extension().is_some_and(has_ending)
}

/// Those glimpses, and each session that grows once a second.
pub(crate) fn every_second(glimpses: Glimpses) -> Glimpses {
    Glimpses {
        every_nanoseconds: Some(EVERY),
        ..glimpses
    }
}

/// How far back screens show that source.
pub(crate) fn extent(source: &Source) -> Extent {
    if source.has_a_pace() {
        Extent::Last
    } else {
        Extent::Whole
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_file_is_none_of_the_interfaces() {
        for capture in ["-", "missing.pcap", "missing.pcap.gz", "./eth0", "folder/x"] {
            assert!(is_capture(Path::new(capture)), "{capture}");
        }
        for interface in ["eth0", "eth0.100", "any"] {
            assert!(!is_capture(Path::new(interface)), "{interface}");
        }
    }
}
