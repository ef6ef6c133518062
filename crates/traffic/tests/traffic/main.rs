//! The crate from outside: captures in, frames, packets, sessions, slices and tallies out.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#![expect(clippy::print_stdout, reason = "a test that is skipped says so")]

mod agreement;
mod captures;
mod cutting;
mod differential;
mod dissection;
mod excerpts;
mod fragments;
mod glimpses;
mod links;
mod odd_captures;
mod plain;
mod policies;
mod properties;
mod sessions;
mod statistics;
mod support;
mod tshark;
mod tunnels;
mod windows;
