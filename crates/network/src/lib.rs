//! The networks: `resnet-gru` and its halves, their training step and their inference engine.
//!
//! Slices come in as bytes, logits go out: nothing here knows what a packet is, and nothing of
//! Burn shows outside of the crate.

pub mod architecture;
pub mod engine;
pub mod trainer;
pub mod weights;
