//! Statistics of a whole session: what CENTIME and the time-related features need.

mod moments;

use crate::{
    packet::{Direction, FiveTuple, Protocol},
    timestamp::Timestamp,
};
use moments::{Moments, share};

/// Computed over the whole session, whatever the slice holds.
#[derive(Debug, Clone, PartialEq)]
pub struct Statistics {
    /// CENTIME's 26 numbers, in the order of [`CENTIME_NAMES`].
    pub centime: [f32; 26],
    /// The 23 time-related features, in the order of [`TIME_NAMES`], in seconds where they are times.
    pub time: [f32; 23],
}

/// Names of [`Statistics::centime`].
///
/// Source: Wang et al., *CENTIME*, ICCC 2020. Where the paper is silent: lengths are from the
/// IP header on; times are in seconds; standard deviations are of the population, as NumPy's;
/// flag shares are of all packets, one flag a packet by FIN > SYN > RST > PSH > ACK > URG;
/// DNS is port 53 at either end, and counts as TCP or UDP too; the share of small payloads
/// (32 bytes or less, none included) and the payload lengths are of TCP packets; ICMP has no
/// ports and so no sessions here, its share is 0. What there is none of is 0.
pub const CENTIME_NAMES: [&str; 26] = [
    "syn_share",
    "urg_share",
    "fin_share",
    "ack_share",
    "psh_share",
    "rst_share",
    "dns_share",
    "tcp_share",
    "udp_share",
    "icmp_share",
    "duration",
    "mean_interarrival",
    "min_interarrival",
    "max_interarrival",
    "std_interarrival",
    "mean_length",
    "min_length",
    "max_length",
    "std_length",
    "small_tcp_payload_share",
    "mean_tcp_payload",
    "min_tcp_payload",
    "max_tcp_payload",
    "std_tcp_payload",
    "dns_share_of_tcp",
    "packets",
];

/// Names of [`Statistics::time`], as in the released files.
///
/// Source: Draper-Gil et al., ICISSP 2016, and `ISCXFlowMeter`. `fiat`, `biat` and `flowiat`
/// are the times between packets forward, backward and in any direction. A silence of more than
/// 5 s is idle time and cuts active time; active times of length 0 do not count, as there.
/// Standard deviations are of the sample (divided by n - 1), as there; 0 for fewer than two
/// values. We differ: seconds, not microseconds; 0, not -1 or infinity, for what there is none
/// of; bytes are from the IP header on.
pub const TIME_NAMES: [&str; 23] = [
    "duration",
    "total_fiat",
    "total_biat",
    "min_fiat",
    "min_biat",
    "max_fiat",
    "max_biat",
    "mean_fiat",
    "mean_biat",
    "flowPktsPerSecond",
    "flowBytesPerSecond",
    "min_flowiat",
    "max_flowiat",
    "mean_flowiat",
    "std_flowiat",
    "min_active",
    "mean_active",
    "max_active",
    "std_active",
    "min_idle",
    "mean_idle",
    "max_idle",
    "std_idle",
];

/// Silence that counts as idle time, in nanoseconds.
const IDLE_NANOSECONDS: u64 = 5_000_000_000;

/// Either end has it where a session is DNS.
pub(crate) const DNS_PORT: u16 = 53;

/// The largest TCP payload that counts as small, in bytes.
const SMALL_PAYLOAD: u32 = 32;

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
const URG: u8 = 0x20;

/// One flag a packet: the first of these that is set ...
const FLAG_PRIORITY: [u8; 6] = [FIN, SYN, RST, PSH, ACK, URG];
/// ... and in this order they are told.
const FLAG_ORDER: [u8; 6] = [SYN, URG, FIN, ACK, PSH, RST];

/// Which of them a packet counts for, by its lower six flags; their number where none does.
const FLAG_PLACES: [u8; 64] = flag_places();

const fn flag_places() -> [u8; 64] {
    let mut places = [FLAG_ORDER.len() as u8; 64];
    let mut flags = 0;
    while flags < places.len() {
        let mut rank = FLAG_PRIORITY.len();
        while rank > 0 {
            rank -= 1;
            if flags as u8 & FLAG_PRIORITY[rank] != 0 {
                places[flags] = place_of(FLAG_PRIORITY[rank]);
            }
        }
        flags += 1;
    }
    places
}

const fn place_of(flag: u8) -> u8 {
    let mut place = 0;
    while FLAG_ORDER[place] != flag {
        place += 1;
    }
    place as u8
}

/// Of nanoseconds.
fn seconds(nanoseconds: f64) -> f64 {
    nanoseconds / 1e9
}

fn to_seconds(value: &mut f64) {
    *value = seconds(*value);
}

/// What the statistics need of a packet.
#[derive(Debug, Clone, Copy)]
pub struct Observation {
    /// When it was captured.
    pub timestamp: Timestamp,
    /// Which way it goes.
    pub direction: Direction,
    /// Bytes from the IP header on.
    pub length: u32,
    /// Bytes above the transport header.
    pub payload_length: u32,
    /// The TCP flags; of no meaning for other protocols.
    pub tcp_flags: u8,
}

/// What they need of the session: the same for all of its packets.
#[derive(Debug, Clone, Copy)]
pub struct Nature {
    /// Of the five-tuple.
    pub protocol: Protocol,
    /// Whether either end has port 53.
    pub is_dns: bool,
}

