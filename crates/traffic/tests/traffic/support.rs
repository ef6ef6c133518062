//! What the tests share: ends, options, and the way from bytes to sessions.

use std::{
    env,
    io::Cursor,
    net::SocketAddr,
    num::NonZeroUsize,
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use undertone_traffic::{
    capture::{CaptureError, CaptureReader},
    cut::cut,
    link::LinkType,
    packet::Protocol,
    session::Session,
    session_table::{CutOptions, EndRule, SessionTable},
    synth::{self, Record, TcpFields},
    tally::Tally,
};

pub(crate) const SEED: u64 = 7;

/// A folder of the public data sets, if this machine has it.
pub(crate) fn public_data(below: &str) -> Option<PathBuf> {
    let found = env::var_os("UNDERTONE_DATA").map(|data| Path::new(&data).join(below));
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        println!("skipped: no `{below}` under UNDERTONE_DATA");
    }
    found
}

pub(crate) fn client() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 1], 40_000))
}

pub(crate) fn server() -> SocketAddr {
    SocketAddr::from(([10, 0, 0, 2], 443))
}

pub(crate) fn client_v6() -> SocketAddr {
    "[2001:db8::1]:40000".parse().unwrap()
}

pub(crate) fn server_v6() -> SocketAddr {
    "[2001:db8::2]:443".parse().unwrap()
}

pub(crate) fn read(bytes: Vec<u8>) -> Result<CaptureReader, CaptureError> {
    CaptureReader::new(Box::new(Cursor::new(bytes)))
}

/// Options with this policy, everything else as usual.
pub(crate) fn under(policy: &str) -> CutOptions {
    CutOptions {
        policy: policy.parse().unwrap(),
        ..CutOptions::default()
    }
}

/// As the paper's tool chain ends sessions.
pub(crate) fn whole_capture() -> CutOptions {
    CutOptions {
        end_rule: EndRule::Capture,
        ..CutOptions::default()
    }
}

pub(crate) fn at_most(max_sessions: usize) -> CutOptions {
    CutOptions {
        max_sessions: NonZeroUsize::new(max_sessions).unwrap(),
        ..CutOptions::default()
    }
}

/// Sessions and tally of a capture that reads well.
pub(crate) fn cut_capture(capture: Vec<u8>, options: &CutOptions) -> (Vec<Session>, Tally) {
    let mut sessions = Vec::new();
    let tally = cut(&mut read(capture).unwrap(), options, SEED, &mut |session| {
        sessions.push(session);
        ControlFlow::Continue(())
    })
    .unwrap();
    check_nothing_is_lost(&tally);
    (sessions, tally)
}

/// Sessions and tally of frames.
pub(crate) fn cut_frames(
    link_type: LinkType,
    records: &[Record],
    options: &CutOptions,
) -> (Vec<Session>, Tally) {
    let mut table = SessionTable::new(options.clone(), SEED);
    let mut sessions = Vec::new();
    for record in records {
        table.push(&record.frame(link_type), &mut |session| {
            sessions.push(session);
        });
        check_nothing_is_lost(table.tally());
    }
    table.finish(&mut |session| sessions.push(session));
    check_nothing_is_lost(table.tally());
    assert_eq!(table.tally().held_fragments, 0);
    let ended: u64 = table.tally().ends.values().sum();
    assert_eq!(ended, sessions.len() as u64);
    (sessions, table.tally().clone())
}

/// Every frame is a packet, a skip, or a fragment that is accounted for.
#[track_caller]
pub(crate) fn check_nothing_is_lost(tally: &Tally) {
    assert_eq!(
        tally.frames,
        tally.packets + tally.skipped() + tally.merged_fragments + tally.held_fragments,
        "{tally:?}"
    );
}

/// An IP packet of a UDP datagram.
pub(crate) fn udp_packet(source: SocketAddr, destination: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let segment = synth::udp(source, destination, payload);
    synth::ip(source.ip(), destination.ip(), Protocol::Udp, &segment)
}

/// An IP packet of a TCP segment.
pub(crate) fn tcp_packet(
    source: SocketAddr,
    destination: SocketAddr,
    flags: u8,
    payload: &[u8],
) -> Vec<u8> {
    let fields = TcpFields {
        flags,
        ..TcpFields::default()
    };
    let segment = synth::tcp(source, destination, &fields, payload);
    synth::ip(source.ip(), destination.ip(), Protocol::Tcp, &segment)
}

/// Ethernet frames of IP packets, at these times in seconds.
pub(crate) fn at_seconds(packets: &[(f64, Vec<u8>)]) -> Vec<Record> {
    packets
        .iter()
        .map(|(seconds, packet)| {
            synth::record((seconds * 1e9).round() as i64, synth::ethernet(packet))
        })
        .collect()
}
