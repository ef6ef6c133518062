//! The listener: hears requests and has them answered.

use std::{
    io::{self, Read},
    net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream},
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use super::{Answer, Request, Status};

/// How long whoever was answered may go on sending, so that the answer is not lost on the way.
const FAREWELL: Duration = Duration::from_secs(10);

/// How long nothing may come meanwhile.
const LONGEST_SILENCE: Duration = Duration::from_secs(1);

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
pub(crate) struct Listener(TcpListener);

impl Listener {
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

    /// Has so many requests answered at once, on threads that end with the program.
    pub(crate) fn start(
        self,
        threads: NonZeroUsize,
        respond: impl Fn(Request) -> Answer + Send + Sync + 'static,
    ) {
        let shared = Arc::new((self.0, respond));
        for _ in 0..threads.get() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let (listener, respond) = &*shared;
                loop {
                    let accepted = listener.accept();
                    // Whoever asked and left is no concern of ours; if there are no sockets left,
                    // some will be free later.
                    if accepted
                        .and_then(|(stream, _)| answer(stream, respond))
                        .is_err()
                    {
                        thread::sleep(Duration::from_millis(10));
                    }
                }
            });
        }
    }
}

fn answer(mut stream: TcpStream, respond: &dyn Fn(Request) -> Answer) -> io::Result<()> {
    let answer = match Request::read(&stream)? {
        None => return Ok(()),
        Some(Err(refusal)) => refusal,
        // The message of a panic is on standard error by then, and others wait for this thread.
        Some(Ok(request)) => catch_unwind(AssertUnwindSafe(|| respond(request)))
            .unwrap_or_else(|_| Answer::line(Status::Mistake, "this is a bug of the program")),
    };
    answer.write(&mut stream)?;
    say_farewell(&stream)
}

/// A connection that is closed while something still comes in takes the answer with it: RFC 9112,
/// section 9.6.
fn say_farewell(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    stream.set_read_timeout(Some(LONGEST_SILENCE))?;
    let begun = Instant::now();
    let mut rest = [0; 16 << 10];
    while begun.elapsed() < FAREWELL && matches!(stream.read(&mut rest), Ok(1..)) {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn respond(mut request: Request) -> Answer {
        let mut text = String::new();
        assert_eq!(request.body.allow(1 << 20), Ok(()), "a panic is answered");
        match request.body.read_to_string(&mut text) {
            Ok(_) => Answer::line(Status::Good, &format!("{} {text}", request.path)),
            Err(error) => Answer::line(Status::BadRequest, &error.to_string()),
        }
    }

    /// What comes back for these pieces of a request.
    fn ask(pieces: &[&[u8]]) -> String {
        let listener = Listener::bind(address("0").unwrap()).unwrap();
        let place = listener.address().unwrap();
        listener.start(NonZeroUsize::MIN, respond);
        let mut stream = TcpStream::connect(place).unwrap();
        for piece in pieces {
            stream.write_all(piece).unwrap();
        }
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
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
        let text = ask(&[
            b"PUT /na",
            b"me HTTP/1.1\r\nContent-Length: 3\r\n\r",
            b"\nabc",
        ]);
        assert!(text.starts_with("HTTP/1.1 200 OK\r\n"), "{text}");
        assert!(text.ends_with("\r\n\r\n/name abc\n"), "{text}");
    }

    #[test]
    fn whoever_asks_whether_to_send_is_told_to() {
        let text =
            ask(&[b"PUT / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nabc"]);
        assert!(
            text.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"),
            "{text}"
        );
    }

    #[test]
    fn nonsense_and_panics_are_answered() {
        let text = ask(&[b"nonsense\r\n\r\n"]);
        assert!(text.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{text}");
        let text = ask(&[
            b"PUT / HTTP/1.1\r\nContent-Length: 2000000\r\n\r\n",
            &vec![0; 99_999],
        ]);
        assert!(
            text.starts_with("HTTP/1.1 500 Internal Server Error\r\n"),
            "{text}"
        );
    }
}
