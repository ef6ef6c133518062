//! Memory: what safe Rust cannot ask of it. A file as memory, and lines ahead of their use.
//!
//! The only `unsafe` code of this crate, each block under an argument.
#![expect(unsafe_code, reason = "system calls and a hint to the processor")]

#[cfg(target_os = "linux")]
mod mapping;
#[cfg(not(target_os = "linux"))]
#[path = "memory/no_mapping.rs"]
mod mapping;
mod prefetch;

pub(crate) use mapping::Mapping;
pub(crate) use prefetch::{LINE, prefetch, prefetch_whole};
