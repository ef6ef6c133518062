//! Differential: frames, and packets and bytes of each conversation, agree with `tshark`'s.
//!
//! `tshark` is no dependency: where it is not installed, or the captures are not there, the tests
//! say that they skip. A start of it takes longer than most captures do, so of many captures
//! every so many-th is compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    net::{IpAddr, SocketAddr},
    ops::ControlFlow,
    path::{Path, PathBuf},
    process::Command,
};

use undertone_traffic::{
    capture::CaptureReader,
    cut::cut,
    packet::{FiveTuple, Protocol},
    session::Session,
    tally::Skip,
};

use crate::{
    odd_captures,
    support::{SEED, public_data, whole_capture},
};

/// Odd captures on which the two differ, and why; found by comparing all of them with 4.0.17.
const DIFFERENT: [(&str, &str); 17] = [
    (
        "pcapng-test-generator/output_be/basic/test017.pcapng",
        CUSTOM_BLOCKS,
    ),
    (
        "pcapng-test-generator/output_be/advanced/test102.pcapng",
        CUSTOM_BLOCKS,
    ),
    (
        "pcapng-test-generator/output_le/advanced/test102.pcapng",
        CUSTOM_BLOCKS,
    ),
    (
        "pcapng-test-generator/output_be/difficult/test202.pcapng",
        CUSTOM_BLOCKS,
    ),
    (
        "pcapng-test-generator/output_le/difficult/test202.pcapng",
        CUSTOM_BLOCKS,
    ),
    ("tcpdump/tests/bigtcp-ipv6-vxlan-ipv4.pcap", JUMBOGRAM),
    ("tcpdump/tests/bigtcp-ipv6-vxlan-ipv6.pcap", JUMBOGRAM),
    ("tcpdump/tests/bigtcp-ipv6-geneve-ipv6.pcap", JUMBOGRAM),
    ("tcpdump/tests/quic_32_bit_pointer_overflow.pcap", JUMBOGRAM),
    ("tcpdump/tests/nsh.pcap", WRAPPER),
    (
        "zeek/testing/btest/Traces/pbb-recursive-frames.pcapng",
        WRAPPER,
    ),
    ("zeek/testing/btest/Traces/cisco-fabric-path.pcap", WRAPPER),
    ("wireshark-2013/docbook/examples/test.cap", MALFORMED),
    (
        "ndpi/tests/cfgs/default/pcap/kerberos_fuzz.pcapng",
        MALFORMED,
    ),
    (
        "ndpi/tests/cfgs/default/pcap/fuzz-2006-09-29-28586.pcap",
        MALFORMED,
    ),
    (
        "ndpi/tests/cfgs/default/pcap/fuzz-2006-06-26-2594.pcap",
        MALFORMED,
    ),
    (
        "pcapplusplus/Tests/Pcap++Test/PcapExamples/null_loopback.pcap",
        "a frame has an Ethernet type where the address family belongs; tshark guesses it",
    ),
];

const CUSTOM_BLOCKS: &str = "tshark counts blocks of events and of the journal as frames";
const JUMBOGRAM: &str = "tshark gives an IPv6 jumbogram the length 0, or does not read on";
const WRAPPER: &str = "NSH, provider backbone bridges and FabricPath are not unwrapped";
const MALFORMED: &str = "tshark takes ports from TCP headers that contradict their IP header";

/// Protocol and both ends, whoever spoke first.
type Ends = (Protocol, SocketAddr, SocketAddr);

/// What a capture holds.
#[derive(Debug, Default, PartialEq, Eq)]
struct Contents {
    frames: u64,
    /// Packets, and bytes from the IP header on.
    conversations: BTreeMap<Ends, (u64, u64)>,
}

impl Contents {
    fn add(&mut self, ends: Ends, packets: u64, bytes: u64) {
        let sums = self.conversations.entry(ends).or_default();
        sums.0 += packets;
        sums.1 += bytes;
    }
}

fn ends(five_tuple: FiveTuple) -> Ends {
    let FiveTuple {
        protocol,
        source,
        destination,
    } = five_tuple;
    (protocol, source.min(destination), source.max(destination))
}

/// What we find; none for what is no capture, or has frames of a link type that we do not know.
fn by_us(path: &Path) -> Option<Contents> {
    let mut contents = Contents::default();
    let mut sink = |session: Session| {
        contents.add(ends(session.five_tuple), session.packets, session.bytes);
        ControlFlow::Continue(())
    };
    let mut reader = CaptureReader::open(path).ok()?;
    let tally = cut(&mut reader, &whole_capture(), SEED, &mut sink).ok()?;
    contents.frames = tally.frames;
    (!tally.skips.contains_key(&Skip::LinkTypeUnknown)).then_some(contents)
}

/// The columns asked of `tshark`, first occurrence each: that of the outermost header.
const FIELDS: [&str; 16] = [
    "frame.protocols",
    "ip.src",
    "ip.dst",
    "ip.len",
    "ip.flags.mf",
    "ip.frag_offset",
    "ipv6.src",
    "ipv6.dst",
    "ipv6.plen",
    "ipv6.fraghdr.offset",
    "tcp.srcport",
    "tcp.dstport",
    "udp.srcport",
    "udp.dstport",
    "sctp.srcport",
    "sctp.dstport",
];

/// What `tshark` makes of one frame.
struct Line<'a>(Vec<&'a str>);

