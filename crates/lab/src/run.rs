//! Runs: one client, one application, one tunnel or none, captured and judged.

mod acceptance;
mod execution;
mod packet_capture;
mod plan;
mod step;
mod trimming;

pub(crate) use acceptance::{Judgement, Rejections, View, judge};
pub(crate) use execution::{Executed, Stage, execute};
pub(crate) use plan::{Category, Choices, RunPlan, congestion_controls};
