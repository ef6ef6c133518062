//! The screens from outside: `top` on a terminal, `serve` by HTTP and in a browser.

#![expect(clippy::unwrap_used, reason = "a failed step fails the test")]
#![expect(clippy::print_stdout, reason = "a test that skips says so")]

mod browser;
mod http;
#[path = "../program/mod.rs"]
mod program;
mod serve;
#[cfg(feature = "top")]
mod top;

use program::{sample, undertone};
