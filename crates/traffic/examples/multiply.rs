//! Makes a large capture of small ones: `multiply OUT MEGABYTES SESSIONS large|small SEED SEED_CAPTURE...`.
//!
//! Sessions of the given captures (IPv4 or IPv6 over Ethernet or raw IP) are repeated under new
//! addresses, ports and times until the capture has so many sessions and bytes. `large`: lengths
//! are Pareto distributed, so that most bytes are in few sessions; they last up to a minute and
//! begin within an hour. `small`: a handful of packets each, within fifteen seconds. Checksums are
//! not made anew: nothing here looks at them.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{
    cmp::Reverse,
    collections::{BinaryHeap, HashMap},
    error::Error,
    fs::File,
    io::{BufWriter, Write},
    path::Path,
};

use undertone_traffic::{
    capture::CaptureReader,
    decode::{Decoder, Tunnels},
    packet::FiveTuple,
    tally::Tally,
};

/// A frame of a seed session, with the places that make copies differ.
struct SeedFrame {
    bytes: Vec<u8>,
    is_forward: bool,
    ip: usize,
    transport: usize,
    is_version_4: bool,
    /// Whether it opens or closes a TCP session.
    is_ceremony: bool,
}

/// Chance from a seed: `SplitMix64`, which needs no crate here.
struct Chance(u64);

