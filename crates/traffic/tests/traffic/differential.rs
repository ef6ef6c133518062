//! Differential: five-tuples and payload lengths agree with another parser's, etherparse.

use std::net::SocketAddr;

use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use undertone_traffic::{
    capture::CaptureReader,
    decode::{Decoder, Tunnels},
    link::LinkType,
    packet::{FiveTuple, Protocol},
    tally::Tally,
};

use crate::odd_captures::{folder, manifest};

/// What etherparse makes of a frame: five-tuple and length of the transport payload.
fn by_etherparse(link_type: LinkType, bytes: &[u8]) -> Option<(FiveTuple, usize)> {
    let packet = match link_type {
        LinkType::ETHERNET => SlicedPacket::from_ethernet(bytes),
        LinkType::LINUX_SLL => SlicedPacket::from_linux_sll(bytes),
        LinkType::RAW => SlicedPacket::from_ip(bytes),
        _ => return None,
    }
    .ok()?;
    let (source, destination) = match packet.net? {
        NetSlice::Ipv4(ip) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        NetSlice::Ipv6(ip) => (
            ip.header().source_addr().into(),
            ip.header().destination_addr().into(),
        ),
        NetSlice::Arp(_) => return None,
    };
    let (protocol, ports, payload) = match packet.transport? {
        TransportSlice::Tcp(tcp) => (
            Protocol::Tcp,
            [tcp.source_port(), tcp.destination_port()],
            tcp.payload().len(),
        ),
        TransportSlice::Udp(udp) => (
            Protocol::Udp,
            [udp.source_port(), udp.destination_port()],
            udp.payload().len(),
        ),
        _ => return None,
    };
    let five_tuple = FiveTuple {
        protocol,
        source: SocketAddr::new(source, ports[0]),
        destination: SocketAddr::new(destination, ports[1]),
    };
    Some((five_tuple, payload))
}

#[test]
fn whole_frames_of_the_odd_captures_decode_as_etherparse_has_them() {
    let Some(folder) = folder() else { return };
    let mut compared = 0;
    let mut differences = Vec::new();
    for (path, ..) in manifest(&folder) {
        let Ok(mut reader) = CaptureReader::open(&path) else {
            continue;
        };
        let mut decoder = Decoder::new(Tunnels::Outer);
        let mut number = 0;
        while let Ok(Some(frame)) = reader.next_frame() {
            number += 1;
            if frame.is_truncated() {
                continue;
            }
            let Some(expected) = by_etherparse(frame.link_type, frame.bytes) else {
                continue;
            };
            compared += 1;
            let mut tally = Tally::default();
            let found = decoder
                .decode(&frame, &mut tally)
                .map(|packet| (packet.five_tuple, packet.payload_length as usize));
            if found != Some(expected) {
                let name = path.strip_prefix(&folder).unwrap().display();
                differences.push(format!(
                    "{name} frame {number}: {found:?}, {expected:?}, {tally}"
                ));
            }
        }
    }
    println!("{compared} frames compared");
    assert!(compared > 1_000);
    assert!(differences.is_empty(), "{differences:#?}");
}
