//! Answers in JSON, refusals that say why, and lines that must not become too many.

use std::io;

use serde::Serialize;

use crate::http::{Answer, Status};

/// The longest that the lines about an upload may be, in bytes: some 150,000 sessions.
const LONGEST: usize = 64 << 20;

/// A value as JSON.
pub(super) fn json(status: Status, value: &impl Serialize) -> Answer {
    match serde_json::to_vec(value) {
        Ok(text) => Answer::new(status, "application/json", text),
        // Numbers and texts of ours always can be.
        Err(error) => Answer::line(Status::Mistake, &error.to_string()),
    }
}

/// Why not.
pub(super) fn refusal(status: Status, reason: &str) -> Answer {
    #[derive(Serialize)]
    struct Refusal<'a> {
        error: &'a str,
    }
    json(status, &Refusal { error: reason })
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
