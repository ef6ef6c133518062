//! Answers to requests.

use std::{
    borrow::Cow,
    io::{self, Write},
};

/// How a request went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// As it should.
    Good,
    /// Nobody can make sense of it.
    BadRequest,
    /// Whoever asks may not.
    Forbidden,
    /// There is nothing of that name.
    NotFound,
    /// What is there cannot be asked for in that way.
    MethodNotAllowed,
    /// It took too long to come.
    TooSlow,
    /// It is larger than is allowed.
    TooLarge,
    /// It came whole, and what is in it is of no use.
    Unprocessable,
    /// We have made a mistake.
    Mistake,
    /// Not now.
    Unavailable,
}

impl Status {
    /// The number of it, and the phrase.
    pub(crate) fn line(self) -> &'static str {
        match self {
            Self::Good => "200 OK",
            Self::BadRequest => "400 Bad Request",
            Self::Forbidden => "403 Forbidden",
            Self::NotFound => "404 Not Found",
            Self::MethodNotAllowed => "405 Method Not Allowed",
            Self::TooSlow => "408 Request Timeout",
            Self::TooLarge => "413 Content Too Large",
            Self::Unprocessable => "422 Unprocessable Content",
            Self::Mistake => "500 Internal Server Error",
            Self::Unavailable => "503 Service Unavailable",
        }
    }
}

/// Plain text.
pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// What a request gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: Status,
    pub(crate) content_type: &'static str,
    pub(crate) content: Cow<'static, [u8]>,
    /// Headers beside those that every answer has.
    pub(crate) headers: &'static [(&'static str, &'static str)],
}

impl Answer {
    /// Content of that type.
    pub(crate) fn new(
        status: Status,
        content_type: &'static str,
        content: impl Into<Cow<'static, [u8]>>,
    ) -> Self {
        Self {
            status,
            content_type,
            content: content.into(),
            headers: &[],
        }
    }

    /// A line of text.
    pub(crate) fn line(status: Status, line: &str) -> Self {
        Self::new(status, TEXT, format!("{line}\n").into_bytes())
    }

    pub(super) fn write(&self, stream: &mut impl Write) -> io::Result<()> {
        let mut head = format!(
            "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n",
            self.status.line(),
            self.content_type,
            self.content.len()
        );
        for &(name, value) in self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head.push_str("\r\n");
        stream.write_all(head.as_bytes())?;
        stream.write_all(&self.content)?;
        stream.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_how_long_it_is_and_that_it_is_the_last() {
        let mut answer = Answer::line(Status::NotFound, "no");
        answer.headers = &[("X-Name", "value")];
        let mut written = Vec::new();
        answer.write(&mut written).unwrap();
        assert_eq!(
            String::from_utf8(written).unwrap(),
            "HTTP/1.1 404 Not Found\r\nContent-Type: text/plain; charset=utf-8\r\n\
             Content-Length: 3\r\nConnection: close\r\nX-Name: value\r\n\r\nno\n"
        );
    }
}