impl Nature {
    /// Of the session with this five-tuple.
    #[must_use]
    pub fn of(five_tuple: &FiveTuple) -> Self {
        let ends = [five_tuple.source, five_tuple.destination];
        Self {
            protocol: five_tuple.protocol,
            is_dns: ends.iter().any(|end| end.port() == DNS_PORT),
        }
    }
}

/// What is kept to compute the statistics: sums, never the packets.
#[derive(Debug, Clone, Default)]
pub struct Accumulator {
    /// The last is of packets without any.
    flags: [u64; FLAG_ORDER.len() + 1],
    dns: u64,
    udp: u64,
    small_payloads: u64,
    lengths: Moments,
    tcp_payloads: Moments,
    between: Moments,
    between_by_direction: [Moments; 2],
    active: Moments,
    idle: Moments,
    first: Timestamp,
    last: Timestamp,
    last_by_direction: [Option<Timestamp>; 2],
    active_since: Timestamp,
}

impl Accumulator {
    /// Takes in the next packet. One that is earlier than the one before comes 0 s after it.
    pub fn add(&mut self, packet: &Observation, nature: Nature) {
        self.add_time(packet.timestamp, packet.direction);
        self.lengths.add_small(packet.length);
        self.dns += u64::from(nature.is_dns);
        match nature.protocol {
            Protocol::Tcp => {
                self.small_payloads += u64::from(packet.payload_length <= SMALL_PAYLOAD);
                self.tcp_payloads.add_small(packet.payload_length);
                let place = FLAG_PLACES[usize::from(packet.tcp_flags & 0x3f)];
                self.flags[usize::from(place)] += 1;
            }
            Protocol::Udp => self.udp += 1,
            Protocol::Sctp => {}
        }
    }

    fn add_time(&mut self, now: Timestamp, direction: Direction) {
        if self.packets() == 0 {
            (self.first, self.last, self.active_since) = (now, now, now);
        } else {
            let gap = now.nanoseconds_since(self.last);
            self.between.add(gap);
            if gap > IDLE_NANOSECONDS {
                self.end_active();
                self.idle.add(gap);
                self.active_since = now;
            }
            self.last = self.last.max(now);
        }
        let side = direction as usize;
        let last = self.last_by_direction[side];
        if let Some(last) = last {
            self.between_by_direction[side].add(now.nanoseconds_since(last));
        }
        self.last_by_direction[side] = last.max(Some(now));
    }

    fn end_active(&mut self) {
        let length = self.last.nanoseconds_since(self.active_since);
        if length > 0 {
            self.active.add(length);
        }
    }

    /// The statistics of all packets taken in.
    #[must_use]
    pub fn finish(mut self) -> Statistics {
        self.end_active();
        Statistics {
            centime: self.centime().map(|value| value as f32),
            time: self.time().map(|value| value as f32),
        }
    }

    /// How many packets were taken in.
    pub(crate) fn packets(&self) -> u64 {
        self.lengths.count()
    }

    /// Their bytes from the IP header on.
    pub(crate) fn bytes(&self) -> u64 {
        self.lengths.total()
    }

    fn duration(&self) -> f64 {
        seconds(self.last.nanoseconds_since(self.first) as f64)
    }

    fn centime(&self) -> [f64; 26] {
        let packets = self.packets() as f64;
        let tcp = self.tcp_payloads.count();
        let [syn, urg, fin, ack, psh, rst, _] =
            self.flags.map(|count| share(count as f64, packets));
        let dns_over_tcp = if tcp > 0 { self.dns } else { 0 };
        let mut values = [
            syn,
            urg,
            fin,
            ack,
            psh,
            rst,
            share(self.dns as f64, packets),
            share(tcp as f64, packets),
            share(self.udp as f64, packets),
            0.0,
            self.duration(),
            self.between.mean(),
            self.between.least(),
            self.between.largest(),
            self.between.population_deviation(),
            self.lengths.mean(),
            self.lengths.least(),
            self.lengths.largest(),
            self.lengths.population_deviation(),
            share(self.small_payloads as f64, tcp as f64),
            self.tcp_payloads.mean(),
            self.tcp_payloads.least(),
            self.tcp_payloads.largest(),
            self.tcp_payloads.population_deviation(),
            share(dns_over_tcp as f64, tcp as f64),
            packets,
        ];
        // Those that are times.
        values[11..15].iter_mut().for_each(to_seconds);
        values
    }

    fn time(&self) -> [f64; 23] {
        let [forward, backward] = &self.between_by_direction;
        let duration = self.duration();
        let mut values = [
            0.0,
            forward.sum(),
            backward.sum(),
            forward.least(),
            backward.least(),
            forward.largest(),
            backward.largest(),
            forward.mean(),
            backward.mean(),
            0.0,
            0.0,
            self.between.least(),
            self.between.largest(),
            self.between.mean(),
            self.between.sample_deviation(),
            self.active.least(),
            self.active.mean(),
            self.active.largest(),
            self.active.sample_deviation(),
            self.idle.least(),
            self.idle.mean(),
            self.idle.largest(),
            self.idle.sample_deviation(),
        ];
        values.iter_mut().for_each(to_seconds);
        values[0] = duration;
        values[9] = share(self.packets() as f64, duration);
        values[10] = share(self.bytes() as f64, duration);
        values
    }
}
