//! Verdicts as flow records of IPFIX, in files and to collectors.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

use std::{
    collections::BTreeMap,
    fs,
    io::Read,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, TcpListener, UdpSocket},
    path::{Path, PathBuf},
    process::{Command, Output},
    thread,
    time::Duration,
};

use serde_json::Value;
use traffic::{
    link::LinkType,
    synth::{self, Conversation},
};

/// The enterprise number of the elements that are not IANA's, unless another is given.
const EXAMPLE: u32 = 32_473;
/// That of the way back.
const REVERSE: u32 = 29_305;

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples/sample.pcap")
}

/// The program, with a capture as its last argument.
fn undertone(arguments: &[&str], capture: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_undertone"));
    command.args(arguments).arg(capture).arg("--quiet");
    command.output().unwrap()
}

/// What it says of the sample's sessions as JSON, in the order of the records.
#[track_caller]
fn records(arguments: &[&str]) -> Vec<Value> {
    records_of(arguments, &sample())
}

#[track_caller]
fn records_of(arguments: &[&str], capture: &Path) -> Vec<Value> {
    let (command, options) = arguments.split_at(1);
    let arguments = [command, &["--format", "json"], options].concat();
    let output = undertone(&arguments, capture);
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), &*err), (Some(0), ""));
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Enterprise number, 0 for IANA's own, and number of an element.
type Element = (u32, u16);
type Record = BTreeMap<Element, Vec<u8>>;

/// Reads messages after RFC 7011, without a line of the program's own.
#[derive(Default)]
struct Reader {
    templates: BTreeMap<u16, Vec<(Element, u16)>>,
    /// Records of data so far, which each header must have.
    sequence: u32,
    flows: Vec<Record>,
    descriptions: Vec<Record>,
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |sum, &byte| sum << 8 | u64::from(byte))
}

fn split<'a>(bytes: &mut &'a [u8], length: usize) -> &'a [u8] {
    let (head, rest) = bytes.split_at(length);
    *bytes = rest;
    head
}

impl Reader {
    /// Reads whole messages to their end; how long each is.
    #[track_caller]
    fn read(&mut self, mut bytes: &[u8]) -> Vec<usize> {
        let mut lengths = Vec::new();
        while !bytes.is_empty() {
            let length = number(&bytes[2..4]) as usize;
            lengths.push(length);
            self.message(split(&mut bytes, length));
        }
        lengths
    }

    #[track_caller]
    fn message(&mut self, mut bytes: &[u8]) {
        let header = split(&mut bytes, 16);
        assert_eq!(number(&header[..2]), 10);
        assert_eq!(number(&header[8..12]) as u32, self.sequence);
        while !bytes.is_empty() {
            let (set, length) = (number(&bytes[..2]), number(&bytes[2..4]) as usize);
            let mut set_bytes = &split(&mut bytes, length)[4..];
            while !set_bytes.is_empty() {
                match set {
                    2 => self.template(&mut set_bytes, 4),
                    3 => self.template(&mut set_bytes, 6),
                    _ => self.data(set as u16, &mut set_bytes),
                }
            }
        }
    }

    fn template(&mut self, bytes: &mut &[u8], header: usize) {
        let header = split(bytes, header);
        let fields = (0..number(&header[2..4])).map(|_| {
            let field = split(bytes, 4);
            let (element, length) = (number(&field[..2]) as u16, number(&field[2..]) as u16);
            let enterprise = if element & 0x8000 == 0 {
                0
            } else {
                number(split(bytes, 4)) as u32
            };
            ((enterprise, element & 0x7fff), length)
        });
        let fields = fields.collect();
        self.templates.insert(number(&header[..2]) as u16, fields);
    }

    fn data(&mut self, set: u16, bytes: &mut &[u8]) {
        let fields = &self.templates[&set];
        let values = fields.iter().map(|&(element, length)| {
            let length = if length == 65_535 {
                usize::from(split(bytes, 1)[0])
            } else {
                usize::from(length)
            };
            (element, split(bytes, length).to_vec())
        });
        let record: Record = values.collect();
        self.sequence += 1;
        if record.contains_key(&(0, 303)) {
            self.descriptions.push(record);
        } else {
            self.flows.push(record);
        }
    }
}

