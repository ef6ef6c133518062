//! Statistics as they were first written: every packet into every sum as it comes.

use undertone_traffic::{
    packet::{Direction, Packet, Protocol},
    statistics::Statistics,
    timestamp::Timestamp,
};

/// Silence that counts as idle time, in nanoseconds.
const IDLE_NANOSECONDS: u64 = 5_000_000_000;

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

/// Count, least, largest, mean and variance of values that come one by one.
///
/// Source: Welford 1962: the squares of large values never meet, so nothing cancels.
#[derive(Debug, Clone, Copy, Default)]
struct Moments {
    count: u64,
    least: f64,
    largest: f64,
    mean: f64,
    squares: f64,
}

impl Moments {
    fn add(&mut self, value: f64) {
        if self.count == 0 {
            (self.least, self.largest) = (value, value);
        }
        self.count += 1;
        self.least = self.least.min(value);
        self.largest = self.largest.max(value);
        let difference = value - self.mean;
        self.mean += difference / self.count as f64;
        self.squares += difference * (value - self.mean);
    }

    fn sum(&self) -> f64 {
        self.mean * self.count as f64
    }

    fn population_deviation(&self) -> f64 {
        share(self.squares, self.count as f64).sqrt()
    }

    fn sample_deviation(&self) -> f64 {
        share(self.squares, self.count.saturating_sub(1) as f64).sqrt()
    }
}

/// A quotient; 0 where there is nothing to divide by.
fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn seconds(nanoseconds: u64) -> f64 {
    nanoseconds as f64 / 1e9
}

/// What is kept to compute the statistics: sums, never the packets.
#[derive(Debug, Clone, Default)]
pub(super) struct Accumulator {
    packets: u64,
    bytes: u64,
    flags: [u64; FLAG_ORDER.len()],
    dns: u64,
    tcp: u64,
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
    pub(super) fn add(&mut self, packet: &Packet<'_>, direction: Direction) {
        self.add_time(packet.timestamp, direction);
        self.packets += 1;
        self.bytes += u64::from(packet.length);
        self.lengths.add(f64::from(packet.length));
        let five_tuple = &packet.five_tuple;
        let is_dns = five_tuple.source.port() == 53 || five_tuple.destination.port() == 53;
        self.dns += u64::from(is_dns);
        match five_tuple.protocol {
            Protocol::Tcp => {
                self.tcp += 1;
                self.small_payloads += u64::from(packet.payload_length <= SMALL_PAYLOAD);
                self.tcp_payloads.add(f64::from(packet.payload_length));
                let flag = FLAG_PRIORITY
                    .into_iter()
                    .find(|flag| packet.tcp_flags & flag != 0);
                for (count, of) in self.flags.iter_mut().zip(FLAG_ORDER) {
                    *count += u64::from(flag == Some(of));
                }
            }
            Protocol::Udp => self.udp += 1,
            Protocol::Sctp => {}
        }
    }

    fn add_time(&mut self, now: Timestamp, direction: Direction) {
        if self.packets == 0 {
            (self.first, self.last, self.active_since) = (now, now, now);
        } else {
            let gap = now.nanoseconds_since(self.last);
            self.between.add(seconds(gap));
            if gap > IDLE_NANOSECONDS {
                self.end_active();
                self.idle.add(seconds(gap));
                self.active_since = now;
            }
            self.last = self.last.max(now);
        }
        let side = direction as usize;
        let last = self.last_by_direction[side];
        if let Some(last) = last {
            self.between_by_direction[side].add(seconds(now.nanoseconds_since(last)));
        }
        self.last_by_direction[side] = last.max(Some(now));
    }

    fn end_active(&mut self) {
        let length = self.last.nanoseconds_since(self.active_since);
        if length > 0 {
            self.active.add(seconds(length));
        }
    }

    pub(super) fn finish(mut self) -> Statistics {
        self.end_active();
        Statistics {
            centime: self.centime().map(|value| value as f32),
            time: self.time().map(|value| value as f32),
        }
    }

    fn duration(&self) -> f64 {
        seconds(self.last.nanoseconds_since(self.first))
    }

    fn centime(&self) -> [f64; 26] {
        let packets = self.packets as f64;
        let [syn, urg, fin, ack, psh, rst] = self.flags.map(|count| share(count as f64, packets));
        let dns_over_tcp = if self.tcp > 0 { self.dns } else { 0 };
        [
            syn,
            urg,
            fin,
            ack,
            psh,
            rst,
            share(self.dns as f64, packets),
            share(self.tcp as f64, packets),
            share(self.udp as f64, packets),
            0.0,
            self.duration(),
            self.between.mean,
            self.between.least,
            self.between.largest,
            self.between.population_deviation(),
            self.lengths.mean,
            self.lengths.least,
            self.lengths.largest,
            self.lengths.population_deviation(),
            share(self.small_payloads as f64, self.tcp as f64),
            self.tcp_payloads.mean,
            self.tcp_payloads.least,
            self.tcp_payloads.largest,
            self.tcp_payloads.population_deviation(),
            share(dns_over_tcp as f64, self.tcp as f64),
            packets,
        ]
    }

    fn time(&self) -> [f64; 23] {
        let [forward, backward] = self.between_by_direction;
        let duration = self.duration();
        [
            duration,
            forward.sum(),
            backward.sum(),
            forward.least,
            backward.least,
            forward.largest,
            backward.largest,
            forward.mean,
            backward.mean,
            share(self.packets as f64, duration),
            share(self.bytes as f64, duration),
            self.between.least,
            self.between.largest,
            self.between.mean,
            self.between.sample_deviation(),
            self.active.least,
            self.active.mean,
            self.active.largest,
            self.active.sample_deviation(),
            self.idle.least,
            self.idle.mean,
            self.idle.largest,
            self.idle.sample_deviation(),
        ]
    }
}
