//! Captures made in memory, for tests: real headers with right lengths and checksums.
//!
//! Frames are built from the inside out: a payload becomes a segment, the segment an IP
//! packet, the packet a frame, the frames a capture.
//!
//! ```
//! use std::ops::ControlFlow;
//! use undertone_traffic::{capture::CaptureReader, cut::cut, session_table::CutOptions, synth};
//!
//! let frames = synth::Conversation::default().frames();
//! let capture = synth::pcap(undertone_traffic::link::LinkType::ETHERNET, &frames);
//! let mut reader = CaptureReader::new(Box::new(std::io::Cursor::new(capture)))?;
//! let mut sessions = Vec::new();
//! cut(&mut reader, &CutOptions::default(), 1, &mut |session| {
//!     sessions.push(session);
//!     ControlFlow::Continue(())
//! })?;
//! assert_eq!(sessions.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod conversation;
mod headers;
mod tunnels;
mod writer;

pub use conversation::{Conversation, udp_exchange};
pub use headers::{
    Flags, IpFields, TcpFields, cooked, cooked_v2, ethernet, fragments, ip, ip_of, loopback, mpls,
    ppp, pppoe, sctp, tcp, udp, vlan,
};
pub use tunnels::{geneve, gre, gtp_u, teredo, vxlan};
pub use writer::{
    Format, Record, Resolution, pcap, pcap_as, pcapng, pcapng_as, pcapng_simple, record,
};