fn address(record: &Record, of_four: u16, of_six: u16) -> IpAddr {
    match record.get(&(0, of_four)) {
        Some(bytes) => Ipv4Addr::from(<[u8; 4]>::try_from(&bytes[..]).unwrap()).into(),
        None => Ipv6Addr::from(<[u8; 16]>::try_from(&record[&(0, of_six)][..]).unwrap()).into(),
    }
}

/// Whether flow records say what JSON says.
#[track_caller]
fn check(flows: &[Record], records: &[Value], enterprise: u32) {
    assert_eq!(flows.len(), records.len());
    for (flow, record) in flows.iter().zip(records) {
        let count = |element: Element| number(&flow[&element]);
        assert_eq!(address(flow, 8, 27).to_string(), record["client_address"]);
        assert_eq!(address(flow, 12, 28).to_string(), record["server_address"]);
        assert_eq!(count((0, 7)), record["client_port"]);
        assert_eq!(count((0, 11)), record["server_port"]);
        assert_eq!(count((0, 2)) + count((REVERSE, 2)), record["packets"]);
        assert_eq!(count((0, 1)) + count((REVERSE, 1)), record["bytes"]);
        let protocol = record["protocol"].as_str().unwrap();
        assert_eq!(count((0, 4)), if protocol == "tcp" { 6 } else { 17 });
        assert_eq!(count((0, 6)) > 0, protocol == "tcp");
        assert!(count((0, 152)) <= count((0, 153)));
        // `2026-11-23T13:42:15.233082Z`: milliseconds are in both.
        let start = record["start"].as_str().unwrap();
        assert_eq!(format!("{:03}", count((0, 152)) % 1_000), start[20..23]);
        let ends = [("idle", 1), ("active", 2), ("closed", 3), ("capture", 4)];
        let end = ends.iter().find(|end| record["end_reason"] == end.0);
        assert_eq!(count((0, 136)), end.unwrap().1);
        let names = ["verdict", "class", "nearest"];
        for (element, name) in (1..).zip(names) {
            let text = str::from_utf8(&flow[&(enterprise, element)]).unwrap();
            assert_eq!(text, record[name].as_str().unwrap_or_default(), "{name}");
        }
        let confidence = f64::from_be_bytes(flow[&(enterprise, 4)][..].try_into().unwrap());
        let expected = record["confidence"].as_f64().unwrap_or_default();
        assert!((confidence - expected).abs() < 1e-12);
        let text = |element| str::from_utf8(&flow[&(enterprise, element)]).unwrap();
        assert_eq!(text(5), record["background"].as_str().unwrap_or_default());
        assert_eq!(text(6), record["model"]);
        assert!(text(7).starts_with("1:"));
    }
}

/// The only file in a folder.
fn file_in(folder: &Path) -> PathBuf {
    let mut files = fs::read_dir(folder).unwrap();
    let path = files.next().unwrap().unwrap().path();
    assert!(files.next().is_none());
    path
}

#[test]
fn a_file_of_flow_records_says_what_json_says_and_what_its_elements_are() {
    let folder = tempfile::tempdir().unwrap();
    let sink = format!("--sink=ipfix:{}", folder.path().display());
    let records = records(&["classify", &sink, "--ipfix-enterprise", "40000"]);
    let path = file_in(folder.path());
    assert!(path.to_str().unwrap().ends_with("Z.ipfix"));
    let mut reader = Reader::default();
    reader.read(&fs::read(&path).unwrap());
    check(&reader.flows, &records, 40_000);
    let described = reader.descriptions.iter().map(|one| {
        let name = str::from_utf8(&one[&(0, 341)]).unwrap();
        (number(&one[&(0, 346)]), number(&one[&(0, 303)]), name)
    });
    let described: Vec<_> = described.collect();
    assert_eq!(described.len(), 7);
    assert_eq!(described[1], (40_000, 2, "undertoneClass"));
}

#[test]
fn a_session_of_ipv6_has_a_template_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let conversation = Conversation {
        client: "[2001:db8::1]:40000".parse().unwrap(),
        server: "[2001:db8::2]:443".parse().unwrap(),
        ..Conversation::default()
    };
    let capture = folder.path().join("six.pcap");
    let frames = conversation.frames();
    fs::write(&capture, synth::pcap(LinkType::ETHERNET, &frames)).unwrap();
    let sinks = folder.path().join("sink");
    let sink = format!("--sink=ipfix:{}", sinks.display());
    let records = records_of(&["classify", &sink], &capture);
    let mut reader = Reader::default();
    reader.read(&fs::read(file_in(&sinks)).unwrap());
    assert_eq!(address(&reader.flows[0], 8, 27).to_string(), "2001:db8::1");
    check(&reader.flows, &records, EXAMPLE);
}

