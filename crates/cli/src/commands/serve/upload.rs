//! Uploads: a capture in the body of a request, read while it comes in.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use learn::classifier::Moment;
use traffic::capture::CaptureError;

use super::{
    Server,
    answer::{Lines, refusal},
    followed::Kind,
};
use crate::{
    following::Source,
    http::{Answer, Body, Fault, Status},
    output::{Format, Output},
};

/// The longest name of a capture, in characters.
const LONGEST_NAME: usize = 200;

/// Answers with a line of JSON for each session, as `classify --format json` has them.
pub(super) fn upload(server: &Server, name: &str, mut body: Body) -> Answer {
    if body.allow(server.upload_limit).is_err() {
        return too_large(server);
    }
    let Some(_permit) = server.uploads.take() else {
        let reason = "other captures are being read; try again when they are done";
        return refusal(Status::Unavailable, reason);
    };
    let body = Shared(Arc::new(Mutex::new(body)));
    let lines = classify(server, &shown(&decoded(name)), body.clone());
    let fault = body.lock().fault();
    match (lines, fault) {
        (Ok(lines), None) => Answer::new(Status::Good, "application/x-ndjson", lines),
        (_, Some(Fault::TooLong)) => too_large(server),
        (_, Some(fault @ Fault::StoodStill)) => refusal(Status::TooSlow, &fault.to_string()),
        (_, Some(fault)) => refusal(Status::BadRequest, &fault.to_string()),
        (Err(error), None) if expands_too_far(&error) => {
            let reason =
                format!("{error:#}; use `undertone classify`, or another --expansion-limit");
            refusal(Status::TooLarge, &reason)
        }
        (Err(error), None) => refusal(Status::Unprocessable, &format!("{error:#}")),
    }
}

fn too_large(server: &Server) -> Answer {
    let reason = format!(
        "the capture is larger than {} MiB; use `undertone classify`, or another --upload-limit",
        server.upload_limit >> 20
    );
    refusal(Status::TooLarge, &reason)
}

fn expands_too_far(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        matches!(
            cause.downcast_ref(),
            Some(CaptureError::ExpandsTooFar { .. })
        )
    })
}

/// Reads the capture on the way that all captures go.
fn classify(server: &Server, name: &str, body: Shared) -> anyhow::Result<Vec<u8>> {
    let source = Source::reading(name.to_owned(), Box::new(body), server.expansion_limit)?;
    let followed = server.board.add(name, Kind::Upload, server, &source);
    let mut lines = Lines::default();
    let mut output = Output::new(&mut lines, Format::Json, &server.classifier, 1);
    let begun = output.capture(name.as_ref()).map_err(anyhow::Error::from);
    let followed = begun.and_then(|()| {
        followed.follow(server, source, &mut |told| {
            if told.moment == Moment::End {
                output.session(&told.session, told.verdict, told.moment)?;
            }
            Ok(())
        })
    });
    followed.map(|()| lines.bytes)
}

/// A name of a path as it was before it was made fit for that: RFC 3986, section 2.1.
fn decoded(name: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = name.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let digits = behind.get(..2).filter(|_| first == b'%');
        let byte = digits.and_then(|digits| {
            let is_hexadecimal = digits.iter().all(u8::is_ascii_hexdigit);
            let digits = str::from_utf8(digits).ok().filter(|_| is_hexadecimal)?;
            u8::from_str_radix(digits, 16).ok()
        });
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &behind[2..] } else { behind };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A name as it can be shown: without what would end lines or change their direction.
fn shown(name: &str) -> String {
    let is_shown = |character: &char| {
        !character.is_control()
            && !matches!(character, '\u{200e}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    name.chars().filter(is_shown).take(LONGEST_NAME).collect()
}

/// A body that one thread reads and another asks what went wrong.
#[derive(Clone)]
struct Shared(Arc<Mutex<Body>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Body> {
        // Whoever panicked while holding it has read less than there is.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_shown_without_what_would_change_other_text() {
        assert_eq!(shown("a\u{202e}b\n.pcap"), "ab.pcap");
        assert_eq!(shown(&"x".repeat(300)).len(), LONGEST_NAME);
    }

    #[test]
    fn names_are_read_as_browsers_write_them() {
        let check = |name, expected| assert_eq!(decoded(name), expected, "{name}");
        check("capture.pcap", "capture.pcap");
        check("a%20b%2Fc.pcap", "a b/c.pcap");
        check("caf%C3%A9", "caf\u{e9}");
        check("100%", "100%");
        check("%zz%+1%4", "%zz%+1%4");
        check("%ff", "\u{fffd}");
    }
}
