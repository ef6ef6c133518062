//! Requests: their heads, read to the last line within a moment.

use std::{
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use super::{Answer, Body, Status};

/// The longest head, in bytes.
const LONGEST_HEAD: usize = 16 << 10;

/// How long a head may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long nothing may come of a body, or be taken of an answer.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// What a head ends with.
const END: &[u8] = b"\r\n\r\n";

/// How a body says where it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// After so many more bytes.
    Length(u64),
    /// In a part of which so many bytes are to come; others may follow.
    InPart(u64),
    /// Before the first of its parts, each of which says how long it is.
    Parts,
}

/// What somebody asks for.
pub(crate) struct Request {
    pub(crate) method: String,
    /// What is asked for, as it was sent, without what follows a question mark.
    pub(crate) path: String,
    headers: Headers,
    pub(crate) body: Body,
}

impl Request {
    /// Reads the next; none if somebody only opened a connection and left.
    pub(super) fn read(stream: &TcpStream) -> io::Result<Option<Result<Self, Answer>>> {
        let bytes: Box<dyn Read + Send> = Box::new(stream.try_clone()?);
        let mut bytes = BufReader::new(bytes);
        let Some(head) = read_head(&mut bytes, stream)? else {
            return Ok(None);
        };
        stream.set_read_timeout(Some(LONGEST_SILENCE))?;
        stream.set_write_timeout(Some(LONGEST_SILENCE))?;
        let bad = || Answer::line(Status::BadRequest, "not a request of HTTP/1.1");
        let Some((head, framing)) = Head::parse(&head).and_then(|head| {
            let framing = head.framing()?;
            Some((head, framing))
        }) else {
            return Ok(Some(Err(bad())));
        };
        let waits = head.headers.all("expect").next().is_some();
        let asking = stream.try_clone()?;
        let asking: Option<Box<dyn Write + Send>> = waits.then(|| Box::new(asking) as _);
        Ok(Some(Ok(Self {
            method: head.method,
            path: head.path,
            headers: head.headers,
            body: Body::new(bytes, framing, asking),
        })))
    }

    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }
}

/// Reads to the empty line behind the headers.
fn read_head(bytes: &mut impl BufRead, stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let begun = Instant::now();
    let mut head = Vec::new();
    while !head.ends_with(END) {
        let left = PATIENCE.saturating_sub(begun.elapsed());
        if left.is_zero() || head.len() >= LONGEST_HEAD {
            return Err(ErrorKind::InvalidData.into());
        }
        stream.set_read_timeout(Some(left))?;
        let available = bytes.fill_buf()?;
        if available.is_empty() {
            return Ok(None);
        }
        let mut taken = 0;
        while taken < available.len() && head.len() < LONGEST_HEAD && !head.ends_with(END) {
            head.push(available[taken]);
            taken += 1;
        }
        bytes.consume(taken);
    }
    Ok(Some(head))
}

/// Names in small letters, and values.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Headers(Vec<(String, String)>);

impl Headers {
    /// All values of that name, which must be in small letters.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The value of that name, if it is there once.
    pub(crate) fn only(&self, name: &str) -> Option<&str> {
        let mut values = self.all(name);
        let value = values.next()?;
        values.next().is_none().then_some(value)
    }
}

#[cfg(test)]
impl<const COUNT: usize> From<[(&str, &str); COUNT]> for Headers {
    fn from(headers: [(&str, &str); COUNT]) -> Self {
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        Self(headers.map(owned).to_vec())
    }
}

/// The lines before a body.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    method: String,
    path: String,
    headers: Headers,
}

