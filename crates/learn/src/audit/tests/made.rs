//! Made sessions: every field by lot, but for what a test sets.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::ControlFlow,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use traffic::{
    capture::CaptureReader,
    cut::cut,
    link::LinkType,
    session::Session,
    session_table::CutOptions,
    synth::{self, IpFields, Record, TcpFields},
};

use super::super::*;
use crate::dataset::{LabelledSlices, Manifest, Rows, manifest::RAW};

/// Every field of a session by lot; a case overwrites one.
#[derive(Debug, Clone)]
pub(in crate::audit) struct Lots {
    pub(in crate::audit) ip: IpFields,
    pub(in crate::audit) tcp: TcpFields,
    pub(in crate::audit) client_port: u16,
    pub(in crate::audit) server_port: u16,
    pub(in crate::audit) largest_segment: u16,
    pub(in crate::audit) window_scale: u8,
    pub(in crate::audit) clock: u32,
    pub(in crate::audit) payload: Vec<u8>,
    pub(in crate::audit) is_udp: bool,
    pub(in crate::audit) is_version_6: bool,
}

impl Lots {
    fn draw(random: &mut ChaCha8Rng) -> Self {
        Self {
            ip: IpFields {
                identification: random.random(),
                ttl: random.random_range(32..128),
                tos: random.random(),
                flow_label: random.random_range(0..1 << 20),
            },
            tcp: TcpFields {
                sequence: random.random(),
                acknowledgement: random.random(),
                flags: 0x18,
                window: random.random(),
                options: Vec::new(),
            },
            client_port: random.random_range(1024..60_000),
            server_port: random.random_range(6_000..60_000),
            largest_segment: random.random_range(500..1460),
            window_scale: random.random_range(0..14),
            clock: random.random(),
            payload: (0..40).map(|_| random.random()).collect(),
            is_udp: false,
            is_version_6: false,
        }
    }

    /// The session's only packet, as a frame.
    fn frame(mut self, seconds: i64) -> Record {
        let mut options = vec![2, 4];
        options.extend(self.largest_segment.to_be_bytes());
        options.extend([1, 3, 3, self.window_scale, 8, 10]);
        options.extend(self.clock.to_be_bytes());
        options.extend([0; 4]);
        self.tcp.options = options;
        let address = |host: u8| -> IpAddr {
            if self.is_version_6 {
                Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, host.into()).into()
            } else {
                Ipv4Addr::new(10, 0, 0, host).into()
            }
        };
        let client = SocketAddr::new(address(1), self.client_port);
        let server = SocketAddr::new(address(2), self.server_port);
        let (protocol, segment) = if self.is_udp {
            (17, synth::udp(client, server, &self.payload))
        } else {
            (6, synth::tcp(client, server, &self.tcp, &self.payload))
        };
        let packet = synth::ip_of(client.ip(), server.ip(), protocol, self.ip, &segment);
        synth::record(seconds * 1_000_000_000, synth::ethernet(&packet))
    }
}

/// A hello of TLS whose parts are by lot, but for what a test sets.
pub(in crate::audit) struct Hello {
    pub(in crate::audit) is_client: bool,
    pub(in crate::audit) version: u16,
    pub(in crate::audit) random: [u8; 32],
    pub(in crate::audit) session_id: [u8; 32],
    pub(in crate::audit) cipher_suite: u16,
    pub(in crate::audit) server_name: [u8; 8],
    pub(in crate::audit) protocol: [u8; 2],
    pub(in crate::audit) key_group: u16,
}

impl Hello {
    pub(in crate::audit) fn draw(random: &mut ChaCha8Rng, is_client: bool) -> Self {
        Self {
            is_client,
            version: 0x0303,
            random: random.random(),
            session_id: random.random(),
            cipher_suite: random.random(),
            server_name: std::array::from_fn(|_| random.random_range(b'a'..=b'z')),
            protocol: std::array::from_fn(|_| random.random_range(b'a'..=b'z')),
            key_group: random.random(),
        }
    }

