//! A body that comes in, as a reader for a thread that may wait.

use std::{
    error, fmt,
    future::poll_fn,
    io::{self, Read},
    pin::Pin,
    time::Duration,
};

use axum::body::{Body, Bytes, HttpBody};
use tokio::{runtime::Handle, time::timeout};

/// How long nothing may come.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// Why there is no more of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It ended before its end.
    BrokeOff,
    /// Nothing came for too long.
    StoodStill,
    /// It is longer than is allowed.
    TooLong,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BrokeOff => "the upload broke off",
            Self::StoodStill => "the upload stands still",
            Self::TooLong => "the upload is larger than is allowed",
        })
    }
}

impl error::Error for Fault {}

/// A body, never more of it than is allowed.
pub(crate) struct Incoming {
    runtime: Handle,
    body: Body,
    /// What has come and is not read yet.
    part: Bytes,
    allowed: u64,
    fault: Option<Fault>,
}

impl Incoming {
    /// A body that the runtime of the caller brings in; at most `allowed` bytes of it.
    ///
    /// # Errors
    ///
    /// If it is known to be longer.
    pub(crate) fn new(body: Body, allowed: u64) -> Result<Self, Fault> {
        if body.size_hint().lower() > allowed {
            return Err(Fault::TooLong);
        }
        Ok(Self {
            runtime: Handle::current(),
            body,
            part: Bytes::new(),
            allowed,
            fault: None,
        })
    }

    /// Why it was not read to its end, once that has gone wrong.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    /// The next part with something in it; none at the end.
    fn next_part(&mut self) -> Result<Option<Bytes>, Fault> {
        loop {
            let body = &mut self.body;
            let coming = async { timeout(LONGEST_SILENCE, next(body)).await };
            match self
                .runtime
                .block_on(coming)
                .map_err(|_| Fault::StoodStill)?
            {
                None => return Ok(None),
                Some(Err(_)) => return Err(Fault::BrokeOff),
                Some(Ok(part)) if part.is_empty() => {}
                Some(Ok(part)) => {
                    let left = self.allowed.checked_sub(part.len() as u64);
                    self.allowed = left.ok_or(Fault::TooLong)?;
                    return Ok(Some(part));
                }
            }
        }
    }
}

/// Bytes that come next; trailers have none.
async fn next(body: &mut Body) -> Option<Result<Bytes, axum::Error>> {
    let mut body = Pin::new(body);
    let frame = poll_fn(|context| body.as_mut().poll_frame(context)).await?;
    Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
}

impl Read for Incoming {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        // Not of the kind by which decompressors know the end of what they read.
        if let Some(fault) = self.fault {
            return Err(io::Error::other(fault));
        }
        if self.part.is_empty() {
            match self.next_part() {
                Ok(part) => self.part = part.unwrap_or_default(),
                Err(fault) => {
                    self.fault = Some(fault);
                    return Err(io::Error::other(fault));
                }
            }
        }
        let count = buffer.len().min(self.part.len());
        buffer[..count].copy_from_slice(&self.part.split_to(count));
        Ok(count)
    }
}