impl Head {
    /// RFC 9112, sections 2 to 5, without what it calls obsolete.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let text = str::from_utf8(bytes.strip_suffix(END)?).ok()?;
        let mut lines = text.split("\r\n");
        let mut words = lines.next()?.split(' ');
        let (method, target, version) = (words.next()?, words.next()?, words.next()?);
        let is_understood = is_name(method)
            && target.starts_with('/')
            && matches!(version, "HTTP/1.1" | "HTTP/1.0")
            && words.next().is_none();
        if !is_understood || target.contains(char::is_control) {
            return None;
        }
        let header = |line: &str| {
            let (name, value) = line.split_once(':')?;
            let is_fine =
                is_name(name) && !value.contains(|one: char| one.is_control() && one != '\t');
            is_fine.then(|| (name.to_ascii_lowercase(), value.trim().to_owned()))
        };
        let headers: Option<Vec<_>> = lines.map(header).collect();
        let (path, _) = target.split_once('?').unwrap_or((target, ""));
        Some(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Headers(headers?),
        })
    }

    /// Where the body ends; none if there is more than one answer to that, or one unknown here.
    fn framing(&self) -> Option<Framing> {
        let has = |name| self.headers.all(name).next().is_some();
        match (has("transfer-encoding"), has("content-length")) {
            (false, false) => Some(Framing::Length(0)),
            (false, true) => {
                let length = self.headers.only("content-length")?;
                let is_number = length.bytes().all(|byte| byte.is_ascii_digit());
                let length = is_number.then(|| length.parse().ok()).flatten()?;
                Some(Framing::Length(length))
            }
            (true, false) => {
                let encoding = self.headers.only("transfer-encoding")?;
                encoding
                    .eq_ignore_ascii_case("chunked")
                    .then_some(Framing::Parts)
            }
            (true, true) => None,
        }
    }
}

/// What RFC 9110 calls a token.
fn is_name(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Method, path and framing of a head without its end.
    fn read(lines: &str) -> Option<(String, String, Framing)> {
        let head = Head::parse(format!("{lines}\r\n\r\n").as_bytes())?;
        let framing = head.framing()?;
        Some((head.method, head.path, framing))
    }

    #[track_caller]
    fn check(lines: &str, expected: Option<(&str, &str, Framing)>) {
        let expected =
            expected.map(|(method, path, framing)| (method.into(), path.into(), framing));
        assert_eq!(read(lines), expected, "{lines}");
    }

    #[test]
    fn a_head_says_what_is_asked_for_and_how_long_the_body_is() {
        let none = Framing::Length(0);
        check("GET / HTTP/1.1", Some(("GET", "/", none)));
        check(
            "GET /a%20b?c=d HTTP/1.0\r\nHost: here",
            Some(("GET", "/a%20b", none)),
        );
        check(
            "PUT /a HTTP/1.1\r\nContent-Length: 12",
            Some(("PUT", "/a", Framing::Length(12))),
        );
        check(
            "PUT /a HTTP/1.1\r\nTRANSFER-ENCODING:Chunked",
            Some(("PUT", "/a", Framing::Parts)),
        );
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        for lines in [
            "GET /",
            "GET / HTTP/2",
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 more",
            "GET http://elsewhere/ HTTP/1.1",
            "G\u{e4}T / HTTP/1.1",
            "GET / HTTP/1.1\r\nno header",
            "GET / HTTP/1.1\r\nName : value",
            "GET / HTTP/1.1\r\n: value",
            "GET / HTTP/1.1\r\nName: a\nOther: b",
            "PUT / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2",
            "PUT / HTTP/1.1\r\nContent-Length: +1",
            "PUT / HTTP/1.1\r\nContent-Length:",
            "PUT / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked",
            "PUT / HTTP/1.1\r\nTransfer-Encoding: gzip, chunked",
        ] {
            check(lines, None);
        }
    }

    #[test]
    fn a_header_that_is_there_twice_has_no_only_value() {
        let headers = Headers::from([("host", "a"), ("host", "b"), ("origin", "c")]);
        assert_eq!(headers.only("host"), None);
        assert_eq!(headers.only("origin"), Some("c"));
        assert_eq!(headers.all("host").count(), 2);
    }
}
