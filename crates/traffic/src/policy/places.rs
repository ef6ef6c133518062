//! Places: where in a packet's bytes each field is.

use std::ops::Range;

use super::Field;
use crate::{
    decode::{AUTHENTICATION, DESTINATION_OPTIONS, FRAGMENT, ROUTING, extension_length},
    packet::{Packet, Protocol},
};

/// IPv4 options whose data are addresses: record route, loose and strict source route,
/// time stamps with addresses.
const IPV4_ADDRESS_OPTIONS: [u8; 4] = [7, 131, 137, 68];
/// The IPv6 destination option of mobile nodes, RFC 6275.
const HOME_ADDRESS_OPTION: u8 = 0xc9;
const TCP_SACK: u8 = 5;
const TCP_TIMESTAMPS: u8 = 8;

/// Tells `visit` every field of a packet and its place, as a range of the packet's bytes.
///
/// A field may be in several places, places may lie within others (an option in all options),
/// and what was not captured has places beyond the end of the bytes.
pub fn visit_fields(packet: &Packet<'_>, visit: &mut impl FnMut(Field, Range<usize>)) {
    link(packet, visit);
    match packet.layout.ip_version {
        4 => ipv4(packet, visit),
        _ => ipv6(packet, visit),
    }
    match packet.five_tuple.protocol {
        Protocol::Tcp => tcp(packet, visit),
        Protocol::Udp => udp(packet, visit),
        Protocol::Sctp => sctp(packet, visit),
    }
    visit(
        Field::Payload,
        packet.layout.payload as usize..packet.bytes.len(),
    );
}

fn link(packet: &Packet<'_>, visit: &mut impl FnMut(Field, Range<usize>)) {
    let layout = &packet.layout;
    let addresses = layout.link_addresses as usize;
    let addresses_end = addresses + layout.link_addresses_length as usize;
    let vlan = layout.vlan as usize;
    let tags = layout.vlan_tags as usize;
    let ip = layout.ip as usize;
    if addresses < addresses_end {
        visit(Field::Mac, addresses..addresses_end);
        visit(Field::Link, layout.link as usize..addresses);
    }
    let mut rest = if addresses < addresses_end {
        addresses_end
    } else {
        layout.link as usize
    };
    for tag in 0..tags {
        let id = vlan + tag * 4;
        visit(Field::Vlan, id..id + 2);
        visit(Field::Link, rest..id);
        rest = id + 2;
    }
    visit(Field::Link, rest..ip);
}

fn ipv4(packet: &Packet<'_>, visit: &mut impl FnMut(Field, Range<usize>)) {
    let ip = packet.layout.ip as usize;
    for (field, start, end) in [
        (Field::Tos, 1, 2),
        (Field::IpLength, 2, 4),
        (Field::IpId, 4, 6),
        (Field::IpFlags, 6, 8),
        (Field::Ttl, 8, 9),
        (Field::Protocol, 9, 10),
        (Field::IpChecksum, 10, 12),
        (Field::Addresses, 12, 20),
    ] {
        visit(field, ip + start..ip + end);
    }
    let header_length = usize::from(packet.bytes[ip] & 0x0f) * 4;
    let options = ip + 20..ip + header_length;
    for_each_option(packet.bytes, options.clone(), 1, &mut |kind, data| {
        if IPV4_ADDRESS_OPTIONS.contains(&kind) {
            visit(Field::Addresses, data);
        }
    });
    visit(Field::IpOptions, options);
    extensions(packet, packet.bytes[ip + 9], ip + header_length, visit);
}

fn ipv6(packet: &Packet<'_>, visit: &mut impl FnMut(Field, Range<usize>)) {
    let ip = packet.layout.ip as usize;
    for (field, start, end) in [
        (Field::IpLength, 4, 6),
        (Field::Protocol, 6, 7),
        (Field::Ttl, 7, 8),
        (Field::Addresses, 8, 40),
    ] {
        visit(field, ip + start..ip + end);
    }
    // Version, traffic class and flow label share bytes; see `mask`.
    visit(Field::Tos, ip..ip + 2);
    visit(Field::FlowLabel, ip + 1..ip + 4);
    extensions(packet, packet.bytes[ip + 6], ip + 40, visit);
}

