//! Segments: what packets become on a link with another largest packet.
//!
//! TCP cuts what an application writes into segments as long as the link takes; so segments that
//! belong together are put together and cut anew. Datagrams are as long as their application made
//! them, and stay whole.

use rand_chacha::ChaCha8Rng;
use traffic::session::PacketSummary;

use super::variation::unit;

/// The least of the largest packets that links are drawn with, in bytes.
const LEAST: u16 = 1200;

/// The most.
const MOST: u16 = 1500;

/// How much shorter or longer headers become at most, in bytes.
const HEADERS: i32 = 40;

/// The longest pause between segments that belong together, in nanoseconds.
const PAUSE: u64 = 100_000_000;

/// The longest gap between segments that were one, in nanoseconds: 1,500 bytes at 1 Gbit/s.
const GAP: u64 = 12_000;

/// Another link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Link {
    /// Its largest packet, from the IP header on, in bytes.
    largest: u16,
    /// By how many bytes its headers are longer.
    longer: i32,
}

impl Link {
    /// One by lot.
    pub(super) fn draw(random: &mut ChaCha8Rng) -> Self {
        let [sizes, shifts] = [f64::from(MOST - LEAST + 1), f64::from(2 * HEADERS + 1)];
        Self {
            largest: LEAST + (sizes * unit(random)) as u16,
            longer: (shifts * unit(random)) as i32 - HEADERS,
        }
    }

    /// Packets as this link would carry them: other headers, and TCP's payloads in other segments.
    pub(super) fn carry(self, packets: &[PacketSummary], is_tcp: bool) -> Vec<PacketSummary> {
        if !is_tcp {
            let own = |packet: &PacketSummary| self.packet(*packet, packet.payload_length);
            return packets.iter().map(own).collect();
        }
        let mut carried = Vec::with_capacity(packets.len());
        // Bytes that wait for the next segment to go with it.
        let mut waiting = 0;
        for (at, packet) in packets.iter().enumerate() {
            if packet.payload_length == 0 {
                carried.push(self.packet(*packet, 0));
                continue;
            }
            let room = self.largest.saturating_sub(self.header(packet)).max(1);
            let bytes = waiting + u32::from(packet.payload_length);
            let (full, rest) = (bytes / u32::from(room), (bytes % u32::from(room)) as u16);
            let goes_on = is_full(packet, packets) && goes_on(packet, &packets[at + 1..]);
            let last = (rest > 0 && !goes_on).then_some(rest);
            waiting = if goes_on { u32::from(rest) } else { 0 };
            let sizes = (0..full).map(|_| room).chain(last);
            let gap = gap(packet, packets.get(at + 1), full + 1);
            for (number, size) in (0_u64..).zip(sizes) {
                let mut segment = self.packet(*packet, size);
                segment.offset_nanoseconds += number * gap;
                carried.push(segment);
            }
        }
        carried
    }

    /// That packet with so much payload and the link's header.
    fn packet(self, of: PacketSummary, payload_length: u16) -> PacketSummary {
        PacketSummary {
            length: self.header(&of).saturating_add(payload_length),
            payload_length,
            ..of
        }
    }

    /// Bytes of a packet's header on this link.
    fn header(self, packet: &PacketSummary) -> u16 {
        let own = i32::from(packet.length) - i32::from(packet.payload_length);
        // No header is shorter than 20 bytes of IP and 8 of UDP, if it was that long.
        (own + self.longer).max(own.min(28)).max(0) as u16
    }
}

/// Whether a segment is as long as its link took, so that the next may be of the same writing: none
/// of its direction is longer, and there are links that take no more.
fn is_full(packet: &PacketSummary, packets: &[PacketSummary]) -> bool {
    let own = packets
        .iter()
        .filter(|one| one.direction == packet.direction);
    let longest = own.map(|one| one.payload_length).max();
    packet.length >= LEAST && Some(packet.payload_length) == longest
}

/// Whether the next payload comes soon and from the same side; acknowledgements may come between.
fn goes_on(packet: &PacketSummary, behind: &[PacketSummary]) -> bool {
    let next = behind.iter().find(|next| next.payload_length > 0);
    next.is_some_and(|next| {
        let pause = next
            .offset_nanoseconds
            .saturating_sub(packet.offset_nanoseconds);
        next.direction == packet.direction && pause <= PAUSE
    })
}

