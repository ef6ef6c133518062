//! HTTP: as much of it as a page or two need, and a program that uploads something: one request on
//! each connection, one thread for each request.

mod answer;
mod body;
mod listener;
mod request;

pub(crate) use self::{
    answer::{Answer, Status},
    body::{Body, Fault},
    listener::{Listener, address},
    request::{Headers, Request},
};
