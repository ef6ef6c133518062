//! The forwarding of the router, without clock and devices: frames in, frames that are due out.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    net::Ipv4Addr,
    time::Duration,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::{
    frame::{self, Hardware, Wish},
    wire::Wire,
};
use crate::lab::{Link, Network};

/// One host as the router knows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Port {
    /// The host's name.
    pub(crate) host: String,
    /// Its network namespace.
    pub(crate) namespace: String,
    /// The Ethernet address of its interface.
    pub(crate) hardware: Hardware,
    /// The networks behind it.
    pub(crate) networks: Vec<Network>,
    /// The router's address towards it.
    pub(crate) gateway: Ipv4Addr,
    /// Largest IP packet to it, bytes.
    pub(crate) mtu: u16,
    /// Its link.
    pub(crate) link: Link,
}

/// What happened to packets at one host's link.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counters {
    /// Packets from the host.
    pub(crate) received: u64,
    /// Packets to the host.
    pub(crate) sent: u64,
    /// Packets from the host that were lost by chance.
    pub(crate) lost: u64,
    /// Packets that found a queue of its link full.
    pub(crate) crowded_out: u64,
    /// Packets from the host without a route, with too few hops left, or too large.
    pub(crate) refused: u64,
}

/// A host's side of the router.
#[derive(Debug)]
struct Side {
    port: Port,
    up: Wire,
    down: Wire,
    counters: Counters,
}

/// What is to happen to a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    /// It comes to the last link.
    Arrive,
    /// It comes to the host.
    Deliver,
}

/// A frame, and when something happens to it.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Duration,
    /// Of two that are due at once, the one that was put in first comes first.
    number: u64,
    side: usize,
    stage: Stage,
    frame: Vec<u8>,
}

/// All links, and the frames that are on their way.
#[derive(Debug)]
pub(crate) struct Fabric {
    sides: Vec<Side>,
    /// Networks and the side that each is behind, the longest first.
    routes: Vec<(Network, usize)>,
    due: BinaryHeap<Reverse<Due>>,
    numbered: u64,
    /// When the last frame from one side to another comes out, to keep their order.
    last: BTreeMap<(usize, usize), Duration>,
    random: ChaCha8Rng,
}

/// The router's own Ethernet address, the same on every link.
const ROUTER: Hardware = [0x02, 0x5e, 0x10, 0x00, 0x00, 0x01];