/// The bits of an IPv6 header's first four bytes that belong to a field; elsewhere, all.
pub(crate) fn mask(packet: &Packet<'_>, field: Field, offset: usize) -> u8 {
    let ip = packet.layout.ip as usize;
    match (packet.layout.ip_version, field, offset.wrapping_sub(ip)) {
        (6, Field::Tos, 0) | (6, Field::FlowLabel, 1) => 0x0f,
        (6, Field::Tos, 1) => 0xf0,
        _ => 0xff,
    }
}

/// IPv6 extension headers, and IPsec's authentication header, which IPv4 knows too.
fn extensions(
    packet: &Packet<'_>,
    mut kind: u8,
    mut offset: usize,
    visit: &mut impl FnMut(Field, Range<usize>),
) {
    let transport = packet.layout.transport as usize;
    while offset + 8 <= transport && offset + 8 <= packet.bytes.len() {
        let front = [packet.bytes[offset], packet.bytes[offset + 1]];
        let Some(length) = extension_length(kind, front) else {
            return;
        };
        let end = offset + length;
        match kind {
            FRAGMENT => visit(Field::IpId, offset + 4..end),
            // Segments left, then addresses in all types that are in use.
            ROUTING => visit(Field::Addresses, offset + 8..end),
            AUTHENTICATION => visit(Field::TransportChecksum, offset + 4..end),
            DESTINATION_OPTIONS => {
                for_each_option(packet.bytes, offset + 2..end, 0, &mut |option, data| {
                    if option == HOME_ADDRESS_OPTION {
                        visit(Field::Addresses, data);
                    }
                });
            }
            _ => {}
        }
        visit(Field::IpOptions, offset..end);
        kind = front[0];
        offset = end;
    }
}

fn tcp(packet: &Packet<'_>, visit: &mut impl FnMut(Field, Range<usize>)) {
    let tcp = packet.layout.transport as usize;
    for (field, start, end) in [
        (Field::Ports, 0, 4),
        (Field::Sequence, 4, 8),
        (Field::Acknowledgement, 8, 12),
        (Field::TcpFlags, 12, 14),
        (Field::Window, 14, 16),
        (Field::TransportChecksum, 16, 18),
        (Field::Urgent, 18, 20),
    ] {
        visit(field, tcp + start..tcp + end);
    }
    let options = tcp + 20..(packet.layout.payload as usize).max(tcp + 20);
    for_each_option(
        packet.bytes,
        options.clone(),
        1,
        &mut |kind, data| match kind {
            TCP_TIMESTAMPS => visit(Field::Timestamps, data),
            TCP_SACK => visit(Field::Sack, data),
            _ => {}
        },
    );
    visit(Field::TcpOptions, options);
}

fn udp(packet: &Packet<'_>, visit: &mut impl FnMut(Field, Range<usize>)) {
    let udp = packet.layout.transport as usize;
    visit(Field::Ports, udp..udp + 4);
    visit(Field::UdpLength, udp + 4..udp + 6);
    visit(Field::TransportChecksum, udp + 6..udp + 8);
}

fn sctp(packet: &Packet<'_>, visit: &mut impl FnMut(Field, Range<usize>)) {
    let sctp = packet.layout.transport as usize;
    visit(Field::Ports, sctp..sctp + 4);
    visit(Field::VerificationTag, sctp + 4..sctp + 8);
    visit(Field::TransportChecksum, sctp + 8..sctp + 12);
}

/// Kind and data of each option. Kinds 0 (end or padding) and 1 (no operation or padding)
/// below: in IPv4 and TCP both are single bytes, in IPv6 only 0 is.
fn for_each_option(
    bytes: &[u8],
    range: Range<usize>,
    last_single: u8,
    visit: &mut impl FnMut(u8, Range<usize>),
) {
    let end = range.end.min(bytes.len());
    let mut offset = range.start;
    // IPv4 and TCP count an option's kind and length byte, IPv6 does not.
    let uncounted = if last_single == 0 { 2 } else { 0 };
    while offset < end {
        let kind = bytes[offset];
        if kind <= last_single {
            // In IPv4 and TCP, 0 ends the list; padding behind it is not options.
            if kind == 0 && last_single == 1 {
                return;
            }
            offset += 1;
            continue;
        }
        let Some(&length) = bytes[..end].get(offset + 1) else {
            return;
        };
        let next = offset + (usize::from(length) + uncounted).max(2);
        visit(kind, offset + 2..next.min(range.end));
        offset = next;
    }
}
