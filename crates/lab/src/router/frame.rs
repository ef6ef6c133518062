//! Ethernet frames as the router changes them: ARP answered, hops taken, large packets cut up or refused.

use std::net::Ipv4Addr;

/// An Ethernet address.
pub(crate) type Hardware = [u8; 6];

/// Length of the Ethernet header, bytes.
pub(super) const ETHERNET: usize = 14;

/// Length of an IPv4 header without options, bytes.
const HEADER: usize = 20;

const DO_NOT_FRAGMENT: u16 = 0x4000;
const MORE_FRAGMENTS: u16 = 0x2000;

/// What a frame from a host asks of the router.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// Whose address is this? The frame is the answer.
    Answer(Vec<u8>),
    /// Carry an IPv4 packet there.
    Carry(Ipv4Addr),
    /// Nothing that the router does.
    Other,
}

/// Reads a frame; `router` is the router's own Ethernet address.
pub(super) fn wish(frame: &[u8], router: Hardware) -> Wish {
    match (frame.len(), frame.get(12..14)) {
        (42.., Some([0x08, 0x06])) => arp_answer(frame, router).map_or(Wish::Other, Wish::Answer),
        (34.., Some([0x08, 0x00])) if frame[ETHERNET] >> 4 == 4 => Wish::Carry(address(frame, 30)),
        _ => Wish::Other,
    }
}

/// The answer to an ARP request: the router has every address but the host's own (RFC 826).
fn arp_answer(frame: &[u8], router: Hardware) -> Option<Vec<u8>> {
    let is_request = frame[20..22] == [0, 1];
    // A host that asks for its own address wants to hear that nobody has it.
    let asks_for_itself = frame[28..32] == frame[38..42];
    if !is_request || asks_for_itself {
        return None;
    }
    let mut answer = Vec::with_capacity(42);
    answer.extend_from_slice(&frame[6..12]);
    answer.extend_from_slice(&router);
    answer.extend_from_slice(&frame[12..20]);
    answer.extend_from_slice(&[0, 2]);
    answer.extend_from_slice(&router);
    answer.extend_from_slice(&frame[38..42]);
    answer.extend_from_slice(&frame[22..32]);
    Some(answer)
}

/// Who sent the packet of a frame.
pub(super) fn source(frame: &[u8]) -> Ipv4Addr {
    address(frame, 26)
}

fn address(frame: &[u8], at: usize) -> Ipv4Addr {
    Ipv4Addr::new(frame[at], frame[at + 1], frame[at + 2], frame[at + 3])
}

/// Takes hops from the time to live; false if too few are left.
pub(super) fn take_hops(frame: &mut [u8], hops: u8) -> bool {
    let left = frame[22].saturating_sub(hops);
    frame[22] = left;
    seal(&mut frame[ETHERNET..]);
    left > 0
}

/// Addresses a frame from the router to a host.
pub(super) fn readdress(frame: &mut [u8], to: Hardware, from: Hardware) {
    frame[..6].copy_from_slice(&to);
    frame[6..12].copy_from_slice(&from);
}

/// The frame itself if its packet fits, else its fragments (RFC 791).
///
/// # Errors
///
/// The frame, if its packet is too large and may not be cut up.
pub(super) fn fit(frame: Vec<u8>, mtu: u16) -> Result<Vec<Vec<u8>>, Vec<u8>> {
    let length = usize::from(number(&frame, 16)).min(frame.len() - ETHERNET);
    let mtu = usize::from(mtu);
    if length <= mtu {
        return Ok(vec![frame]);
    }
    let header = usize::from(frame[ETHERNET] & 0x0f) * 4;
    let place = number(&frame, 20);
    // Options would have to be sorted into those copied and those not; nobody sends any.
    if place & DO_NOT_FRAGMENT != 0 || header != HEADER {
        return Err(frame);
    }
    let step = (mtu - HEADER) / 8 * 8;
    let content = &frame[ETHERNET + HEADER..ETHERNET + length];
    let pieces = content.len().div_ceil(step);
    let fragments = content.chunks(step).enumerate().map(|(index, piece)| {
        let mut fragment = frame[..ETHERNET + HEADER].to_vec();
        fragment.extend_from_slice(piece);
        let more = if index + 1 < pieces {
            MORE_FRAGMENTS
        } else {
            place & MORE_FRAGMENTS
        };
        let offset = (place & 0x1fff) + (index * step / 8) as u16;
        put(&mut fragment, 16, (HEADER + piece.len()) as u16);
        put(&mut fragment, 20, more | offset);
        seal(&mut fragment[ETHERNET..]);
        fragment
    });
    Ok(fragments.collect())
}

/// The ICMP message that a packet is larger than a link takes (RFC 792, RFC 1191).
pub(super) fn too_large(frame: &[u8], mtu: u16, router: Ipv4Addr) -> Vec<u8> {
    let quoted = &frame[ETHERNET..frame.len().min(ETHERNET + HEADER + 8)];
    let mut message = vec![3, 4, 0, 0, 0, 0];
    message.extend_from_slice(&mtu.to_be_bytes());
    message.extend_from_slice(quoted);
    let sum = checksum(&message);
    message[2..4].copy_from_slice(&sum.to_be_bytes());

    let mut answer = vec![0; 12];
    answer.extend_from_slice(&[0x08, 0x00, 0x45, 0]);
    answer.extend_from_slice(&((HEADER + message.len()) as u16).to_be_bytes());
    answer.extend_from_slice(&[0, 0, 0, 0, 64, 1, 0, 0]);
    answer.extend_from_slice(&router.octets());
    answer.extend_from_slice(&source(frame).octets());
    seal(&mut answer[ETHERNET..]);
    answer.extend_from_slice(&message);
    answer
}