impl Fabric {
    /// A router with these ports and nothing on its way.
    pub(crate) fn new(ports: Vec<Port>, seed: u64) -> Self {
        let mut routes: Vec<(Network, usize)> = ports
            .iter()
            .enumerate()
            .flat_map(|(side, port)| port.networks.iter().map(move |&network| (network, side)))
            .collect();
        routes.sort_by_key(|(network, _)| Reverse(network.bits()));
        let sides = ports.into_iter().map(|port| Side {
            port,
            up: Wire::default(),
            down: Wire::default(),
            counters: Counters::default(),
        });
        Self {
            sides: sides.collect(),
            routes,
            due: BinaryHeap::new(),
            numbered: 0,
            last: BTreeMap::new(),
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The link of a host and its largest packet, to be changed.
    pub(crate) fn port(&mut self, host: &str) -> Option<&mut Port> {
        let mut sides = self.sides.iter_mut();
        sides
            .find(|side| side.port.host == host)
            .map(|side| &mut side.port)
    }

    /// What was counted, by host.
    pub(crate) fn counters(&self) -> BTreeMap<String, Counters> {
        let pairs = self.sides.iter();
        pairs
            .map(|side| (side.port.host.clone(), side.counters.clone()))
            .collect()
    }

    /// Takes a frame that a host has sent now.
    pub(crate) fn receive(&mut self, now: Duration, from: usize, frame: &[u8]) {
        match frame::wish(frame, ROUTER) {
            Wish::Answer(answer) => self.put(now, from, Stage::Deliver, answer),
            Wish::Carry(to) => self.carry(now, from, to, frame.to_vec()),
            Wish::Other => {}
        }
    }

    /// When the next frame is due.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.due.peek().map(|Reverse(due)| due.at)
    }

    /// A frame that is due by now, and the number of the port that it goes to.
    pub(crate) fn deliver(&mut self, now: Duration) -> Option<(usize, Vec<u8>)> {
        while self.next().is_some_and(|at| at <= now) {
            let Reverse(due) = self.due.pop()?;
            let side = &mut self.sides[due.side];
            if due.stage == Stage::Deliver {
                side.counters.sent += 1;
                return Some((due.side, due.frame));
            }
            let link = &side.port.link;
            let length = due.frame.len();
            let leaves = side.down.pass(due.at, length, link.down_kbit, link.queue);
            match leaves {
                Some(at) => self.put(at, due.side, Stage::Deliver, due.frame),
                None => side.counters.crowded_out += 1,
            }
        }
        None
    }

    /// Carries a packet over its sender's link and through the middle of the internet.
    fn carry(&mut self, now: Duration, from: usize, address: Ipv4Addr, mut frame: Vec<u8>) {
        self.sides[from].counters.received += 1;
        let route = self
            .routes
            .iter()
            .find(|(network, _)| network.contains(address));
        let to = match route {
            Some(&(_, to)) if to != from => to,
            _ => return self.sides[from].counters.refused += 1,
        };
        let (here, there) = (&self.sides[from].port, &self.sides[to].port);
        let hops = here.link.hops.saturating_add(there.link.hops);
        if !frame::take_hops(&mut frame, hops) {
            return self.sides[from].counters.refused += 1;
        }
        frame::readdress(&mut frame, there.hardware, ROUTER);
        let mtu = there.mtu;
        match frame::fit(frame, mtu) {
            Ok(frames) => {
                for frame in frames {
                    self.launch(now, from, to, frame);
                }
            }
            Err(frame) => {
                let mut answer = frame::too_large(&frame, mtu, here.gateway);
                frame::readdress(&mut answer, here.hardware, ROUTER);
                self.sides[from].counters.refused += 1;
                let delay = self.delay(from, to);
                self.put(now + delay, from, Stage::Arrive, answer);
            }
        }
    }

    /// Puts a frame on its way, unless chance or a full queue is against it.
    fn launch(&mut self, now: Duration, from: usize, to: usize, frame: Vec<u8>) {
        let (here, there) = (&self.sides[from].port.link, &self.sides[to].port.link);
        let (loss, reordering) = (here.loss + there.loss, here.reordering + there.reordering);
        let (kbit, queue) = (here.up_kbit, here.queue);
        if self.random.random::<f64>() < loss {
            self.sides[from].counters.lost += 1;
            return;
        }
        let leaves = self.sides[from].up.pass(now, frame.len(), kbit, queue);
        let Some(leaves) = leaves else {
            self.sides[from].counters.crowded_out += 1;
            return;
        };
        let mut arrives = leaves + self.delay(from, to);
        if self.random.random::<f64>() >= reordering {
            let last = self.last.entry((from, to)).or_default();
            arrives = arrives.max(*last);
            *last = arrives;
        }
        self.put(arrives, to, Stage::Arrive, frame);
    }

    /// The delay of both links, with what chance adds to it.
    fn delay(&mut self, from: usize, to: usize) -> Duration {
        let (here, there) = (&self.sides[from].port.link, &self.sides[to].port.link);
        let delay = here.delay_ms + there.delay_ms;
        let jitter = here.jitter_ms + there.jitter_ms;
        // Three uniform numbers make a bell; folded, most packets wait little and few much.
        let sum: f64 = (0..3).map(|_| self.random.random::<f64>()).sum();
        let bell = ((sum - 1.5) * 1.2).abs();
        Duration::from_secs_f64((delay + bell * jitter).max(0.0) / 1000.0)
    }

    fn put(&mut self, at: Duration, side: usize, stage: Stage, frame: Vec<u8>) {
        let number = self.numbered;
        self.numbered += 1;
        self.due.push(Reverse(Due {
            at,
            number,
            side,
            stage,
            frame,
        }));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::frame::tests::packet;

    const A: [u8; 4] = [20, 0, 0, 2];
    const B: [u8; 4] = [30, 0, 0, 2];

    /// Two hosts, `a` and `b`, with 10 ms of delay each and hardly anything else.
    fn fabric(change: impl Fn(&mut Port)) -> Fabric {
        let port = |host: &str, first: u8| {
            let network = Network::of(Ipv4Addr::new(first, 0, 0, 0), 24);
            let mut port = Port {
                host: host.to_owned(),
                namespace: String::new(),
                hardware: [2, 0, 0, 0, 0, first],
                networks: vec![network],
                gateway: network.address(1),
                mtu: 1500,
                link: Link {
                    delay_ms: 10.0,
                    ..Link::ideal()
                },
            };
            change(&mut port);
            port
        };
        Fabric::new(vec![port("a", 20), port("b", 30)], 1)
    }

    /// All frames that come out, with their time in ms, their port and their first content byte.
    fn drain(fabric: &mut Fabric) -> Vec<(u64, usize, u8)> {
        let mut found = Vec::new();
        while let Some(at) = fabric.next() {
            if let Some((port, frame)) = fabric.deliver(at) {
                found.push((at.as_millis() as u64, port, frame[34]));
            }
        }
        found
    }

    /// Sends so many numbered packets from `a` to `b`, one a millisecond.
    fn send(fabric: &mut Fabric, count: u8, content: usize) {
        for number in 0..count {
            let mut frame = packet(A, B, content, false);
            frame[34] = number;
            fabric.receive(Duration::from_millis(u64::from(number)), 0, &frame);
        }
    }

    #[test]
    fn a_packet_takes_the_delay_of_both_links() {
        let mut fabric = fabric(|_| {});
        send(&mut fabric, 1, 8);
        let (_, frame) = {
            assert_eq!(fabric.deliver(Duration::from_millis(19)), None);
            fabric.deliver(Duration::from_millis(21)).unwrap()
        };
        assert_eq!(frame[..6], [2, 0, 0, 0, 0, 30]);
        assert_eq!(frame[22], 62);
    }

    #[test]
    fn jitter_keeps_the_order_unless_told_otherwise() {
        let order = |reordering: f64| {
            let mut fabric = fabric(|port| {
                port.link.jitter_ms = 20.0;
                port.link.reordering = reordering;
            });
            send(&mut fabric, 100, 8);
            let numbers: Vec<u8> = drain(&mut fabric).iter().map(|found| found.2).collect();
            assert_eq!(numbers.len(), 100);
            numbers.is_sorted()
        };
        assert!(order(0.0));
        assert!(!order(1.0));
    }

    #[test]
    fn the_slower_of_the_two_links_sets_the_pace() {
        let mut fabric = fabric(|port| {
            if port.host == "b" {
                port.link.down_kbit = 1000;
            }
        });
        // 1226 bytes of frame and 24 around it are 10 ms at 1 Mbit/s.
        send(&mut fabric, 3, 1226 - 34);
        let times: Vec<u64> = drain(&mut fabric).iter().map(|found| found.0).collect();
        assert_eq!(times, [30, 40, 50]);
    }

    #[test]
    fn a_full_queue_and_chance_lose_packets_and_are_counted_apart() {
        let mut fabric = fabric(|port| {
            if port.host == "a" {
                port.link.up_kbit = 100;
                port.link.queue = 5;
            } else {
                port.link.loss = 0.5;
            }
        });
        send(&mut fabric, 200, 1000);
        let delivered = drain(&mut fabric).len() as u64;
        let counters = &fabric.counters()["a"];
        assert_eq!(counters.received, 200);
        // Half of 200, within four deviations of a fair coin.
        assert!((72..=128).contains(&counters.lost), "{counters:?}");
        assert!(counters.crowded_out > 50, "{counters:?}");
        assert_eq!(delivered, 200 - counters.lost - counters.crowded_out);
    }

    #[test]
    fn the_longest_network_wins_and_an_unknown_one_is_refused() {
        let mut fabric = fabric(|port| {
            let network = if port.host == "a" {
                "10.0.0.0/8"
            } else {
                "10.7.0.0/16"
            };
            port.networks.push(network.parse().unwrap());
        });
        fabric.receive(Duration::ZERO, 0, &packet(A, [10, 7, 1, 1], 8, false));
        assert_eq!(drain(&mut fabric).len(), 1);
        fabric.receive(Duration::ZERO, 0, &packet(A, [9, 9, 9, 9], 8, false));
        assert_eq!(drain(&mut fabric).len(), 0);
        assert_eq!(fabric.counters()["a"].refused, 1);
    }

    #[test]
    fn a_packet_that_must_stay_whole_comes_back_as_an_answer() {
        let mut fabric = fabric(|port| port.mtu = 1280);
        fabric.receive(Duration::ZERO, 0, &packet(A, B, 1300, true));
        let found = drain(&mut fabric);
        // To `a` itself, as ICMP's type 3, after the way there and back.
        assert_eq!(found, [(20, 0, 3)]);
        fabric.receive(Duration::ZERO, 0, &packet(A, B, 1300, false));
        assert_eq!(drain(&mut fabric).len(), 2);
    }
}
