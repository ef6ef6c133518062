//! The responder: answers HTTP requests for a page or two, one after another.
//!
//! Whoever scrapes comes alone and every few seconds, so one thread and one request for each
//! connection are all of HTTP that is needed.

use std::{
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
    time::{Duration, Instant},
};

/// The longest request that is read, in bytes.
const LONGEST_REQUEST: usize = 8 << 10;

/// How long one request may take, from its first byte to the last of its answer.
const PATIENCE: Duration = Duration::from_secs(2);

/// What a path has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status and its phrase.
    pub(crate) status: &'static str,
    /// The page.
    pub(crate) text: String,
}

impl Answer {
    /// All is well, and this is the page.
    pub(crate) fn good(text: String) -> Self {
        Self {
            status: "200 OK",
            text,
        }
    }

    /// Something is wrong for now.
    pub(crate) fn unavailable(text: String) -> Self {
        Self {
            status: "503 Service Unavailable",
            text,
        }
    }

    fn of_request(head: &str, page: &dyn Fn(&str) -> Option<Answer>) -> Self {
        let refused = |status, text: &str| Self {
            status,
            text: format!("{text}\n"),
        };
        let mut words = head.lines().next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some(version)) =
            (words.next(), words.next(), words.next())
        else {
            return refused("400 Bad Request", "not a request of HTTP/1.1");
        };
        if !version.starts_with("HTTP/1.") {
            return refused("400 Bad Request", "not a request of HTTP/1.1");
        }
        if method != "GET" {
            return refused("405 Method Not Allowed", "there is nothing here but to get");
        }
        let path = target.split('?').next().unwrap_or_default();
        page(path).unwrap_or_else(|| refused("404 Not Found", "see /metrics and /healthz"))
    }
}

/// Where to listen: `HOST:PORT`, or a port of this machine alone.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    let port = text.strip_prefix("localhost:").unwrap_or(text);
    if let Ok(port) = port.parse() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    text.parse()
        .map_err(|_| "give a port, or an address and a port, as `127.0.0.1:9100`".to_owned())
}

/// A listener that nobody answers for yet.
pub(crate) struct Responder(TcpListener);

impl Responder {
    /// Listens there.
    ///
    /// # Errors
    ///
    /// If the address is not this machine's, or somebody else's already.
    pub(crate) fn bind(address: SocketAddr) -> io::Result<Self> {
        TcpListener::bind(address).map(Self)
    }

    /// Where it listens; a port of 0 has become one that was free.
    pub(crate) fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    /// Answers with `page` for paths that it knows, on a thread that ends with the program.
    pub(crate) fn start(self, page: impl Fn(&str) -> Option<Answer> + Send + 'static) {
        thread::spawn(move || {
            for stream in self.0.incoming() {
                // Whoever asked and left is no concern of ours; if there are no sockets left, some
                // will be free later.
                let answered = stream.and_then(|stream| answer(stream, &page));
                if answered.is_err() {
                    thread::sleep(Duration::from_millis(10));
                }
            }
        });
    }
}

fn answer(mut stream: TcpStream, page: &dyn Fn(&str) -> Option<Answer>) -> io::Result<()> {
    let begun = Instant::now();
    let mut request = Vec::new();
    let mut part = [0; 1024];
    while !request.windows(4).any(|end| end == b"\r\n\r\n") && request.len() < LONGEST_REQUEST {
        let left = PATIENCE.saturating_sub(begun.elapsed());
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut part)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&part[..count]),
        }
    }
    let Answer { status, text } = Answer::of_request(&String::from_utf8_lossy(&request), page);
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        text.len()
    );
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all((head + &text).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(path: &str) -> Option<Answer> {
        (path == "/metrics").then(|| Answer::good("a 1\n".to_owned()))
    }

    #[test]
    fn requests_are_answered_by_their_path_and_refused_by_their_form() {
        let check = |request, status| {
            assert_eq!(
                Answer::of_request(request, &page).status,
                status,
                "{request}"
            );
        };
        check("GET /metrics HTTP/1.1\r\n", "200 OK");
        check("GET /metrics?name=a HTTP/1.0\r\n", "200 OK");
        check("GET /elsewhere HTTP/1.1\r\n", "404 Not Found");
        check("POST /metrics HTTP/1.1\r\n", "405 Method Not Allowed");
        check("GET /metrics\r\n", "400 Bad Request");
        check("GET /metrics HTTP/2\r\n", "400 Bad Request");
        check("", "400 Bad Request");
    }

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        let check = |text, expected: &str| {
            assert_eq!(
                address(text).map(|address| address.to_string()),
                Ok(expected.to_owned())
            );
        };
        check("9100", "127.0.0.1:9100");
        check("localhost:9100", "127.0.0.1:9100");
        check("0.0.0.0:9100", "0.0.0.0:9100");
        check("[::1]:9100", "[::1]:9100");
        assert!(address("everywhere").is_err());
    }

    #[test]
    fn a_request_that_comes_in_pieces_is_answered_whole() {
        let responder = Responder::bind(address("0").unwrap()).unwrap();
        let place = responder.address().unwrap();
        responder.start(page);
        let mut stream = TcpStream::connect(place).unwrap();
        for piece in ["GET /met", "rics HTTP/1.1\r\nHost: here\r\n", "\r\n"] {
            stream.write_all(piece.as_bytes()).unwrap();
        }
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(
            text.contains("Content-Length: 4\r\n") && text.ends_with("\r\n\r\na 1\n"),
            "{text}"
        );
    }
}
