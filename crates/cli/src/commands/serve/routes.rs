//! Routes: which request is answered by what.

use super::{
    Server,
    answer::{json, refusal},
    guard::{HEADERS, check},
    snapshot::{Listing, Snapshot},
    upload::upload,
};
use crate::{
    http::{Answer, Request, Status},
    overview::Order,
};

/// The page and what it is made of.
const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The answer to a request, guarded.
pub(super) fn respond(server: &Server, request: Request) -> Answer {
    let answer = match check(request.headers(), request.path == "/") {
        Ok(()) => route(server, request),
        Err(reason) => refusal(Status::Forbidden, reason),
    };
    Answer {
        headers: &HEADERS,
        ..answer
    }
}

fn route(server: &Server, request: Request) -> Answer {
    let path = request.path.clone();
    let names: Vec<&str> = path.split('/').skip(1).collect();
    match (request.method.as_str(), names.as_slice()) {
        ("GET", [""]) => file("text/html; charset=utf-8", PAGE),
        ("GET", ["page.css"]) => file("text/css; charset=utf-8", STYLE),
        ("GET", ["page.js"]) => file("text/javascript; charset=utf-8", SCRIPT),
        ("GET", ["api", "sources"]) => json(Status::Good, &Listing::of(server)),
        ("GET", ["api", "sources", number, order]) => source(server, number, order),
        ("PUT", ["api", "captures", name]) if !name.is_empty() => {
            upload(server, name, request.body)
        }
        ("GET", _) => refusal(Status::NotFound, "there is no such page"),
        ("PUT", _) => refusal(
            Status::NotFound,
            "put a capture at /api/captures/ and its name",
        ),
        _ => refusal(
            Status::MethodNotAllowed,
            "there are pages to get and captures to put",
        ),
    }
}

fn file(content_type: &'static str, text: &'static str) -> Answer {
    Answer::new(Status::Good, content_type, text.as_bytes())
}

fn source(server: &Server, number: &str, order: &str) -> Answer {
    let found = number.parse().ok();
    let Some(followed) = found.and_then(|number| server.board.find(number)) else {
        return refusal(Status::NotFound, "there is no such source any more");
    };
    match Order::named(order) {
        Some(order) => json(Status::Good, &Snapshot::of(&followed, order)),
        None => refusal(Status::NotFound, "sessions cannot be sorted by that"),
    }
}
