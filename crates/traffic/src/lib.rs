//! Captures to sessions and slices: bytes become frames, packets, sessions, slices.
//!
//! Modules are listed in the order in which data passes through them. The crate has no
//! clock, starts no thread and logs nothing: time comes from the capture.

pub mod background;
pub mod capture;
pub mod link;
pub mod packet;
pub mod policy;
pub mod session;
pub mod session_table;
pub mod slice;
pub mod statistics;
pub mod tally;
pub mod timestamp;
