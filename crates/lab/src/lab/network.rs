//! An IPv4 network: an address, and how many of its leading bits count.

use std::{fmt, net::Ipv4Addr, str::FromStr};

use serde::{Deserialize, Serialize};

/// An IPv4 network, as in `93.184.31.0/24`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(crate) struct Network {
    first: Ipv4Addr,
    bits: u8,
}

impl Network {
    /// The network of an address with that many leading bits, at most 32.
    pub(crate) fn of(address: Ipv4Addr, bits: u8) -> Self {
        let bits = bits.min(32);
        let first = Ipv4Addr::from_bits(address.to_bits() & mask(bits));
        Self { first, bits }
    }

    /// How many leading bits count.
    pub(crate) fn bits(self) -> u8 {
        self.bits
    }

    /// Whether the address is one of the network's.
    pub(crate) fn contains(self, address: Ipv4Addr) -> bool {
        address.to_bits() & mask(self.bits) == self.first.to_bits()
    }

    /// The address that comes so many after the first; 1 is the router's.
    pub(crate) fn address(self, number: u32) -> Ipv4Addr {
        Ipv4Addr::from_bits(self.first.to_bits() | (number & !mask(self.bits)))
    }

    /// The bits that count, as `255.255.255.0`.
    pub(crate) fn mask(self) -> Ipv4Addr {
        Ipv4Addr::from_bits(mask(self.bits))
    }
}

fn mask(bits: u8) -> u32 {
    u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or(0)
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.first, self.bits)
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (first, bits) = text.split_once('/')?;
            let bits = bits.parse().ok().filter(|&bits: &u8| bits <= 32)?;
            Some(Self::of(first.parse().ok()?, bits))
        };
        parse().ok_or_else(|| format!("`{text}` is no network such as 10.8.0.0/24"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(network: &str, address: &str, expected: bool) {
        let network: Network = network.parse().unwrap();
        assert_eq!(network.contains(address.parse().unwrap()), expected);
    }

    #[test]
    fn a_network_contains_what_shares_its_leading_bits() {
        check("93.184.31.0/24", "93.184.31.255", true);
        check("93.184.31.0/24", "93.184.32.0", false);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("10.0.0.1/32", "10.0.0.2", false);
    }

    #[test]
    fn a_network_without_length_is_refused() {
        let error = "10.8.0.0".parse::<Network>().unwrap_err();
        assert_eq!(error, "`10.8.0.0` is no network such as 10.8.0.0/24");
    }

    #[test]
    fn addresses_are_counted_from_the_first() {
        let network: Network = "93.184.31.77/24".parse().unwrap();
        assert_eq!(network.address(1), Ipv4Addr::new(93, 184, 31, 1));
        assert_eq!(network.mask(), Ipv4Addr::new(255, 255, 255, 0));
    }
}
