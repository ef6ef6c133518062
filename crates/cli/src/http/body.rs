//! The body of a request: read as it comes in, and never more of it than is allowed.

use std::{
    error, fmt,
    io::{self, BufRead, BufReader, ErrorKind, Read, Write},
};

use super::request::Framing;

/// The longest line between the parts of a body, in bytes.
const LONGEST_LINE: usize = 256;

/// The most lines behind the last part.
const MOST_TRAILERS: usize = 32;

/// What clients wait for that ask whether they may send.
const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// Why there is no more of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It ended before its end.
    BrokeOff,
    /// Nothing came for too long.
    StoodStill,
    /// It is longer than is allowed.
    TooLong,
    /// It is not in parts as it says it is.
    Malformed,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BrokeOff => "the upload broke off",
            Self::StoodStill => "the upload stands still",
            Self::TooLong => "the upload is larger than is allowed",
            Self::Malformed => "the upload is not in the parts that it says it is in",
        })
    }
}

impl error::Error for Fault {}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Self::StoodStill,
            _ => Self::BrokeOff,
        }
    }
}

/// The bytes behind the head of a request.
pub(crate) struct Body {
    stream: BufReader<Box<dyn Read + Send>>,
    framing: Framing,
    /// Where to say that the sender may send, if it waits for that.
    asking: Option<Box<dyn Write + Send>>,
    allowed: u64,
    fault: Option<Fault>,
}

impl Body {
    /// What comes from there; nothing of it is allowed yet.
    pub(super) fn new(
        stream: BufReader<Box<dyn Read + Send>>,
        framing: Framing,
        asking: Option<Box<dyn Write + Send>>,
    ) -> Self {
        Self {
            stream,
            framing,
            asking,
            allowed: 0,
            fault: None,
        }
    }

    /// Lets it be that long, in bytes.
    ///
    /// # Errors
    ///
    /// If it is known to be longer.
    pub(crate) fn allow(&mut self, bytes: u64) -> Result<(), Fault> {
        self.allowed = bytes;
        match self.framing {
            Framing::Length(length) if length > bytes => Err(Fault::TooLong),
            _ => Ok(()),
        }
    }

    /// Why it was not read to its end, once that has gone wrong.
    pub(crate) fn fault(&self) -> Option<Fault> {
        self.fault
    }

