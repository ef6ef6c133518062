//! The guard: requests that may come from this machine's own page or programs, and no others.
//!
//! Any site that somebody visits can send requests to loopback addresses from their browser, and
//! can let a name of its own point there (DNS rebinding). Browsers say in `Host` by which name they
//! came, and in `Origin` and `Sec-Fetch-Site` from which page; pages cannot change these.

use std::net::IpAddr;

use crate::http::Headers;

/// What every answer says: the page may run its own script and style and ask where it came from,
/// and nobody may put it into a page of theirs.
pub(super) const HEADERS: [(&str, &str); 6] = [
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    ),
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cache-Control", "no-store"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
];

/// Whether a request with these headers is one of this machine; a link to the page may be anywhere.
pub(super) fn check(headers: &Headers, is_page: bool) -> Result<(), &'static str> {
    let host = headers
        .only("host")
        .ok_or("the request must say in `Host` whom it is for")?;
    if !is_local(host) {
        return Err("this page is of this machine only: open it as 127.0.0.1 or localhost");
    }
    let own = format!("http://{host}");
    if headers.all("origin").any(|origin| origin != own) {
        return Err("the request comes from a page of another origin");
    }
    let is_own = |site| matches!(site, "same-origin" | "none");
    if !is_page && !headers.all("sec-fetch-site").all(is_own) {
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
        headers: [(&str, &str); COUNT],
        is_page: bool,
        is_fine: bool,
    ) {
        let outcome = check(&Headers::from(headers), is_page);
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
