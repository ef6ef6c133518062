//! The link of a host to the internet: how fast, how far, how good.

use rand::{RngExt, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::host::Role;

/// The link between a host and the middle of the internet.
///
/// A packet crosses two: its sender's upwards and its receiver's downwards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Link {
    /// What such a link is called: `fibre`, `dsl`, `lte`, …
    pub(crate) kind: String,
    /// Rate from the host, kbit/s.
    pub(crate) up_kbit: u32,
    /// Rate to the host, kbit/s.
    pub(crate) down_kbit: u32,
    /// Delay in each direction, ms.
    pub(crate) delay_ms: f64,
    /// How much the delay varies: a packet waits up to about twice this longer, ms.
    pub(crate) jitter_ms: f64,
    /// Share of packets lost, 0 to 1.
    pub(crate) loss: f64,
    /// Share of packets that may overtake others within the jitter, 0 to 1.
    #[serde(default)]
    pub(crate) reordering: f64,
    /// Routers passed, each of which takes one from the time to live.
    pub(crate) hops: u8,
    /// Packets that wait at most, in each direction; more are lost.
    pub(crate) queue: usize,
}

impl Link {
    /// A link that only forwards: what sites start with before theirs is drawn.
    pub(crate) fn ideal() -> Self {
        Self {
            kind: "ideal".to_owned(),
            up_kbit: 10_000_000,
            down_kbit: 10_000_000,
            delay_ms: 0.0,
            jitter_ms: 0.0,
            loss: 0.0,
            reordering: 0.0,
            hops: 1,
            queue: 1000,
        }
    }

    /// A link such as hosts of that role have.
    pub(crate) fn draw(role: Role, random: &mut ChaCha8Rng) -> Self {
        let (up, delay) = match role {
            Role::Client => return Self::of_client(random),
            Role::Site => (200_000, random.random_range(1.0..45.0)),
            Role::Gateway => (200_000, random.random_range(1.0..25.0)),
            Role::Peer => (
                random.random_range(5_000..30_000),
                random.random_range(10.0..60.0),
            ),
        };
        Self {
            kind: "server".to_owned(),
            up_kbit: up,
            down_kbit: up / 2 * 3,
            delay_ms: delay,
            jitter_ms: random.random_range(0.05..1.5),
            loss: one_of(&[0.0, 0.0, 0.0002], random),
            reordering: 0.0,
            hops: random.random_range(2..=8),
            queue: 200,
        }
    }

    /// A link such as people have at home, at work and on the way.
    fn of_client(random: &mut ChaCha8Rng) -> Self {
        let kind = one_of(&["fibre", "dsl", "lte", "wifi", "campus"], random);
        let mut between = |low: f64, high: f64| random.random_range(low..high);
        // Up and down in Mbit/s, delay and jitter in ms, and the share of packets lost.
        let (up, down, delay, jitter, loss) = match kind {
            "fibre" => (50.0, 100.0, between(2.0, 8.0), 0.3, 0.0),
            "dsl" => (
                between(2.0, 10.0),
                between(10.0, 50.0),
                between(8.0, 20.0),
                0.8,
                0.0001,
            ),
            "lte" => (
                between(4.0, 20.0),
                between(10.0, 60.0),
                between(15.0, 40.0),
                between(2.0, 9.0),
                0.0003,
            ),
            "wifi" => (
                between(10.0, 40.0),
                between(20.0, 80.0),
                between(4.0, 15.0),
                between(1.0, 5.0),
                0.001,
            ),
            _ => (100.0, 100.0, between(1.0, 4.0), 0.1, 0.0),
        };
        Self {
            kind: kind.to_owned(),
            up_kbit: (up * 1000.0) as u32,
            down_kbit: (down * 1000.0) as u32,
            delay_ms: delay,
            jitter_ms: jitter,
            loss,
            reordering: 0.0,
            hops: random.random_range(2..=7),
            queue: one_of(&[60, 120, 250], random),
        }
    }
}

fn one_of<T: Copy>(choices: &[T], random: &mut ChaCha8Rng) -> T {
    *choices.choose(random).expect("there are choices")
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn links_are_drawn_by_the_seed_and_can_carry_a_call() {
        for seed in 0..200 {
            let draw = || Link::draw(Role::Client, &mut ChaCha8Rng::seed_from_u64(seed));
            let link = draw();
            assert_eq!(link, draw());
            assert!(link.up_kbit >= 2000, "{link:?}");
            assert!(link.loss <= 0.001 && link.hops >= 2, "{link:?}");
        }
    }
}
