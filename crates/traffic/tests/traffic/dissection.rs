//! Dissection: slices and heads of pcap files taken apart again.

use proptest::prelude::*;
use undertone_traffic::{
    decode::Tunnels,
    dissection::{CutSlice, Dissection, Part, dissect, dissect_pcap_head},
    link::LinkType,
    policy::{BytePolicy, Field},
    session::Session,
    session_table::CutOptions,
    synth::{self, TcpFields},
};

use crate::support::{at_seconds, client, cut_frames, server, udp_packet, under};

/// A `ClientHello` with a server name, a session id and one cipher suite.
fn client_hello() -> Vec<u8> {
    let name = b"mail.example";
    let mut extension = vec![0, 0, 0, name.len() as u8 + 5, 0, name.len() as u8 + 3, 0, 0];
    extension.push(name.len() as u8);
    extension.extend(name);
    extension.extend([0, 23, 0, 0]);
    let mut body = vec![3, 3];
    body.extend([0xaa; 32]);
    body.extend([2, 7, 7, 0, 2, 0x13, 0x01, 1, 0]);
    body.extend((extension.len() as u16).to_be_bytes());
    body.extend(extension);
    let mut message = vec![1, 0, 0, body.len() as u8];
    message.extend(body);
    let mut record = vec![22, 3, 1, 0, message.len() as u8];
    record.extend(message);
    record
}

fn tcp(payload: &[u8], is_forward: bool) -> Vec<u8> {
    let fields = TcpFields {
        options: vec![2, 4, 5, 180, 1, 3, 3, 7],
        ..TcpFields::default()
    };
    let (source, destination) = if is_forward {
        (client(), server())
    } else {
        (server(), client())
    };
    let segment = synth::tcp(source, destination, &fields, payload);
    synth::ip(
        source.ip(),
        destination.ip(),
        undertone_traffic::packet::Protocol::Tcp,
        &segment,
    )
}

/// The only session of these frames.
fn session(link_type: LinkType, frames: &[synth::Record], options: &CutOptions) -> Session {
    let (mut sessions, _) = cut_frames(link_type, frames, options);
    assert_eq!(sessions.len(), 1);
    sessions.remove(0)
}

fn dissected(session: &Session, options: &CutOptions) -> Dissection {
    dissect(&CutSlice {
        bytes: session.slice.bytes(),
        policy: options.policy,
        tunnels: options.tunnels,
        link_type: session.link_type,
        five_tuple: session.five_tuple,
        packets: &session.summaries,
    })
}

/// What a packet's bytes are under a policy, as `name:bytes` from its front to its end.
fn named(dissection: &Dissection, packet: u16) -> String {
    let places = dissection.places();
    let of_packet = places.iter().filter(|place| place.packet == Some(packet));
    let names: Vec<_> = of_packet
        .map(|place| format!("{}:{}", place.part.name(), place.range.len()))
        .collect();
    names.join(" ")
}

fn hello_session(policy: &str) -> (Session, CutOptions) {
    let frames = at_seconds(&[(0.0, tcp(&client_hello(), true)), (1.0, tcp(b"x", false))]);
    let options = under(policy);
    (session(LinkType::ETHERNET, &frames, &options), options)
}

#[test]
fn every_byte_of_a_client_hello_has_a_name() {
    let (session, options) = hello_session("paper");
    let found = dissected(&session, &options);
    insta::assert_snapshot!(named(&found, 0), @"mac:12 link:2 ip-version:1 tos:1 ip-length:2 ip-id:2 ip-flags:2 ttl:1 protocol:1 ip-checksum:2 addresses:8 ports:4 sequence:4 acknowledgement:4 tcp-flags:2 window:2 transport-checksum:2 urgent:2 tcp-options:2 maximum-segment:2 tcp-options:3 window-scale:1 tls-record:9 client-hello-version:2 client-hello-random:32 client-hello-session-id:3 client-hello-cipher-suites:4 client-hello-extensions:4 server-name:21 client-hello-extensions:4");
    insta::assert_snapshot!(named(&found, 1), @"mac:12 link:2 ip-version:1 tos:1 ip-length:2 ip-id:2 ip-flags:2 ttl:1 protocol:1 ip-checksum:2 addresses:8 ports:4 sequence:4 acknowledgement:4 tcp-flags:2 window:2 transport-checksum:2 urgent:2 tcp-options:2 maximum-segment:2 tcp-options:3 window-scale:1 payload:1");
}

#[test]
fn fields_are_found_where_a_policy_zeroed_what_says_where_they_are() {
    let (plain, options) = hello_session("ip");
    let expected = dissected(&plain, &options);
    for policy in [
        "strict",
        "ip,zero=ip-length+protocol+tcp-flags+tcp-options",
        "ip,zero=ip-length",
    ] {
        let (session, options) = hello_session(policy);
        let found = dissected(&session, &options);
        let options_too = policy.contains("tcp-options");
        let blind = |parts: &[Part]| -> Vec<Part> {
            let name = |&part| match part {
                Part::MaximumSegment | Part::WindowScale if options_too => {
                    Part::Header(Field::TcpOptions)
                }
                part => part,
            };
            parts.iter().map(name).collect()
        };
        assert_eq!(blind(found.parts()), blind(expected.parts()), "{policy}");
    }
}

#[test]
fn payload_slices_are_payload_and_nothing_else() {
    let (session, options) = hello_session("payload");
    let found = dissected(&session, &options);
    assert!(named(&found, 0).starts_with("tls-record:9 client-hello-version:2"));
    assert_eq!(named(&found, 1), "payload:1");
}

