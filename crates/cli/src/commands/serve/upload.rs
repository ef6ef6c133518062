//! Uploads: a capture in the body of a request, read while it comes in.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use axum::{
    body::Body,
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use learn::classifier::Moment;
use tokio::task::spawn_blocking;
use traffic::capture::CaptureError;

use super::{
    Server,
    answer::{Lines, refusal},
    followed::Kind,
};
use crate::{
    following::Source,
    http::{Fault, Incoming},
    output::{Format, Output},
};

/// The longest name of a capture, in characters.
const LONGEST_NAME: usize = 200;

/// Answers with a line of JSON for each session, as `classify --format json` has them.
pub(super) async fn upload(
    State(server): State<Arc<Server>>,
    Path(name): Path<String>,
    body: Body,
) -> Response {
    let Ok(incoming) = Incoming::new(body, server.upload_limit) else {
        return too_large(&server);
    };
    let Ok(permit) = Arc::clone(&server.uploads).try_acquire_owned() else {
        let reason = "other captures are being read; try again when they are done";
        return refusal(StatusCode::SERVICE_UNAVAILABLE, reason);
    };
    let reading = spawn_blocking(move || {
        let _permit = permit;
        respond(&server, &shown(&name), incoming)
    });
    // The message of a panic is on standard error by then.
    let bug = |_| {
        refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            "this is a bug of the program",
        )
    };
    reading.await.unwrap_or_else(bug)
}

fn respond(server: &Server, name: &str, incoming: Incoming) -> Response {
    let body = Shared(Arc::new(Mutex::new(incoming)));
    let lines = classify(server, name, body.clone());
    let fault = body.lock().fault();
    match (lines, fault) {
        (Ok(lines), None) => ([(CONTENT_TYPE, "application/x-ndjson")], lines).into_response(),
        (_, Some(Fault::TooLong)) => too_large(server),
        (_, Some(fault @ Fault::StoodStill)) => {
            refusal(StatusCode::REQUEST_TIMEOUT, &fault.to_string())
        }
        (_, Some(fault @ Fault::BrokeOff)) => refusal(StatusCode::BAD_REQUEST, &fault.to_string()),
        (Err(error), None) if expands_too_far(&error) => {
            let reason =
                format!("{error:#}; use `undertone classify`, or another --expansion-limit");
            refusal(StatusCode::PAYLOAD_TOO_LARGE, &reason)
        }
        (Err(error), None) => refusal(StatusCode::UNPROCESSABLE_ENTITY, &format!("{error:#}")),
    }
}

fn too_large(server: &Server) -> Response {
    let reason = format!(
        "the capture is larger than {} MiB; use `undertone classify`, or another --upload-limit",
        server.upload_limit >> 20
    );
    refusal(StatusCode::PAYLOAD_TOO_LARGE, &reason)
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
struct Shared(Arc<Mutex<Incoming>>);

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Incoming> {
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
}
