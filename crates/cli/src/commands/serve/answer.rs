//! Answers in JSON, refusals that say why, and lines that must not become too many.

use std::io;

use axum::{
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// The longest that the lines about an upload may be, in bytes: some 150,000 sessions.
const LONGEST: usize = 64 << 20;

/// A value as JSON.
pub(super) fn json(value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(text) => ([(CONTENT_TYPE, "application/json")], text).into_response(),
        // Numbers and texts of ours always can be.
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// Why not.
pub(super) fn refusal(status: StatusCode, reason: &str) -> Response {
    #[derive(Serialize)]
    struct Refusal<'a> {
        error: &'a str,
    }
    (status, json(&Refusal { error: reason })).into_response()
}

/// Lines that are kept until all are there, and that must not become too many.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) bytes: Vec<u8>,
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > LONGEST {
            return Err(io::Error::other(
                "too many sessions for one answer; use `undertone classify`",
            ));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn lines_end_at_their_limit() {
        let mut lines = Lines::default();
        lines.write_all(&vec![0; LONGEST]).unwrap();
        assert!(lines.write_all(&[0]).is_err());
        assert_eq!(lines.bytes.len(), LONGEST);
    }
}
