//! A capture of accepted sessions alone, without the payload that nobody looks at.

use std::{
    collections::HashMap,
    fs::File,
    io::{BufWriter, Write},
    net::SocketAddr,
    path::Path,
};

use anyhow::{Context, ensure};
use traffic::{
    capture::{CaptureReader, Frame},
    decode::Decoder,
    link::LinkType,
    packet::{FiveTuple, Packet},
    session::{SUMMARIES, Session},
    session_table::Tunnels,
    tally::Tally,
    timestamp::Timestamp,
};

/// Packets of a session whose payload is kept: as many as a session's summaries describe.
const WHOLE_PACKETS: u64 = SUMMARIES as u64;

/// Both directions of a five-tuple.
type Ends = (u8, SocketAddr, SocketAddr);

/// An accepted session while its frames are looked for.
struct Kept {
    start: Timestamp,
    end: Timestamp,
    packets: u64,
}

/// Writes the frames of accepted sessions to `to`: all of them, with payload cut off after each
/// session's 64th packet; the length on the wire stays on record. Written whole or not at all.
///
/// # Errors
///
/// If the capture cannot be read, or the other cannot be written.
pub(crate) fn trim(from: &Path, sessions: &[Session], to: &Path) -> anyhow::Result<()> {
    let cannot_read = || format!("cannot read `{}`", from.display());
    let lengths = kept_lengths(from, sessions).with_context(cannot_read)?;
    let unfinished = to.with_extension("unfinished");
    let cannot_write = || format!("cannot write `{}`", to.display());
    let mut reader = CaptureReader::open(from).with_context(cannot_read)?;
    let mut writer = None;
    for length in lengths {
        let frame = reader.next_frame().with_context(cannot_read)?;
        let (Some(frame), Some(length)) = (frame, length) else {
            continue;
        };
        if writer.is_none() {
            let created = Writer::create(&unfinished, frame.link_type);
            writer = Some(created.with_context(cannot_write)?);
        }
        if let Some(writer) = &mut writer {
            writer.add(&frame, length).with_context(cannot_write)?;
        }
    }
    let Some(writer) = writer else {
        anyhow::bail!(
            "`{}` has no frame of the sessions found in it",
            from.display()
        );
    };
    writer.finish().with_context(cannot_write)?;
    std::fs::rename(&unfinished, to).with_context(cannot_write)
}

/// For every frame, how many bytes of it are kept; `None` if it is of no accepted session.
fn kept_lengths(from: &Path, sessions: &[Session]) -> anyhow::Result<Vec<Option<usize>>> {
    let mut by_ends: HashMap<Ends, Vec<Kept>> = HashMap::new();
    for session in sessions {
        by_ends
            .entry(ends(&session.five_tuple))
            .or_default()
            .push(Kept {
                start: session.start,
                end: session.end,
                packets: 0,
            });
    }
    let mut reader = CaptureReader::open(from)?;
    let mut decoder = Decoder::new(Tunnels::Outer);
    let mut tally = Tally::default();
    let mut lengths = Vec::new();
    // Fragments are known to be of a session only when the last of them is there.
    let mut waiting: HashMap<Datagram, Vec<usize>> = HashMap::new();
    while let Some(frame) = reader.next_frame()? {
        let number = lengths.len();
        let captured = frame.bytes.len();
        let datagram = Datagram::of_fragment(&frame);
        lengths.push(None);
        let Some(packet) = decoder.decode(&frame, &mut tally) else {
            if let Some(datagram) = datagram {
                waiting.entry(datagram).or_default().push(number);
            }
            continue;
        };
        let others = datagram.and_then(|datagram| waiting.remove(&datagram));
        let Some(kept) = by_ends
            .get_mut(&ends(&packet.five_tuple))
            .and_then(|list| list.iter_mut().find(|kept| kept.holds(&packet)))
        else {
            continue;
        };
        kept.packets += 1;
        let headers = packet.layout.payload as usize;
        if others.is_some() || kept.packets <= WHOLE_PACKETS {
            // A datagram in fragments is kept whole: its parts have no payload offset of their own.
            lengths[number] = Some(captured);
            for other in others.into_iter().flatten() {
                lengths[other] = Some(usize::MAX);
            }
        } else {
            lengths[number] = Some(headers.min(captured));
        }
    }
    Ok(lengths)
}

impl Kept {
    fn holds(&self, packet: &Packet<'_>) -> bool {
        (self.start..=self.end).contains(&packet.timestamp)
    }
}

fn ends(five_tuple: &FiveTuple) -> Ends {
    let (one, other) = (five_tuple.source, five_tuple.destination);
    (five_tuple.protocol as u8, one.min(other), one.max(other))
}

/// What the fragments of one IPv4 datagram have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Datagram {
    addresses: [u8; 8],
    identification: [u8; 2],
    protocol: u8,
}

impl Datagram {
    /// The datagram that a frame holds a part of; `None` if it holds all of it.
    ///
    /// Captures of the laboratory are Ethernet or raw IP, and IPv4 only.
    fn of_fragment(frame: &Frame<'_>) -> Option<Self> {
        let start = if frame.link_type == LinkType::ETHERNET {
            14
        } else {
            0
        };
        let header = frame.bytes.get(start..start + 20)?;
        // More fragments follow, or others came before.
        let is_part = header[6] & 0x3f != 0 || header[7] != 0;
        (header[0] >> 4 == 4 && is_part).then(|| Self {
            addresses: header[12..20].try_into().expect("eight bytes are taken"),
            identification: [header[4], header[5]],
            protocol: header[9],
        })
    }
}

