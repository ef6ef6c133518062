//! From captures to datasets, from datasets to models, from models to verdicts and evaluations.
//!
//! Modules are listed in the order in which data passes through them.

pub mod dataset;

pub mod recipe;

pub mod calibration;
pub mod evaluation;

pub mod files;
