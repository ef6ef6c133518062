//! The hosts of a lab: who they are, and where on the made-up internet.

use std::{collections::BTreeSet, net::Ipv4Addr};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use super::network::Network;

/// The sites that run servers.
const SITES: [&str; 3] = ["a", "b", "c"];

/// How many far ends of calls and downloads there are.
const PEERS: usize = 6;

/// What a host is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Role {
    /// Runs servers.
    Site,
    /// The far end of a tunnel.
    Gateway,
    /// The far end of a call or a download.
    Peer,
    /// Runs what is captured, a worker at a time.
    Client,
}

/// A network namespace with an address on the made-up internet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Host {
    /// `a`, `g1`, `p1`, `c01`.
    pub(crate) name: String,
    /// The name of its network namespace.
    pub(crate) namespace: String,
    /// What it is for.
    pub(crate) role: Role,
    /// Its address now; a client gets a fresh one for each run.
    pub(crate) address: Ipv4Addr,
    /// The network of that address.
    pub(crate) network: Network,
    /// The router's address in that network.
    pub(crate) gateway: Ipv4Addr,
    /// Of a gateway: the network of the clients inside its tunnel, routed to it.
    pub(crate) inside: Option<Network>,
}

/// The hosts of a lab: the same ones for the same seed.
///
/// `prefix` is what the names of its namespaces begin with.
pub(crate) fn hosts(prefix: &str, gateways: usize, clients: usize, seed: u64) -> Vec<Host> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut taken = BTreeSet::new();
    let mut hosts = Vec::new();
    let mut add = |name: String, role: Role| {
        let network = loop {
            let network = public_network(&mut random);
            if taken.insert(network) {
                break network;
            }
        };
        let inside = (role == Role::Gateway).then(|| {
            loop {
                let second = random.random_range(0..=255);
                let network = Network::of(Ipv4Addr::new(10, second, 0, 0), 16);
                if taken.insert(network) {
                    break network;
                }
            }
        });
        hosts.push(Host {
            namespace: format!("{prefix}{name}"),
            name,
            role,
            address: network.address(random.random_range(2..255)),
            network,
            gateway: network.address(1),
            inside,
        });
    };
    for site in SITES {
        add(site.to_owned(), Role::Site);
    }
    for number in 1..=gateways {
        add(format!("g{number}"), Role::Gateway);
    }
    for number in 1..=PEERS {
        add(format!("p{number}"), Role::Peer);
    }
    for number in 1..=clients {
        add(format!("c{number:02}"), Role::Client);
    }
    hosts
}

/// A /24 that could be anybody's on the internet.
fn public_network(random: &mut ChaCha8Rng) -> Network {
    // First numbers that hold private, shared, documentation and other special networks.
    const SPECIAL: [u8; 8] = [10, 100, 127, 169, 172, 192, 198, 203];
    loop {
        let first = random.random_range(1..=223);
        if !SPECIAL.contains(&first) {
            let address = Ipv4Addr::new(
                first,
                random.random_range(0..=255),
                random.random_range(0..=255),
                0,
            );
            return Network::of(address, 24);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_hosts() {
        assert_eq!(hosts("ut-", 7, 12, 5), hosts("ut-", 7, 12, 5));
        assert_ne!(hosts("ut-", 7, 12, 5), hosts("ut-", 7, 12, 6));
    }

    #[test]
    fn every_host_has_a_public_network_of_its_own() {
        let hosts = hosts("ut-", 7, 99, 1);
        let networks: BTreeSet<Network> = hosts.iter().map(|host| host.network).collect();
        assert_eq!(networks.len(), hosts.len());
        assert_eq!(hosts.len(), 3 + 7 + 6 + 99);
        for host in hosts {
            assert!(host.network.contains(host.address), "{host:?}");
            assert_ne!(host.address, host.gateway);
            assert!(!host.address.is_private() && !host.address.is_multicast());
            assert_eq!(host.inside.is_some(), host.role == Role::Gateway);
        }
    }
}