    fn read_part(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        if let Some(mut asking) = self.asking.take() {
            asking.write_all(CONTINUE)?;
        }
        let left = self.left()?;
        let most = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if most == 0 {
            return Ok(0);
        }
        let count = loop {
            match self.stream.read(&mut buffer[..most]) {
                Ok(0) => return Err(Fault::BrokeOff),
                Ok(count) => break count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        };
        let left = left - count as u64;
        self.framing = match self.framing {
            Framing::Length(_) => Framing::Length(left),
            _ => Framing::InPart(left),
        };
        self.allowed = self
            .allowed
            .checked_sub(count as u64)
            .ok_or(Fault::TooLong)?;
        Ok(count)
    }

    /// How many bytes of the body come next without anything between; 0 at its end.
    fn left(&mut self) -> Result<u64, Fault> {
        match self.framing {
            Framing::InPart(0) => {
                if !self.line()?.is_empty() {
                    return Err(Fault::Malformed);
                }
                self.next_part()
            }
            Framing::Length(left) | Framing::InPart(left) => Ok(left),
            Framing::Parts => self.next_part(),
        }
    }

    /// RFC 9112, section 7.1: the size of the part in hexadecimal, and what may be ignored.
    fn next_part(&mut self) -> Result<u64, Fault> {
        let line = self.line()?;
        let size = line.split(|&byte| byte == b';').next().unwrap_or_default();
        let size = size.trim_ascii();
        if !size.iter().all(u8::is_ascii_hexdigit) {
            return Err(Fault::Malformed);
        }
        let size = str::from_utf8(size)
            .ok()
            .and_then(|size| u64::from_str_radix(size, 16).ok())
            .ok_or(Fault::Malformed)?;
        self.framing = Framing::InPart(size);
        if size > 0 {
            return Ok(size);
        }
        for _ in 0..MOST_TRAILERS {
            if self.line()?.is_empty() {
                self.framing = Framing::Length(0);
                return Ok(0);
            }
        }
        Err(Fault::Malformed)
    }

    /// A line without its end.
    fn line(&mut self) -> Result<Vec<u8>, Fault> {
        let mut line = Vec::new();
        let mut bounded = self.stream.by_ref().take(LONGEST_LINE as u64);
        bounded.read_until(b'\n', &mut line)?;
        match line.strip_suffix(b"\r\n") {
            Some(text) => Ok(text.to_vec()),
            None if line.len() < LONGEST_LINE && !line.ends_with(b"\n") => Err(Fault::BrokeOff),
            None => Err(Fault::Malformed),
        }
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = match self.fault {
            Some(fault) => Err(fault),
            None => self.read_part(buffer),
        };
        read.map_err(|fault| {
            self.fault = Some(fault);
            // Not of the kind by which decompressors know the end of what they read.
            io::Error::other(fault)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn body(bytes: &'static [u8], framing: Framing) -> Body {
        let bytes: Box<dyn Read + Send> = Box::new(Cursor::new(bytes));
        Body::new(BufReader::new(bytes), framing, None)
    }

    #[track_caller]
    fn check(bytes: &'static [u8], framing: Framing, expected: (&[u8], Option<Fault>)) {
        let mut body = body(bytes, framing);
        body.allow(8).unwrap();
        let mut read = Vec::new();
        let outcome = body.read_to_end(&mut read);
        assert_eq!((&*read, body.fault()), expected);
        assert_eq!(outcome.is_err(), expected.1.is_some());
    }

    #[test]
    fn a_body_is_as_long_as_it_says() {
        check(b"abcdef", Framing::Length(4), (b"abcd", None));
        check(b"abcdef", Framing::Length(0), (b"", None));
        let broken = Some(Fault::BrokeOff);
        check(b"abc", Framing::Length(4), (b"abc", broken));
    }

    #[test]
    fn a_body_in_parts_is_put_together() {
        let check = |bytes, expected: (&[u8], _)| check(bytes, Framing::Parts, expected);
        check(b"3\r\nabc\r\n0\r\n\r\nmore", (b"abc", None));
        check(
            b"3;name=value\r\nabc\r\n02\r\nde\r\n0\r\nName: value\r\n\r\n",
            (b"abcde", None),
        );
        check(b"3\r\nabc\r\n", (b"abc", Some(Fault::BrokeOff)));
        check(b"3\r\nab", (b"ab", Some(Fault::BrokeOff)));
        let malformed = Some(Fault::Malformed);
        check(b"3\r\nabcd\r\n0\r\n\r\n", (b"abc", malformed));
        check(b"+3\r\nabc\r\n0\r\n\r\n", (b"", malformed));
        check(b"\r\nabc\r\n0\r\n\r\n", (b"", malformed));
        check(b"ffffffffffffffffff\r\nabc", (b"", malformed));
        check(b"3\nabc\n0\n\n", (b"", malformed));
        check(&[b'0'; 300], (b"", malformed));
    }

    #[test]
    fn no_more_is_read_than_is_allowed() {
        let too_long = Some(Fault::TooLong);
        let mut unknown = body(b"5\r\nabcde\r\n4\r\nfghi\r\n0\r\n\r\n", Framing::Parts);
        unknown.allow(8).unwrap();
        let mut read = Vec::new();
        assert!(unknown.read_to_end(&mut read).is_err());
        assert!(
            read.len() <= 8 && b"abcdefgh".starts_with(&read),
            "{read:?}"
        );
        assert_eq!(unknown.fault(), too_long);
        let mut known = body(b"abcdefghi", Framing::Length(9));
        assert_eq!(known.allow(8), Err(Fault::TooLong));
        let mut unasked = body(b"a", Framing::Length(1));
        assert!(unasked.read(&mut [0]).is_err());
    }
}
