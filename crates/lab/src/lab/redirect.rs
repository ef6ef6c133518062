//! A second port for a server: packets to it go to the first.

use crate::shell::{output, words};

/// A port that leads to another on a site, until it is dropped.
#[derive(Debug)]
pub(crate) struct Redirect {
    namespace: String,
    rule: String,
}

impl Redirect {
    /// Makes `port` lead to `to` for `tcp` or `udp`.
    pub(super) fn add(
        namespace: &str,
        protocol: Protocol,
        port: u16,
        to: u16,
    ) -> anyhow::Result<Self> {
        let protocol = match protocol {
            Protocol::Tcp => "tcp",
            Protocol::Udp => "udp",
        };
        let rule = format!("PREROUTING -p {protocol} --dport {port} -j REDIRECT --to-ports {to}");
        let redirect = Self {
            namespace: namespace.to_owned(),
            rule,
        };
        redirect.change("-A")?;
        Ok(redirect)
    }

    fn change(&self, action: &str) -> anyhow::Result<()> {
        let Self { namespace, rule } = self;
        let line = format!("ip netns exec {namespace} iptables -w 5 -t nat {action} {rule}");
        output(&mut words(&line)).map(drop)
    }
}

impl Drop for Redirect {
    fn drop(&mut self) {
        // The namespace may be gone already, and its rules with it.
        let _ = self.change("-D");
    }
}

/// What carries a port's packets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}
