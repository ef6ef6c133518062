//! As much of an HTTP client as the tests need.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came back.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Without the first line, names in small letters.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Reads one to the end of its connection, or as far as it says it is long.
    pub(crate) fn read(stream: &mut TcpStream) -> Self {
        let mut bytes = Vec::new();
        let mut part = [0; 8_192];
        loop {
            if let Some(answer) = Self::parse(&bytes) {
                return answer;
            }
            let length = stream.read(&mut part).unwrap();
            assert!(length > 0, "{}", String::from_utf8_lossy(&bytes));
            bytes.extend_from_slice(&part[..length]);
        }
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let head = std::str::from_utf8(&bytes[..end]).unwrap();
        let mut lines = head.lines();
        let status = lines.next()?.split(' ').nth(1)?.parse().unwrap();
        let headers: Vec<(String, String)> = lines
            .filter_map(|line| line.split_once(':'))
            .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        let body = bytes[end + 4..].to_vec();
        let answer = Self {
            status,
            headers,
            body,
        };
        let length: usize = answer.header("content-length").parse().unwrap();
        (answer.body.len() == length).then_some(answer)
    }
}

/// Sends what stands before a body of that length.
pub(crate) fn begin(
    address: &str,
    line: &str,
    headers: &[(&str, &str)],
    length: usize,
) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut head = format!("{line} HTTP/1.1\r\ncontent-length: {length}\r\n");
    if headers.iter().all(|(name, _)| *name != "host") {
        head = head + "host: " + address + "\r\n";
    }
    for (name, value) in headers {
        head = head + name + ": " + value + "\r\n";
    }
    stream.write_all((head + "\r\n").as_bytes()).unwrap();
    stream
}

/// Sends a request, such as `GET /`, and waits for the answer.
pub(crate) fn request(address: &str, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
    let mut stream = begin(address, line, headers, body.len());
    // Whoever refuses a request need not read all of it.
    let _ = stream.write_all(body);
    Answer::read(&mut stream)
}

pub(crate) fn get(address: &str, path: &str) -> Answer {
    request(address, &format!("GET {path}"), &[], &[])
}
