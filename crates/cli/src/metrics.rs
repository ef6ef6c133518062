//! Metrics: numbers in the form of Prometheus.

mod exposition;
mod histogram;

pub(crate) use self::{
    exposition::{Exposition, Kind, Sample},
    histogram::Histogram,
};
