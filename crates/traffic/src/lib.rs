//! Captures to sessions and slices: bytes become frames, packets, sessions, slices.
//!
//! Modules are listed in the order in which data passes through them. The crate has no
//! clock and logs nothing: time comes from the capture. It starts threads only where it is asked to
//! cut in stages.

pub mod timestamp;

pub mod link;

pub mod capture;

pub mod packet;

pub mod decode;

pub mod tally;

pub mod policy;

pub mod slice;

pub mod dissection;

pub mod background;

pub mod statistics;

pub mod excerpt;

pub mod session;

mod memory;

mod seeded_hash;

pub mod session_table;

pub mod cut;

pub mod synth;
