//! Routes: which request is answered by what.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{StatusCode, header::CONTENT_TYPE},
    middleware::from_fn,
    response::Response,
    routing::{MethodRouter, get, put},
};

use super::{
    Server,
    answer::{json, refusal},
    guard::guard,
    snapshot::{Listing, Snapshot},
    upload::upload,
};
use crate::overview::Order;

/// The page and what it is made of.
const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// All answers, guarded.
pub(super) fn router(server: Arc<Server>) -> Router {
    Router::new()
        .route("/", file("text/html; charset=utf-8", PAGE))
        .route("/page.css", file("text/css; charset=utf-8", STYLE))
        .route("/page.js", file("text/javascript; charset=utf-8", SCRIPT))
        .route("/api/sources", get(sources))
        .route("/api/sources/{number}/{order}", get(source))
        .route("/api/captures/{name}", put(upload))
        .fallback(|| async { refusal(StatusCode::NOT_FOUND, "there is no such page") })
        .method_not_allowed_fallback(|| async {
            let reason = "there are pages to get, and captures to put at /api/captures/ and a name";
            refusal(StatusCode::METHOD_NOT_ALLOWED, reason)
        })
        .layer(from_fn(guard))
        .with_state(server)
}

fn file(content_type: &'static str, text: &'static str) -> MethodRouter<Arc<Server>> {
    get(move || async move { ([(CONTENT_TYPE, content_type)], text) })
}

async fn sources(State(server): State<Arc<Server>>) -> Response {
    json(&Listing::of(&server))
}

async fn source(
    State(server): State<Arc<Server>>,
    Path((number, order)): Path<(String, String)>,
) -> Response {
    let found = number.parse().ok();
    let Some(followed) = found.and_then(|number| server.board.find(number)) else {
        return refusal(StatusCode::NOT_FOUND, "there is no such source any more");
    };
    match Order::named(&order) {
        Some(order) => json(&Snapshot::of(&followed, order)),
        None => refusal(StatusCode::NOT_FOUND, "sessions cannot be sorted by that"),
    }
}