#[test]
fn vlan_tags_move_everything_behind_them() {
    let frame = synth::vlan(&synth::ethernet(&tcp(b"SSH-2.0-x\r\nrest", true)), 5);
    let options = under("paper");
    let found = dissected(
        &session(LinkType::ETHERNET, &[synth::record(0, frame)], &options),
        &options,
    );
    let names = named(&found, 0);
    assert!(
        names.starts_with("mac:12 link:2 vlan:2 link:2 ip-version:1"),
        "{names}"
    );
    assert!(names.ends_with("ssh-banner:11 payload:4"), "{names}");
}

#[test]
fn fragments_that_were_put_together_are_one_packet() {
    let whole = udp_packet(client(), server(), &[7; 100]);
    let frames: Vec<_> = synth::fragments(&whole, 9, 48)
        .iter()
        .map(|fragment| synth::record(0, synth::ethernet(fragment)))
        .collect();
    let options = under("paper");
    let found = dissected(&session(LinkType::ETHERNET, &frames, &options), &options);
    assert!(named(&found, 0).ends_with("udp-length:2 transport-checksum:2 payload:100"));
}

#[test]
fn bytes_that_contradict_their_lengths_are_not_named() {
    let (mut session, options) = hello_session("paper");
    session.summaries[0].length += 1;
    let found = dissected(&session, &options);
    let filled = session.slice.filled();
    assert!(
        found.parts()[..filled - 1]
            .iter()
            .all(|&part| part == Part::Undissected)
    );
    assert!(
        found.parts()[filled..]
            .iter()
            .all(|&part| part == Part::Padding)
    );
}

#[test]
fn the_head_of_a_pcap_file_has_its_own_headers() {
    let frames = at_seconds(&[(1.0, tcp(&client_hello(), true)), (2.0, tcp(b"xyz", false))]);
    let mut row = synth::pcap(LinkType::ETHERNET, &frames);
    // The end of the row cuts the second packet's TCP header.
    let second = 24 + 16 + frames[0].bytes.len();
    row.truncate(second + 16 + 14 + 20 + 6);
    let head = dissect_pcap_head(&row).unwrap();
    assert_eq!(head.link_type, LinkType::ETHERNET);
    assert_eq!(head.first.unwrap().five_tuple.destination, server());
    let found = head.dissection;
    let names: Vec<_> = found
        .places()
        .iter()
        .map(|place| place.part.name())
        .collect();
    assert_eq!(
        names[..4],
        [
            "pcap-header",
            "pcap-link-type",
            "record-time",
            "record-length"
        ]
    );
    assert!(named(&found, 0).ends_with("server-name:21 client-hello-extensions:4"));
    assert!(named(&found, 1).ends_with("addresses:8 ports:4 sequence:2"));
    assert_eq!(dissect_pcap_head(&[0; 784]), None);
}

proptest! {
    /// Wherever the slice ends, what it shows has the names it would have in a longer one.
    #[test]
    fn the_end_of_a_slice_changes_no_name(length in 1_usize..260, policy in 0..5_usize) {
        let name = BytePolicy::names().nth(policy).unwrap();
        let (whole, options) = hello_session(name);
        let expected = dissected(&whole, &options);
        let short = CutOptions { slice_length: length.try_into().unwrap(), ..options };
        let frames = at_seconds(&[(0.0, tcp(&client_hello(), true)), (1.0, tcp(b"x", false))]);
        let cut = session(LinkType::ETHERNET, &frames, &short);
        let found = dissected(&cut, &short);
        let same = |part: Part| match part {
            // Options are read by their lengths, which may be cut off.
            Part::MaximumSegment | Part::WindowScale => Part::Header(Field::TcpOptions),
            part => part,
        };
        let filled = cut.slice.filled();
        for (at, (&found, &expected)) in found.parts().iter().zip(expected.parts()).enumerate() {
            // One byte of an extension's type, and half a record's header, do not tell what they are.
            let is_vague = match found {
                Part::ClientExtensions => at + 1 == filled,
                Part::Payload => expected == Part::TlsRecord && filled < at + 5,
                _ => false,
            };
            if is_vague {
                continue;
            }
            prop_assert_eq!(same(found), same(expected), "byte {} of {} under {}", at, length, name);
        }
    }

    #[test]
    fn any_row_is_taken_apart_without_panic(mut row in proptest::collection::vec(any::<u8>(), 0..300)) {
        let magic = [0xa1, 0xb2, 0xc3, 0xd4];
        if row.len() >= 4 {
            row[..4].copy_from_slice(&magic);
        }
        if let Some(found) = dissect_pcap_head(&row) {
            prop_assert_eq!(found.dissection.parts().len(), row.len());
        }
    }

    #[test]
    fn any_bytes_are_taken_apart_without_panic(
        bytes in proptest::collection::vec(any::<u8>(), 1..300),
        policy in 0..5_usize,
        ethernet in any::<bool>(),
    ) {
        let (session, _) = hello_session("paper");
        let policy = BytePolicy::named(BytePolicy::names().nth(policy).unwrap()).unwrap();
        let found = dissect(&CutSlice {
            bytes: &bytes,
            policy,
            tunnels: Tunnels::Inner,
            link_type: if ethernet { LinkType::ETHERNET } else { LinkType::LINUX_SLL },
            five_tuple: session.five_tuple,
            packets: &session.summaries,
        });
        prop_assert_eq!(found.parts().len(), bytes.len());
    }
}
