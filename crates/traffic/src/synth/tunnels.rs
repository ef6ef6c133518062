//! Tunnels: what goes around an inner packet or frame, as the payload of IP or UDP.

/// A GRE header with this protocol, and a key if there is one, around `inner`.
pub fn gre(protocol: u16, key: Option<u32>, inner: &[u8]) -> Vec<u8> {
    let mut bytes = vec![if key.is_some() { 0x20 } else { 0 }, 0];
    bytes.extend(protocol.to_be_bytes());
    if let Some(key) = key {
        bytes.extend(key.to_be_bytes());
    }
    bytes.extend(inner);
    bytes
}

/// A VXLAN header around an Ethernet frame; to UDP port 4789.
pub fn vxlan(network: u32, frame: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x08, 0, 0, 0];
    bytes.extend((network << 8).to_be_bytes());
    bytes.extend(frame);
    bytes
}

/// A GENEVE header with one option around an Ethernet frame; to UDP port 6081.
pub fn geneve(network: u32, frame: &[u8]) -> Vec<u8> {
    let mut bytes = vec![2, 0, 0x65, 0x58];
    bytes.extend((network << 8).to_be_bytes());
    bytes.extend([0, 1, 2, 1, 0, 0, 0, 0]);
    bytes.extend(frame);
    bytes
}

/// A GTP-U header with a sequence number around an IP packet; to UDP port 2152.
pub fn gtp_u(tunnel: u32, packet: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x32, 255];
    bytes.extend((packet.len() as u16 + 4).to_be_bytes());
    bytes.extend(tunnel.to_be_bytes());
    bytes.extend([0, 1, 0, 0]);
    bytes.extend(packet);
    bytes
}

/// A Teredo origin header around an IPv6 packet; to UDP port 3544.
pub fn teredo(packet: &[u8]) -> Vec<u8> {
    [&[0, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66], packet].concat()
}
