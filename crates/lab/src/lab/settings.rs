//! What a client's network stack is told: the settings that make one machine look unlike another.

use serde::{Deserialize, Serialize};

/// Settings of a client's network stack, in its own namespace only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Settings {
    /// Largest IP packet of the interface, bytes; the router keeps to it too.
    pub(crate) mtu: u16,
    /// Time to live of packets sent.
    pub(crate) ttl: u8,
    /// `net.ipv4.tcp_timestamps`: 0, 1 or 2.
    pub(crate) tcp_timestamps: u8,
    /// `net.ipv4.tcp_ecn`: 0, 1 or 2.
    pub(crate) tcp_ecn: u8,
    /// `cubic`, `reno`, `bbr`, …: one that the kernel has.
    pub(crate) congestion_control: String,
    /// First and last local port.
    pub(crate) ports: (u16, u16),
    /// Default receive buffer of TCP, bytes.
    pub(crate) receive_buffer: u32,
}

impl Settings {
    /// The kernel's names and values.
    pub(super) fn controls(&self) -> Vec<(&'static str, String)> {
        vec![
            ("net.ipv4.ip_default_ttl", self.ttl.to_string()),
            ("net.ipv4.tcp_timestamps", self.tcp_timestamps.to_string()),
            ("net.ipv4.tcp_ecn", self.tcp_ecn.to_string()),
            (
                "net.ipv4.tcp_congestion_control",
                self.congestion_control.clone(),
            ),
            (
                "net.ipv4.ip_local_port_range",
                format!("{} {}", self.ports.0, self.ports.1),
            ),
            (
                "net.ipv4.tcp_rmem",
                format!("4096 {} 6291456", self.receive_buffer),
            ),
        ]
    }
}
