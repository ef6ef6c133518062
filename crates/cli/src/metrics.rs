//! Metrics: numbers for Prometheus, and whether the program is well, for whoever asks by HTTP.

mod exposition;
mod histogram;
mod responder;

pub(crate) use self::{
    exposition::{Exposition, Kind, Sample},
    histogram::Histogram,
    responder::{Answer, Responder, address},
};
