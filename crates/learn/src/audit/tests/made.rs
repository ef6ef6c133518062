//! Made sessions: every field by lot, but for what a test sets.

use std::ops::ControlFlow;

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
use crate::dataset::{LabelledSlices, Manifest, Rows};

/// Every field of a session by lot; a case overwrites one.
#[derive(Debug, Clone)]
pub(super) struct Lots {
    pub(super) ip: IpFields,
    pub(super) tcp: TcpFields,
    pub(super) client_port: u16,
    pub(super) server_port: u16,
    pub(super) largest_segment: u16,
    pub(super) window_scale: u8,
    pub(super) clock: u32,
    pub(super) payload: Vec<u8>,
}

impl Lots {
    fn draw(random: &mut ChaCha8Rng) -> Self {
        Self {
            ip: IpFields {
                identification: random.random(),
                ttl: random.random_range(32..128),
                tos: random.random(),
                flow_label: 0,
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
        let client = ([10, 0, 0, 1], self.client_port).into();
        let server = ([10, 0, 0, 2], self.server_port).into();
        let segment = synth::tcp(client, server, &self.tcp, &self.payload);
        let packet = synth::ip_of(client.ip(), server.ip(), 6, self.ip, &segment);
        synth::record(seconds * 1_000_000_000, synth::ethernet(&packet))
    }
}

/// A `ClientHello` whose parts are by lot, but for those given.
pub(super) fn client_hello(
    random: &mut ChaCha8Rng,
    cipher_suite: u16,
    server_name: [u8; 8],
) -> Vec<u8> {
    let mut extensions = vec![0, 0, 0, 13, 0, 11, 0, 0, 8];
    extensions.extend(server_name);
    let mut body = vec![3, 3];
    body.extend((0..32).map(|_| random.random::<u8>()));
    body.extend([0, 0, 2]);
    body.extend(cipher_suite.to_be_bytes());
    body.extend([1, 0, 0, extensions.len() as u8]);
    body.extend(extensions);
    let mut hello = vec![22, 3, 1, 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
    hello.extend(body);
    hello
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

/// A dataset of two classes under a policy; `tell` writes the class into a session's lots.
pub(super) fn subject(policy: &str, tell: &dyn Fn(&mut Lots, u8, &mut ChaCha8Rng)) -> Subject {
    let options = CutOptions {
        policy: policy.parse().unwrap(),
        ..CutOptions::default()
    };
    let mut random = ChaCha8Rng::seed_from_u64(5);
    let length = options.slice_length.get();
    let sides = [200, 0, 100].map(|sessions| {
        let mut rows = Rows {
            samples: LabelledSlices {
                slice_length: length,
                ..LabelledSlices::default()
            },
            ..Rows::default()
        };
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
    let classes = vec!["one".to_owned(), "other".to_owned()];
    let manifest = Manifest::new("made", classes, &options.policy.to_string(), length);
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
