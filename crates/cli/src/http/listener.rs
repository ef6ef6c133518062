//! The listener: has requests answered on a thread of its own, one on each connection.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    thread,
    time::Duration,
};

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net, runtime,
    sync::Semaphore,
    time::{sleep, timeout},
};

/// Requests that are answered at once.
const CONNECTIONS: usize = 32;

/// How long the head of a request may take.
const PATIENCE: Duration = Duration::from_secs(10);

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

    /// Answers from then on, until the program ends.
    ///
    /// # Errors
    ///
    /// If the system has nothing left to wait for sockets with.
    pub(crate) fn start(self, router: Router) -> io::Result<()> {
        self.0.set_nonblocking(true)?;
        let runtime = runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let listener = runtime.block_on(async { net::TcpListener::from_std(self.0) })?;
        thread::spawn(move || runtime.block_on(answer_all(listener, router)));
        Ok(())
    }
}

async fn answer_all(listener: net::TcpListener, router: Router) {
    let free = Arc::new(Semaphore::new(CONNECTIONS));
    // It is never closed.
    while let Ok(permit) = Arc::clone(&free).acquire_owned().await {
        let Ok((stream, _)) = listener.accept().await else {
            // If there are no sockets left, some will be free later.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let router = router.clone();
        tokio::spawn(async move {
            // Whoever asked and left is no concern of ours.
            let _ = answer(stream, router).await;
            drop(permit);
        });
    }
}

async fn answer(stream: net::TcpStream, router: Router) -> Result<(), hyper::Error> {
    let connection = http1::Builder::new()
        .keep_alive(false)
        .half_close(true)
        .timer(TokioTimer::new())
        .header_read_timeout(PATIENCE)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    let stream = connection.without_shutdown().await?.io.into_inner();
    let _ = timeout(FAREWELL, say_farewell(stream)).await;
    Ok(())
}

/// A connection that is closed while something still comes in takes the answer with it: RFC 9112,
/// section 9.6.
async fn say_farewell(mut stream: net::TcpStream) -> io::Result<()> {
    stream.shutdown().await?;
    let mut rest = vec![0; 16 << 10];
    while let Ok(Ok(1..)) = timeout(LONGEST_SILENCE, stream.read(&mut rest)).await {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        net::TcpStream,
    };

    use axum::{
        body::Body,
        extract::Path,
        http::StatusCode,
        response::{IntoResponse, Response},
        routing::put,
    };

    use super::*;
    use crate::http::Incoming;

    /// Bodies of the tests may be so long.
    const ALLOWED: u64 = 8;

    async fn respond(Path(name): Path<String>, body: Body) -> Response {
        let mut incoming = match Incoming::new(body, ALLOWED) {
            Ok(incoming) => incoming,
            Err(fault) => return (StatusCode::BAD_REQUEST, fault.to_string()).into_response(),
        };
        let reading = tokio::task::spawn_blocking(move || {
            let mut text = String::new();
            let outcome = incoming.read_to_string(&mut text);
            assert_eq!(outcome.is_err(), incoming.fault().is_some());
            match incoming.fault() {
                None => (StatusCode::OK, format!("{name} {text}")),
                Some(fault) => (StatusCode::BAD_REQUEST, format!("{text} {fault}")),
            }
        });
        reading.await.unwrap().into_response()
    }

    /// What comes back for these pieces of a request.
    fn ask(pieces: &[&[u8]]) -> String {
        let listener = Listener::bind(address("0").unwrap()).unwrap();
        let mut stream = TcpStream::connect(listener.address().unwrap()).unwrap();
        let router = Router::new().route("/{name}", put(respond));
        listener.start(router).unwrap();
        for piece in pieces {
            stream.write_all(piece).unwrap();
        }
        let mut text = String::new();
        stream.read_to_string(&mut text).unwrap();
        text
    }

    /// Asks and compares the first line of the answer, and its body.
    #[track_caller]
    fn check(pieces: &[&[u8]], line: &str, body: &str) {
        let text = ask(pieces);
        assert!(text.starts_with(&format!("HTTP/1.1 {line}\r\n")), "{text}");
        assert!(text.contains("connection: close\r\n"), "{text}");
        assert_eq!(text.split_once("\r\n\r\n").unwrap().1, body, "{text}");
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
        let pieces: [&[u8]; 3] = [
            b"PUT /na",
            b"me HTTP/1.1\r\nContent-Length: 3\r\n\r",
            b"\nabc",
        ];
        check(&pieces, "200 OK", "name abc");
    }

    #[test]
    fn a_body_in_parts_is_put_together() {
        let head = b"PUT /name HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
        let check = |body: &[u8], line, text| check(&[head, body], line, text);
        check(b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "200 OK", "name abcde");
        let refused = "400 Bad Request";
        check(b"3\r\nabc\r\nno", refused, "abc the upload broke off");
        let too_long = "abcde the upload is larger than is allowed";
        check(b"5\r\nabcde\r\n4\r\nfghi\r\n0\r\n\r\n", refused, too_long);
    }

    #[test]
    fn nobody_need_send_what_is_too_long_and_who_does_is_answered() {
        let head = b"PUT /name HTTP/1.1\r\nContent-Length: 200000\r\n\r\n";
        let refusal = "the upload is larger than is allowed";
        check(&[head, &vec![0; 200_000]], "400 Bad Request", refusal);
        let head = b"PUT /name HTTP/1.1\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n";
        check(&[head], "400 Bad Request", refusal);
    }

    #[test]
    fn whoever_asks_whether_to_send_is_told_to() {
        let head = b"PUT /name HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
        let text = ask(&[head, b"abc"]);
        let expected = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n";
        assert!(text.starts_with(expected), "{text}");
    }

    #[test]
    fn nonsense_is_refused() {
        check(&[b"nonsense\r\n\r\n"], "400 Bad Request", "");
    }
}