/// Writes the checksum of an IPv4 header anew.
fn seal(packet: &mut [u8]) {
    let header = usize::from(packet[0] & 0x0f) * 4;
    let header = header.clamp(HEADER, packet.len());
    packet[10..12].fill(0);
    let sum = checksum(&packet[..header]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
}

/// The internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = bytes
        .chunks(2)
        .map(|pair| u32::from(pair[0]) << 8 | pair.get(1).map_or(0, |&low| u32::from(low)))
        .sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

fn number(frame: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([frame[at], frame[at + 1]])
}

fn put(frame: &mut [u8], at: usize, number: u16) {
    frame[at..at + 2].copy_from_slice(&number.to_be_bytes());
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const ROUTER: Hardware = [2, 0x5e, 0, 0, 0, 1];

    /// A frame with a packet of UDP's number, without or with the mark against fragments.
    pub(crate) fn packet(from: [u8; 4], to: [u8; 4], content: usize, whole: bool) -> Vec<u8> {
        let mut frame = vec![0; 12];
        frame.extend_from_slice(&[0x08, 0x00, 0x45, 0]);
        frame.extend_from_slice(&((HEADER + content) as u16).to_be_bytes());
        frame.extend_from_slice(&[0, 7, if whole { 0x40 } else { 0 }, 0, 64, 17, 0, 0]);
        frame.extend_from_slice(&from);
        frame.extend_from_slice(&to);
        seal(&mut frame[ETHERNET..]);
        frame.extend((0..content).map(|index| index as u8));
        frame
    }

    fn is_sealed(frame: &[u8]) -> bool {
        checksum(&frame[ETHERNET..ETHERNET + HEADER]) == 0
    }

    #[test]
    fn the_checksum_is_that_of_the_example_in_rfc_1071() {
        let sum = checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]);
        assert_eq!(sum, !0xddf2);
    }

    #[test]
    fn the_router_has_every_address_but_the_one_that_asks() {
        let mut request = vec![0xff; 6];
        request.extend_from_slice(&[2, 0, 0, 0, 0, 9, 0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]);
        request.extend_from_slice(&[2, 0, 0, 0, 0, 9, 10, 1, 0, 9, 0, 0, 0, 0, 0, 0, 10, 1, 0, 1]);
        let Wish::Answer(answer) = wish(&request, ROUTER) else {
            panic!("no answer")
        };
        assert_eq!(answer[..6], [2, 0, 0, 0, 0, 9]);
        assert_eq!(answer[20..28], [0, 2, 2, 0x5e, 0, 0, 0, 1]);
        assert_eq!(answer[28..32], [10, 1, 0, 1]);
        assert_eq!(answer[38..42], [10, 1, 0, 9]);

        request[38..42].copy_from_slice(&[10, 1, 0, 9]);
        assert_eq!(wish(&request, ROUTER), Wish::Other);
    }

    #[test]
    fn hops_are_taken_until_none_is_left() {
        let mut frame = packet([1, 1, 1, 1], [2, 2, 2, 2], 8, false);
        assert!(take_hops(&mut frame, 9));
        assert_eq!(frame[22], 55);
        assert!(is_sealed(&frame));
        assert!(!take_hops(&mut frame, 55));
    }

    #[test]
    fn a_large_packet_is_cut_into_fragments_that_make_it_up() {
        let frame = packet([1, 1, 1, 1], [2, 2, 2, 2], 3000, false);
        let fragments = fit(frame.clone(), 1400).unwrap();
        // (1400 - 20) rounded down to eights is 1376: 172, or 0xac, eights.
        let places: Vec<(u16, u16)> = fragments
            .iter()
            .map(|fragment| (number(fragment, 16) - 20, number(fragment, 20)))
            .collect();
        assert_eq!(places, [(1376, 0x2000), (1376, 0x20ac), (248, 344)]);
        let content: Vec<u8> = fragments.iter().flat_map(|f| f[34..].to_vec()).collect();
        assert_eq!(content, frame[34..]);
        assert!(fragments.iter().all(|fragment| is_sealed(fragment)));
    }

    #[test]
    fn a_packet_that_must_stay_whole_is_answered_with_the_size_that_fits() {
        let frame = packet([1, 1, 1, 1], [2, 2, 2, 2], 1480, true);
        assert_eq!(fit(frame.clone(), 1500).map(|all| all.len()), Ok(1));
        assert_eq!(fit(frame.clone(), 1499), Err(frame.clone()));
        let answer = too_large(&frame, 1499, Ipv4Addr::new(1, 1, 1, 254));
        assert_eq!(address(&answer, 30), Ipv4Addr::new(1, 1, 1, 1));
        assert_eq!(answer[34..36], [3, 4]);
        assert_eq!(number(&answer, 40), 1499);
        assert!(is_sealed(&answer));
        assert_eq!(checksum(&answer[34..]), 0);
    }
}