/// Writes a pcap file, little-endian, microseconds.
struct Writer {
    file: BufWriter<File>,
}

impl Writer {
    fn create(path: &Path, link_type: LinkType) -> std::io::Result<Self> {
        let mut file = BufWriter::new(File::create(path)?);
        for word in [0xa1b2_c3d4, 0x0004_0002, 0, 0, 262_144, link_type.0] {
            file.write_all(&u32::to_le_bytes(word))?;
        }
        Ok(Self { file })
    }

    fn add(&mut self, frame: &Frame<'_>, length: usize) -> anyhow::Result<()> {
        let nanoseconds = frame.timestamp.nanoseconds();
        ensure!(nanoseconds >= 0, "a frame from before 1970");
        let bytes = &frame.bytes[..length.min(frame.bytes.len())];
        for word in [
            (nanoseconds / 1_000_000_000) as u32,
            (nanoseconds % 1_000_000_000 / 1_000) as u32,
            bytes.len() as u32,
            frame.original_length,
        ] {
            self.file.write_all(&word.to_le_bytes())?;
        }
        self.file.write_all(bytes)?;
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use traffic::{
        packet::{Direction, Protocol},
        synth::{Conversation, Record, ethernet, fragments, ip, record, udp},
    };

    use super::{
        super::acceptance::{
            View, judge,
            tests::{CLIENT, SITE, capture, conversation, expected},
        },
        *,
    };

    /// Trims a capture of these frames; the frames left, and what is accepted in what is left.
    fn trimmed(records: &[Record]) -> (Vec<(usize, u32)>, usize) {
        let (folder, path) = capture(records);
        let judgement = judge(&path, &expected(View::Direct)).unwrap();
        let to = folder.path().join("trimmed.pcap");
        trim(&path, &judgement.accepted, &to).unwrap();
        let mut reader = CaptureReader::open(&to).unwrap();
        let mut frames = Vec::new();
        while let Some(frame) = reader.next_frame().unwrap() {
            frames.push((frame.bytes.len(), frame.original_length));
        }
        let again = judge(&to, &expected(View::Direct)).unwrap();
        assert!(again.rejected.is_empty(), "{:?}", again.rejections());
        for (before, after) in judgement.accepted.iter().zip(&again.accepted) {
            assert_eq!(before.statistics, after.statistics);
            assert_eq!(before.slice, after.slice);
            assert_eq!(before.packets, after.packets);
        }
        (frames, again.accepted.len())
    }

    fn long_conversation() -> Conversation {
        Conversation {
            payloads: (0..40)
                .flat_map(|_| {
                    [
                        (Direction::Forward, vec![7; 900]),
                        (Direction::Backward, vec![8; 900]),
                    ]
                })
                .collect(),
            ..conversation(40_000, SITE)
        }
    }

    #[test]
    fn payload_after_the_sixty_fourth_packet_is_cut_off_and_its_length_kept() {
        let (frames, accepted) = trimmed(&long_conversation().frames());
        assert_eq!((frames.len(), accepted), (3 + 80 + 3, 1));
        // Ethernet, IP and TCP headers are 14, 20 and 20 bytes.
        assert_eq!(frames[63], (954, 954));
        assert_eq!(frames[64], (54, 954));
    }

    #[test]
    fn frames_of_rejected_sessions_are_left_out() {
        let stranger = Ipv4Addr::new(60, 1, 1, 9);
        let mut frames = conversation(40_000, SITE).frames();
        let count = frames.len();
        frames.extend(conversation(40_001, stranger).frames());
        let (left, accepted) = trimmed(&frames);
        assert_eq!((left.len(), accepted), (count, 1));
    }

    #[test]
    fn a_second_session_of_the_same_five_tuple_counts_its_own_packets() {
        let mut frames = long_conversation().frames();
        let mut later = long_conversation();
        later.start_nanoseconds += 60_000_000_000;
        frames.extend(later.frames());
        let (left, accepted) = trimmed(&frames);
        assert_eq!((left.len(), accepted), (2 * 86, 2));
        assert_eq!(left[86 + 63], (954, 954));
        assert_eq!(left[86 + 64], (54, 954));
    }

    #[test]
    fn all_fragments_of_a_datagram_are_kept() {
        let client = SocketAddr::from((CLIENT, 40_000));
        let server = SocketAddr::from((SITE, 443));
        let mut frames = Vec::new();
        for number in 0..6 {
            let (source, destination) = if number % 2 == 0 {
                (client, server)
            } else {
                (server, client)
            };
            let segment = udp(source, destination, &[9; 2000]);
            let packet = ip(source.ip(), destination.ip(), Protocol::Udp, &segment);
            for part in fragments(&packet, 100 + number, 1480) {
                frames.push(record(i64::from(number) * 1_000_000, ethernet(&part)));
            }
        }
        let (left, accepted) = trimmed(&frames);
        assert_eq!((left.len(), accepted), (12, 1));
    }
}
