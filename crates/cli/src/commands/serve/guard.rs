//! The guard: requests that may come from this machine's own page or programs, and no others.
//!
//! Any site that somebody visits can send requests to loopback addresses from their browser, and
//! can let a name of its own point there (DNS rebinding). Browsers say in `Host` by which name they
//! came, and in `Origin` and `Sec-Fetch-Site` from which page; pages cannot change these.

use std::net::IpAddr;

use axum::{
    extract::Request,
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY,
            X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
        },
    },
    middleware::Next,
    response::Response,
};

use super::answer::refusal;

/// What every answer says: the page may run its own script and style and ask where it came from,
/// and nobody may put it into a page of theirs.
const HEADERS: [(HeaderName, &str); 6] = [
    (
        CONTENT_SECURITY_POLICY,
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "no-referrer"),
    (CACHE_CONTROL, "no-store"),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        "same-origin",
    ),
];

/// Refuses what may not be asked, and says in every answer what may be done with it.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = match check(request.headers(), request.uri().path() == "/") {
        Ok(()) => next.run(request).await,
        Err(reason) => refusal(StatusCode::FORBIDDEN, reason),
    };
    for (name, value) in HEADERS {
        let headers = response.headers_mut();
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a request with these headers is one of this machine; a link to the page may be anywhere.
fn check(headers: &HeaderMap, is_page: bool) -> Result<(), &'static str> {
    let mut hosts = headers.get_all(HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err("the request must say in `Host` whom it is for");
    };
    let host = host.to_str().unwrap_or_default();
    if !is_local(host) {
        return Err("this page is of this machine only: open it as 127.0.0.1 or localhost");
    }
    let own = format!("http://{host}");
    if headers.get_all(ORIGIN).iter().any(|origin| *origin != own) {
        return Err("the request comes from a page of another origin");
    }
    let is_own = |site: &HeaderValue| *site == "same-origin" || *site == "none";
    if !is_page && !headers.get_all("sec-fetch-site").iter().all(is_own) {
        return Err("the request comes from a page of another site");
    }
    Ok(())
}

/// Whether a host is this machine by its address or its name, which no one else can give away.
///
/// The port may be another than ours: that of an `ssh -L`.
fn is_local(host: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let name = match host.rsplit_once(':') {
        Some((name, port)) if is_port(port) => name,
        _ => host,
    };
    let inside = name
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    name.eq_ignore_ascii_case("localhost")
        || inside
            .unwrap_or(name)
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_headers<const COUNT: usize>(
        headers: [(&'static str, &'static str); COUNT],
        is_page: bool,
        is_fine: bool,
    ) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_static(value));
        }
        let outcome = check(&map, is_page);
        assert_eq!(outcome.is_ok(), is_fine, "{headers:?} {outcome:?}");
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for host in ["127.0.0.1:8470", "localhost:9", "[::1]:8470", "LOCALHOST"] {
            check_headers([("host", host)], false, true);
        }
        for host in [
            "example.org",
            "127.0.0.1.example.org",
            "localhost.example.org:8470",
            "192.168.1.2:8470",
            "user@localhost",
            "localhost:80@example.org",
            "::1",
            "[127.0.0.1",
            "",
        ] {
            check_headers([("host", host)], true, false);
        }
        check_headers([], true, false);
        check_headers([("host", "localhost"), ("host", "localhost")], true, false);
    }

    #[test]
    fn pages_of_other_origins_are_refused() {
        let host = ("host", "127.0.0.1:8470");
        check_headers([host, ("origin", "http://127.0.0.1:8470")], false, true);
        for origin in [
            "https://example.org",
            "http://127.0.0.1:3000",
            "https://127.0.0.1:8470",
            "null",
        ] {
            check_headers([host, ("origin", origin)], false, false);
            check_headers([host, ("origin", origin)], true, false);
        }
    }

    #[test]
    fn other_sites_may_link_to_the_page_and_ask_for_nothing_else() {
        let host = ("host", "127.0.0.1:8470");
        let from_elsewhere = [host, ("sec-fetch-site", "cross-site")];
        check_headers(from_elsewhere, true, true);
        check_headers(from_elsewhere, false, false);
        check_headers([host, ("sec-fetch-site", "same-site")], false, false);
        check_headers([host, ("sec-fetch-site", "same-origin")], false, true);
    }
}