impl Line<'_> {
    fn cell(&self, name: &str) -> &str {
        let column = FIELDS.iter().position(|field| *field == name).unwrap();
        self.0[column]
    }

    /// Ends, bytes from the IP header on, and whether it is a fragment.
    fn packet(&self) -> Option<(Ends, u64, bool)> {
        let (version, protocol) = outermost(self.cell("frame.protocols"))?;
        let end = |side: &str| {
            let address: IpAddr = self.cell(&format!("{version}.{side}")).parse().ok()?;
            // A header that is cut off has no ports.
            let port = self.cell(&format!("{protocol}.{side}port")).parse().ok()?;
            Some(SocketAddr::new(address, port))
        };
        let five_tuple = FiveTuple {
            protocol,
            source: end("src")?,
            destination: end("dst")?,
        };
        let (bytes, is_fragment) = if version == "ip" {
            let is_whole = self.cell("ip.flags.mf") == "0" && self.cell("ip.frag_offset") == "0";
            (self.cell("ip.len").parse().ok()?, !is_whole)
        } else {
            let payload: u64 = self.cell("ipv6.plen").parse().ok()?;
            (payload + 40, !self.cell("ipv6.fraghdr.offset").is_empty())
        };
        Some((ends(five_tuple), bytes, is_fragment))
    }
}

/// The version of the first IP header and the transport right above it, extensions aside.
fn outermost(protocols: &str) -> Option<(&'static str, Protocol)> {
    let mut names = protocols.split(':');
    let version = names.find_map(|name| ["ip", "ipv6"].into_iter().find(|ip| *ip == name))?;
    let transport = names.find(|name| !name.starts_with("ipv6.") && *name != "ah")?;
    [Protocol::Tcp, Protocol::Udp, Protocol::Sctp]
        .into_iter()
        .find(|protocol| protocol.name() == transport)
        .map(|protocol| (version, protocol))
}

/// What `tshark` finds, and whose packets came in fragments; none if it cannot be run.
fn by_tshark(path: &Path) -> Option<(Contents, BTreeSet<Ends>)> {
    let output = Command::new("tshark")
        // The user's own settings must not matter.
        .env("WIRESHARK_CONFIG_DIR", env!("CARGO_TARGET_TMPDIR"))
        .args(["-n", "-T", "fields", "-E", "occurrence=f"])
        .args(FIELDS.iter().flat_map(|field| ["-e", field]))
        .arg("-r")
        .arg(path)
        .output()
        .ok()?;
    let mut contents = Contents::default();
    let mut fragmented = BTreeSet::new();
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        contents.frames += 1;
        if let Some((ends, bytes, is_fragment)) = Line(line.split('\t').collect()).packet() {
            contents.add(ends, 1, bytes);
            if is_fragment {
                fragmented.insert(ends);
            }
        }
    }
    Some((contents, fragmented))
}

/// Every so many-th of the captures on which the two differ, and in what first.
fn differences(captures: &[PathBuf], step: usize) -> BTreeMap<&Path, String> {
    let (mut compared, mut conversations) = (0, 0);
    let mut differences = BTreeMap::new();
    for path in captures.iter().step_by(step) {
        let Some(mut ours) = by_us(path) else {
            continue;
        };
        let Some((mut theirs, fragmented)) = by_tshark(path) else {
            println!("skipped: `tshark` cannot be run");
            return differences;
        };
        // A datagram in fragments is one packet of all their bytes to us, and to tshark one of
        // its last fragment's; where it is not whole, its first fragment is one to tshark.
        ours.conversations
            .retain(|ends, _| !fragmented.contains(ends));
        theirs
            .conversations
            .retain(|ends, _| !fragmented.contains(ends));
        compared += 1;
        conversations += ours.conversations.len();
        if ours != theirs {
            let sums = |of: &Contents, ends| of.conversations.get(ends).copied();
            let all = ours.conversations.keys().chain(theirs.conversations.keys());
            let first = all
                .map(|ends| (ends, sums(&ours, ends), sums(&theirs, ends)))
                .find(|(_, ours, theirs)| ours != theirs);
            let frames = (ours.frames, theirs.frames);
            differences.insert(path.as_path(), format!("frames {frames:?}, {first:?}"));
        }
    }
    println!("{compared} captures with {conversations} conversations compared");
    differences
}

/// The captures below a folder, by name.
fn captures(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(captures(&path));
        } else if path
            .extension()
            .is_some_and(|extension| extension == "pcap")
        {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn the_samples_hold_what_tshark_finds_in_them() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let captures = captures(&samples);
    assert!(!captures.is_empty());
    assert_eq!(differences(&captures, 1), BTreeMap::new());
}

#[test]
fn the_iscx_captures_hold_what_tshark_finds_in_them() {
    let Some(folder) = public_data("iscx-vpn-2016/pcap") else {
        return;
    };
    assert_eq!(differences(&captures(&folder), 4), BTreeMap::new());
}

#[test]
fn odd_captures_hold_what_tshark_finds_in_them_or_it_is_known_why_not() {
    let Some(folder) = odd_captures::folder() else {
        return;
    };
    let captures: Vec<PathBuf> = odd_captures::manifest(&folder)
        .into_iter()
        .map(|(path, ..)| path)
        .collect();
    let mut unexplained = differences(&captures, 6);
    for (name, _) in DIFFERENT {
        unexplained.remove(folder.join(name).as_path());
    }
    assert_eq!(unexplained, BTreeMap::new());
}