/// Between so many segments that were one: so short that none comes behind the next packet.
fn gap(packet: &PacketSummary, next: Option<&PacketSummary>, segments: u32) -> u64 {
    next.map_or(GAP, |next| {
        let time = next
            .offset_nanoseconds
            .saturating_sub(packet.offset_nanoseconds);
        GAP.min(time / u64::from(segments))
    })
}

#[cfg(test)]
mod tests {
    use traffic::packet::Direction::{self, Backward, Forward};

    use super::*;

    /// Packets of (direction, payload, microseconds), headers of 52 bytes.
    fn packets(of: &[(Direction, u16, u64)]) -> Vec<PacketSummary> {
        let packet =
            |&(direction, payload_length, microseconds): &(Direction, u16, u64)| PacketSummary {
                direction,
                length: payload_length + 52,
                payload_length,
                offset_nanoseconds: 1000 * microseconds,
            };
        of.iter().map(packet).collect()
    }

    /// What TCP's packets become on a link with that largest packet and the same headers.
    #[track_caller]
    fn check(largest: u16, of: &[(Direction, u16, u64)], expected: &[(Direction, u16, u64)]) {
        let link = Link { largest, longer: 0 };
        assert_eq!(link.carry(&packets(of), true), packets(expected));
    }

    #[test]
    fn a_long_payload_is_split_where_less_fits() {
        check(
            1200,
            &[(Forward, 1448, 0), (Backward, 0, 900)],
            &[(Forward, 1148, 0), (Forward, 300, 12), (Backward, 0, 900)],
        );
    }

    #[test]
    fn segments_of_one_writing_are_cut_anew_as_a_whole() {
        // 1448 + 1448 + 300 bytes are 1148 + 1148 + 900.
        check(
            1200,
            &[
                (Backward, 1448, 0),
                (Backward, 1448, 20),
                (Forward, 0, 25),
                (Backward, 300, 40),
                (Backward, 100, 50),
            ],
            &[
                (Backward, 1148, 0),
                (Backward, 1148, 20),
                (Forward, 0, 25),
                (Backward, 900, 40),
                (Backward, 100, 50),
            ],
        );
    }

    #[test]
    fn full_segments_that_follow_each_other_are_merged_where_more_fits() {
        // 3 * 1188 + 100 bytes are 1448 + 1448 + 768: each segment leaves when its last byte is there.
        check(
            1500,
            &[
                (Backward, 1188, 0),
                (Backward, 1188, 10),
                (Backward, 1188, 20),
                (Backward, 100, 30),
            ],
            &[
                (Backward, 1448, 10),
                (Backward, 1448, 20),
                (Backward, 768, 30),
            ],
        );
    }

    #[test]
    fn nothing_waits_for_what_comes_late_or_is_an_answer_nor_for_the_end() {
        let same = [
            (Forward, 1188, 0),
            (Forward, 1188, 200_000),
            (Backward, 1188, 200_010),
            (Forward, 1188, 200_020),
        ];
        check(1500, &same, &same);
    }

    #[test]
    fn what_no_link_has_cut_is_not_merged() {
        let same = [(Forward, 100, 0), (Forward, 100, 1), (Forward, 100, 2)];
        check(1500, &same, &same);
    }

    #[test]
    fn segments_of_one_packet_stay_before_the_next() {
        let link = Link {
            largest: 1200,
            longer: 0,
        };
        let found = link.carry(
            &packets(&[(Forward, 60_000, 0), (Forward, 1, 3), (Forward, 1, 3)]),
            true,
        );
        let sum: u32 = found.iter().map(|one| u32::from(one.payload_length)).sum();
        assert_eq!(sum, 60_002);
        assert!(found.is_sorted_by_key(|one| one.offset_nanoseconds));
        assert!(found.iter().all(|one| one.length <= 1200));
    }

    #[test]
    fn datagrams_get_other_headers_and_stay_whole() {
        let link = Link {
            largest: 1200,
            longer: -30,
        };
        let found = link.carry(&packets(&[(Forward, 1400, 0), (Backward, 0, 1)]), false);
        let sizes: Vec<[u16; 2]> = found
            .iter()
            .map(|one| [one.length, one.payload_length])
            .collect();
        assert_eq!(sizes, [[1428, 1400], [28, 0]]);
    }
}
