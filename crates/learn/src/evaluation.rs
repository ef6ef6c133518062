//! Evaluations: numbers about a model on one split.

pub mod confusion;
pub mod coverage;
pub mod intervals;
pub mod reliability;