#[test]
fn a_collector_that_listens_by_udp_gets_messages_that_fit_into_packets() {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_mins(1)))
        .unwrap();
    let sink = format!("--sink=ipfix-udp:{}", socket.local_addr().unwrap());
    let listening = thread::spawn(move || {
        let mut reader = Reader::default();
        let mut buffer = vec![0; 65_535];
        while reader.flows.len() < 42 {
            let length = socket.recv(&mut buffer).unwrap();
            assert_eq!(reader.read(&buffer[..length]), [length]);
            // With the headers of IPv6 and UDP: 1,280.
            assert!(length <= 1_232, "{length}");
        }
        reader
    });
    let records = records(&["classify", &sink]);
    check(&listening.join().unwrap().flows, &records, EXAMPLE);
}

#[test]
fn a_collector_that_listens_by_tcp_gets_the_last_verdict_of_each_session_of_live() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let sink = format!("--sink=ipfix-tcp:{}", listener.local_addr().unwrap());
    let listening = thread::spawn(move || {
        let mut bytes = Vec::new();
        listener
            .accept()
            .unwrap()
            .0
            .read_to_end(&mut bytes)
            .unwrap();
        let mut reader = Reader::default();
        reader.read(&bytes);
        reader
    });
    let mut records = records(&["live", &sink, "--read"]);
    assert!(records.len() > 42);
    records.retain(|record| record["moment"] == "end");
    check(&listening.join().unwrap().flows, &records, EXAMPLE);
}

#[test]
fn tshark_reads_a_file_of_flow_records() {
    let folder = tempfile::tempdir().unwrap();
    let sink = format!("--sink=ipfix:{}", folder.path().display());
    let records = records(&["classify", &sink]);
    let fields = ["cflow.srcaddr", "cflow.srcport", "cflow.packets"];
    let mut command = Command::new("tshark");
    command.arg("-r").arg(file_in(folder.path()));
    command.args(["-T", "fields", "-E", "occurrence=a"]);
    command.args(fields.iter().flat_map(|field| ["-e", field]));
    let Ok(output) = command.output() else {
        println!("skipped: no tshark");
        return;
    };
    let text = String::from_utf8(output.stdout).unwrap();
    // A line a message, a column a field, and in it commas between the records.
    let columns: Vec<Vec<&str>> = (0..fields.len())
        .map(|column| {
            text.lines()
                .filter_map(|line| line.split('\t').nth(column))
                .flat_map(|cell| cell.split(','))
                .filter(|value| !value.is_empty())
                .collect()
        })
        .collect();
    let of_four = |record: &&Value| record["client_address"].as_str().unwrap().contains('.');
    let expected: Vec<&str> = records
        .iter()
        .filter(of_four)
        .map(|record| record["client_address"].as_str().unwrap())
        .collect();
    assert_eq!(columns[0], expected, "{text}");
    let ports = columns[1].iter().map(|port| port.parse::<u64>().unwrap());
    let expected: Vec<u64> = records
        .iter()
        .map(|record| record["client_port"].as_u64().unwrap())
        .collect();
    assert_eq!(ports.collect::<Vec<_>>(), expected, "{text}");
    let packets = columns[2].iter().map(|count| count.parse::<u64>().unwrap());
    assert_eq!(packets.sum::<u64>(), 3_246, "{text}");
}

#[test]
fn a_collector_that_is_not_there_is_told_in_one_line() {
    // Ports that were free a moment ago.
    let by_udp = UdpSocket::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let by_tcp = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    for (sink, address) in [("ipfix-udp", by_udp), ("ipfix-tcp", by_tcp)] {
        let output = undertone(
            &["classify", "--sink", &format!("{sink}:{address}")],
            &sample(),
        );
        let err = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert_eq!(err.lines().count(), 1, "{err}");
        assert!(
            err.contains(&format!("the collector `{address}`: Connection refused")),
            "{err}"
        );
    }
}

#[test]
fn a_collector_is_not_taken_for_a_folder() {
    let output = undertone(&["classify", "--sink", "ipfix:127.0.0.1:4739"], &sample());
    let err = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(err.contains("`ipfix-udp:127.0.0.1:4739`"), "{err}");
}
