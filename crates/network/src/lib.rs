//! The networks, their training step and their inference engine.
//!
//! Bytes and numbers come in, logits go out: nothing here knows how a packet looks on the wire, and
//! nothing of Burn shows outside of the crate.

mod aligned;
pub mod architecture;
#[cfg(test)]
mod checks;
pub mod engine;
mod forward;
pub mod input;
pub mod kernels;
mod layout;
mod operation;
pub mod precision;
mod stack;
pub mod trainer;
mod trunk;
pub mod weights;
