//! Runs: one client, one application, one tunnel or none; planned, executed, captured, judged.

mod acceptance;
mod balance;
mod books;
mod execution;
mod keeping;
mod ledger;
mod order;
mod packet_capture;
mod plan;
mod production;
mod sidecar;
mod step;
mod summary;
mod trimming;

pub(crate) use acceptance::judge;
pub(crate) use execution::{Stage, execute};
pub(crate) use ledger::Ledger;
pub(crate) use order::Order;
pub(crate) use plan::{RunPlan, congestion_controls};
pub(crate) use production::Production;
pub(crate) use summary::{Summary, cpu_seconds};
