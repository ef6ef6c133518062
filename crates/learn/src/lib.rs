//! From captures to datasets, from datasets to models, from models to verdicts and evaluations.
//!
//! Modules are listed in the order in which data passes through them.

pub mod capture_files;
pub mod registry;

pub mod labels;

pub mod filters;
pub mod splits;

pub mod anonymiser;
pub mod dataset;
pub mod preparation;

pub mod idx;

pub mod inputs;

pub mod recipe;
pub mod run;
pub mod training;

pub mod calibration;
pub mod model;
pub mod quantisation;
pub mod rejection;

pub mod classifier;
pub mod drift;
pub mod evaluation;

pub mod audit;
pub mod baselines;
pub mod comparison;
pub mod learner;

mod checksum;
pub mod files;
mod names;
mod windows;