impl Chance {
    fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound.max(1)
    }

    /// Above 0, up to 1.
    fn share(&mut self) -> f64 {
        ((self.number() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }
}

/// How lengths and times are drawn.
struct Mix {
    is_large: bool,
    mean_packets: f64,
    begin_within: u64,
    last_up_to: u64,
}

/// One copy on its way into the capture.
struct Copy {
    number: u64,
    seed: usize,
    next: usize,
    packets: u64,
    gap: u64,
}

fn seed_sessions(paths: &[String]) -> Result<Vec<Vec<SeedFrame>>, Box<dyn Error>> {
    let mut sessions = Vec::new();
    for path in paths {
        let mut reader = CaptureReader::open(Path::new(path))?;
        let mut decoder = Decoder::new(Tunnels::Outer);
        let mut places: HashMap<FiveTuple, usize> = HashMap::new();
        let mut tally = Tally::default();
        while let Some(frame) = reader.next_frame()? {
            if frame.is_truncated() {
                continue;
            }
            let Some(packet) = decoder.decode(&frame, &mut tally) else {
                continue;
            };
            // A reassembled datagram is longer than any frame that could carry it.
            let link = packet.layout.link as usize;
            let ip = packet.layout.ip as usize;
            if packet.bytes.len() > frame.bytes.len() || ip != if link == ip { 0 } else { 14 } {
                continue;
            }
            let mut bytes = Vec::new();
            if ip == 0 {
                let ether_type: u16 = if packet.layout.ip_version == 4 {
                    0x0800
                } else {
                    0x86dd
                };
                bytes.extend([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2]);
                bytes.extend(ether_type.to_be_bytes());
            }
            bytes.extend_from_slice(packet.bytes);
            let tuple = packet.five_tuple;
            let (place, is_forward) = match places.get(&tuple.reversed()) {
                Some(&place) => (place, false),
                None => (
                    *places.entry(tuple).or_insert_with(|| {
                        sessions.push(Vec::new());
                        sessions.len() - 1
                    }),
                    true,
                ),
            };
            sessions[place].push(SeedFrame {
                is_forward,
                ip: 14,
                transport: packet.layout.transport as usize + 14 - ip,
                is_version_4: packet.layout.ip_version == 4,
                is_ceremony: packet.tcp_flags & 0b111 != 0,
                bytes,
            });
        }
    }
    sessions.retain(|frames: &Vec<SeedFrame>| frames.len() >= 3);
    Ok(sessions)
}

/// The frame as it is in a copy: new addresses and ports, the same ones in all of its packets.
fn renumbered(frame: &SeedFrame, number: u64) -> Vec<u8> {
    let mut bytes = frame.bytes.clone();
    let client = (number as u32).to_be_bytes();
    let client_address = [10, client[1], client[2], client[3]];
    let server_address = [172, 16 + client[0] % 16, client[2] ^ 0x5a, client[3]];
    let port = (1024 + (number * 7919) % 60_000) as u16;
    let (near, far) = if frame.is_forward { (0, 1) } else { (1, 0) };
    let (source, width) = if frame.is_version_4 {
        (frame.ip + 12, 4)
    } else {
        (frame.ip + 8, 16)
    };
    // The last four bytes of an address: all of IPv4's, enough of IPv6's.
    let end_of = |side: usize| source + (side + 1) * width;
    bytes[end_of(near) - 4..end_of(near)].copy_from_slice(&client_address);
    bytes[end_of(far) - 4..end_of(far)].copy_from_slice(&server_address);
    let at = frame.transport + near * 2;
    bytes[at..at + 2].copy_from_slice(&port.to_be_bytes());
    bytes
}

fn write_capture(
    out: &mut impl Write,
    seeds: &[Vec<SeedFrame>],
    sessions: u64,
    megabytes: u64,
    mix: &Mix,
    chance: &mut Chance,
) -> Result<(), Box<dyn Error>> {
    for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
        out.write_all(&word.to_le_bytes())?;
    }
    let mut queue: BinaryHeap<Reverse<(u64, u64)>> = BinaryHeap::new();
    let mut copies: HashMap<u64, Copy> = HashMap::new();
    for number in 0..sessions {
        let packets = if mix.is_large {
            // Pareto with shape 1.2, whose mean is six times its least value.
            (mix.mean_packets / 6.0 / chance.share().powf(1.0 / 1.2)).min(2e5) as u64 + 1
        } else {
            1 + chance.below((mix.mean_packets * 2.0 - 1.0) as u64 + 1)
        };
        let length = chance.below(mix.last_up_to);
        let start = chance.below(mix.begin_within);
        let seed = chance.below(seeds.len() as u64) as usize;
        let gap = length / packets + 1;
        copies.insert(
            number,
            Copy {
                number,
                seed,
                next: 0,
                packets,
                gap,
            },
        );
        queue.push(Reverse((start, number)));
    }
    let (mut frames, mut bytes) = (0_u64, 0_u64);
    while let Some(Reverse((time, number))) = queue.pop() {
        let Some(copy) = copies.get_mut(&number) else {
            continue;
        };
        let session = &seeds[copy.seed];
        let frame = renumbered(&session[copy.next % session.len()], copy.number);
        let time_fields = [1_700_000_000 + time / 1_000_000, time % 1_000_000];
        let fields = [
            time_fields[0] as u32,
            time_fields[1] as u32,
            frame.len() as u32,
            frame.len() as u32,
        ];
        for field in fields {
            out.write_all(&field.to_le_bytes())?;
        }
        out.write_all(&frame)?;
        frames += 1;
        bytes += 16 + frame.len() as u64;
        if bytes >= megabytes * 1_000_000 {
            break;
        }
        copy.next += 1;
        if (copy.next as u64) < copy.packets {
            let wait = 1 + chance.below(copy.gap * 2);
            queue.push(Reverse((time + wait, number)));
        } else {
            copies.remove(&number);
        }
    }
    println!("{frames} frames, {bytes} bytes, {sessions} sessions asked for");
    Ok(())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [out, megabytes, sessions, kind, seed, captures @ ..] = &arguments[..] else {
        return Err(
            "usage: multiply OUT MEGABYTES SESSIONS large|small SEED SEED_CAPTURE...".into(),
        );
    };
    let is_large = match kind.as_str() {
        "large" => true,
        "small" => false,
        other => return Err(format!("`{other}` is neither large nor small").into()),
    };
    let (megabytes, sessions): (u64, u64) = (megabytes.parse()?, sessions.parse()?);
    let mut seeds = seed_sessions(captures)?;
    // Sessions of large packets for a capture of large sessions, of small ones for the other.
    seeds.sort_by_key(|frames| {
        let mean = frames.iter().map(|frame| frame.bytes.len()).sum::<usize>() / frames.len();
        if is_large {
            Reverse(mean)
        } else {
            Reverse(usize::MAX - mean)
        }
    });
    seeds.truncate((seeds.len() / 2).max(1));
    if is_large {
        // A copy runs through its seed again and again, and is to stay one session.
        for frames in &mut seeds {
            frames.retain(|frame| !frame.is_ceremony);
        }
        seeds.retain(|frames| !frames.is_empty());
    }
    let mean_length = seeds
        .iter()
        .flatten()
        .map(|frame| frame.bytes.len() + 16)
        .sum::<usize>() as f64
        / seeds.iter().flatten().count().max(1) as f64;
    let mean_packets = (megabytes as f64 * 1e6 / sessions as f64 / mean_length).max(1.0);
    let mix = Mix {
        is_large,
        mean_packets,
        // Microseconds.
        begin_within: if is_large { 3_600_000_000 } else { 300_000_000 },
        last_up_to: if is_large { 60_000_000 } else { 15_000_000 },
    };
    let mut writer = BufWriter::with_capacity(1 << 20, File::create(out)?);
    write_capture(
        &mut writer,
        &seeds,
        sessions,
        megabytes,
        &mix,
        &mut Chance(seed.parse()?),
    )?;
    writer.flush()?;
    Ok(())
}