    /// The hello as a payload, in a record of its own.
    pub(in crate::audit) fn bytes(&self) -> Vec<u8> {
        let mut extensions = Vec::new();
        if self.is_client {
            extensions.extend([0, 0, 0, 13, 0, 11, 0, 0, 8]);
            extensions.extend(self.server_name);
        }
        extensions.extend([0, 10, 0, 4, 0, 2]);
        extensions.extend(self.key_group.to_be_bytes());
        extensions.extend([0, 16, 0, 5, 0, 3, 2]);
        extensions.extend(self.protocol);
        let mut body = self.version.to_be_bytes().to_vec();
        body.extend(self.random);
        body.push(32);
        body.extend(self.session_id);
        if self.is_client {
            body.extend([0, 2]);
        }
        body.extend(self.cipher_suite.to_be_bytes());
        if self.is_client {
            body.push(1);
        }
        body.extend([0, 0, extensions.len() as u8]);
        body.extend(extensions);
        let kind = if self.is_client { 1 } else { 2 };
        let length = body.len() as u8;
        let mut hello = vec![22, 3, 1, 0, length + 4, kind, 0, 0, length];
        hello.extend(body);
        hello
    }
}

/// The sessions of these frames, each a capture of its own.
fn session(frame: &Record, options: &CutOptions) -> Session {
    let capture = synth::pcap(LinkType::ETHERNET, std::slice::from_ref(frame));
    let mut reader = CaptureReader::new(Box::new(std::io::Cursor::new(capture))).unwrap();
    let mut found = None;
    cut(&mut reader, options, 0, &mut |session| {
        found = Some(session);
        ControlFlow::Continue(())
    })
    .unwrap();
    found.unwrap()
}

fn push(rows: &mut Rows, session: &Session, label: u32) {
    let samples = &mut rows.samples;
    samples.slices.extend_from_slice(session.slice.bytes());
    samples.labels.push(label);
    samples.link_types.push(session.link_type);
    samples.summaries.push(session.summaries.clone());
    rows.origins.push(Origin {
        capture: 0,
        row: None,
        group: "all".to_owned(),
        five_tuple: session.five_tuple,
        link_type: session.link_type,
        start: session.start,
        packets: session.packets,
        bytes: session.bytes,
        background: session.background,
        has_preamble: false,
    });
}

/// A dataset of two classes whose rows are heads of pcap files, captured when `time` says.
pub(in crate::audit) fn raw_subject(time: &dyn Fn(u8, &mut ChaCha8Rng) -> i64) -> Subject {
    let mut random = ChaCha8Rng::seed_from_u64(6);
    let options = CutOptions::default();
    let length = options.slice_length.get();
    let sides = [200, 0, 100].map(|sessions| {
        let mut rows = empty(length);
        for number in 0..sessions {
            let class = (number % 2) as u8;
            let frame = Lots::draw(&mut random).frame(time(class, &mut random));
            push(&mut rows, &session(&frame, &options), u32::from(class));
            let mut head = synth::pcap(LinkType::ETHERNET, &[frame]);
            head.resize(length, 0);
            let from = rows.samples.slices.len() - length;
            rows.samples.slices[from..].copy_from_slice(&head);
        }
        rows
    });
    of_sides(RAW, length, sides)
}

/// A dataset of two classes under a policy; `tell` writes the class into a session's lots.
pub(in crate::audit) fn subject(
    policy: &str,
    tell: &dyn Fn(&mut Lots, u8, &mut ChaCha8Rng),
) -> Subject {
    let options = CutOptions {
        policy: policy.parse().unwrap(),
        ..CutOptions::default()
    };
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let length = options.slice_length.get();
    let sides = [200, 0, 100].map(|sessions| {
        let mut rows = empty(length);
        for number in 0..sessions {
            let class = (number % 2) as u8;
            let mut lots = Lots::draw(&mut random);
            tell(&mut lots, class, &mut random);
            let seconds = random.random_range(0..1_000_000);
            push(
                &mut rows,
                &session(&lots.frame(seconds), &options),
                u32::from(class),
            );
        }
        rows
    });
    of_sides(&options.policy.to_string(), length, sides)
}

fn empty(slice_length: usize) -> Rows {
    Rows {
        samples: LabelledSlices {
            slice_length,
            ..LabelledSlices::default()
        },
        ..Rows::default()
    }
}

fn of_sides(policy: &str, length: usize, sides: [Rows; 3]) -> Subject {
    let classes = vec!["one".to_owned(), "other".to_owned()];
    let manifest = Manifest::new("made", classes, policy, length);
    let facts = sides
        .iter()
        .flat_map(|rows| &rows.samples.labels)
        .map(|&label| Facts {
            group: "all".into(),
            ..Facts::of_label(label)
        })
        .collect();
    Subject::of(Dataset::from_rows(manifest, sides), facts).unwrap()
}
