//! HTTP: where to listen, pages that are answered beside the program's own work, and bodies that are
//! read while they come in. Requests are axum's and hyper's.

mod incoming;
mod listener;

pub(crate) use self::{
    incoming::{Fault, Incoming},
    listener::{Listener, address},
};
