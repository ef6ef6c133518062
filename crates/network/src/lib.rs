//! The networks: `resnet-gru` and its halves, their training step and their inference engine.
//!
//! Slices come in as bytes, logits go out: nothing here knows what a packet is, and nothing of
//! Burn shows outside of the crate.

pub mod architecture;
#[cfg(test)]
mod checks;
pub mod engine;
mod forward;
pub mod kernels;
mod layout;
mod operation;
pub mod precision;
pub mod trainer;
mod trunk;
pub mod weights;
