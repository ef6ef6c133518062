//! The kinds of field one after another: of hellos, of other protocols, beside the slice.
//!
//! Checksums are left out: they follow from all the rest.

use std::net::{IpAddr, SocketAddr};

use rand::RngExt;
use traffic::{link::LinkType, timestamp::Timestamp};

use super::{made::raw_subject, *};

/// A hello with the class written into one field.
#[track_caller]
fn check_hello(is_client: bool, tell: impl Fn(&mut Hello, u8), field: &str) {
    check(
        "payload",
        |lots, class, random| {
            let mut hello = Hello::draw(random, is_client);
            tell(&mut hello, class);
            lots.payload = hello.bytes();
        },
        &[(field, Slice)],
    );
}

/// The byte with the class as its highest bit.
fn marked(byte: u8, class: u8) -> u8 {
    byte >> 1 | class << 7
}

#[test]
fn every_part_of_a_client_hello_is_found_out() {
    check_hello(
        true,
        |hello, class| hello.version = 0x0302 + u16::from(class),
        "client-hello-version",
    );
    check_hello(
        true,
        |hello, class| hello.random[0] = marked(hello.random[0], class),
        "client-hello-random",
    );
    check_hello(
        true,
        |hello, class| hello.session_id[9] = marked(hello.session_id[9], class),
        "client-hello-session-id",
    );
    check_hello(
        true,
        |hello, class| hello.key_group = 23 + u16::from(class),
        "client-hello-extensions",
    );
    check_hello(
        true,
        |hello, class| hello.protocol = [*b"h2", *b"h3"][usize::from(class)],
        "alpn",
    );
}

#[test]
fn every_part_of_a_server_hello_is_found_out() {
    check_hello(
        false,
        |hello, class| hello.version = 0x0302 + u16::from(class),
        "server-hello-version",
    );
    check_hello(
        false,
        |hello, class| hello.random[31] = marked(hello.random[31], class),
        "server-hello-random",
    );
    check_hello(
        false,
        |hello, class| hello.session_id[0] = marked(hello.session_id[0], class),
        "server-hello-session-id",
    );
    check_hello(
        false,
        |hello, class| hello.cipher_suite = 0x1301 + u16::from(class),
        "server-hello-cipher-suite",
    );
    check_hello(
        false,
        |hello, class| hello.key_group = 23 + u16::from(class),
        "server-hello-extensions",
    );
}

#[test]
fn the_version_of_a_tls_record_is_found_out() {
    check(
        "payload",
        |lots, class, random| {
            lots.payload = Hello::draw(random, true).bytes();
            lots.payload[2] = 1 + class;
        },
        &[("tls-record", Slice)],
    );
}

#[test]
fn what_a_tls_record_carries_is_found_out() {
    check(
        "payload",
        |lots, class, _| {
            let carried = marked(lots.payload[0], class);
            lots.payload.splice(..1, [23, 3, 3, 0, 40, carried]);
        },
        &[("tls-data", Slice)],
    );
}

#[test]
fn dns_is_found_out() {
    check(
        "payload",
        |lots, class, _| {
            lots.is_udp = true;
            lots.server_port = 53;
            lots.payload[0] = marked(lots.payload[0], class);
        },
        &[("dns", Slice)],
    );
}

#[test]
fn the_header_of_quic_is_found_out() {
    check(
        "payload",
        |lots, class, _| {
            lots.is_udp = true;
            let identifier = marked(lots.payload[0], class);
            let header = [0xc3, 0, 0, 0, 1, 1, identifier, 0, 0, 0x20];
            lots.payload.splice(..8, header);
        },
        &[("quic-header", Slice)],
    );
}

#[test]
fn flow_labels_are_found_out() {
    check(
        "paper",
        |lots, class, _| {
            lots.is_version_6 = true;
            // Its first four bits share a byte with the traffic class.
            lots.ip.flow_label = lots.ip.flow_label & !(1 << 15) | u32::from(class) << 15;
        },
        &[("flow-label", Slice)],
    );
}

#[test]
fn the_time_in_a_pcap_record_is_found_out() {
    let mut subject = raw_subject(&|class, random| {
        1_000_000 * i64::from(class) + random.random_range(0..900_000)
    });
    for samples in [&mut subject.train, &mut subject.test] {
        for origin in &mut samples.rows.origins {
            origin.start = Timestamp::from_nanoseconds(0);
        }
    }
    check_audit(&subject.audit(), &[("record-time", Slice)]);
}

/// What is known of sessions beside their slices, with the class written into it.
#[track_caller]
fn check_beside(tell: impl Fn(&mut Origin, u32), field: &str) {
    let mut subject = subject("strict", &|_, _, _| {});
    for samples in [&mut subject.train, &mut subject.test] {
        let labels = samples.rows.samples.labels.clone();
        for (origin, label) in samples.rows.origins.iter_mut().zip(labels) {
            tell(origin, label);
        }
    }
    check_audit(&subject.audit(), &[(field, Beside)]);
}

#[test]
fn what_stands_beside_the_slice_is_found_out() {
    let address = |address: SocketAddr, label: u32| -> SocketAddr {
        let host = IpAddr::from([192, 0, 2, 1 + label as u8]);
        SocketAddr::new(host, address.port())
    };
    check_beside(
        |origin, label| origin.link_type = [LinkType::ETHERNET, LinkType(101)][label as usize],
        "link-type",
    );
    check_beside(
        |origin, label| {
            origin.start = Timestamp::from_nanoseconds(i64::from(label) * 5_000_000_000);
        },
        "start-time",
    );
    check_beside(
        |origin, label| {
            origin.five_tuple.source = address(origin.five_tuple.source, label);
        },
        "client-address",
    );
    check_beside(
        |origin, label| {
            origin.five_tuple.destination = address(origin.five_tuple.destination, label);
        },
        "server-address",
    );
    check_beside(
        |origin, label| origin.five_tuple.source.set_port(1 + label as u16),
        "client-port",
    );
    check_beside(
        |origin, label| origin.packets = 1 + u64::from(label),
        "packet-count",
    );
}
