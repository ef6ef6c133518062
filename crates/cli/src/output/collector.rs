//! A collector: whoever takes flow records of IPFIX by UDP or TCP.

use std::{
    io::{self, ErrorKind, Write},
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs, UdpSocket},
    time::{Duration, Instant},
};

use anyhow::{Context, anyhow};

use super::{finding::Finding, ipfix::Flows, sink::Sink};
use crate::following::now;

/// How often templates are sent again by UDP: whoever began to listen later, or lost them, can read
/// nothing until then.
const TEMPLATES_EVERY: Duration = Duration::from_secs(30);

/// After so many messages they are sent again in any case.
const TEMPLATES_AFTER: u32 = 500;

/// How it is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Transport {
    Udp,
    Tcp,
}

/// A connection to a collector.
pub(super) struct Collector {
    /// As the user wrote it.
    address: String,
    flows: Flows,
    socket: Socket,
}

enum Socket {
    Udp(UdpSocket, Refresh),
    /// With the longest time that it may take nothing.
    Tcp(TcpStream, Duration),
}

/// When templates were sent last.
struct Refresh {
    last: Instant,
    messages: u32,
}

impl Collector {
    /// Sends templates there; by TCP, nothing may take longer than `limit`.
    pub(super) fn open(
        transport: Transport,
        address: &str,
        enterprise: u32,
        limit: Duration,
    ) -> anyhow::Result<Self> {
        let (flows, socket) = match transport {
            Transport::Udp => (Flows::by_udp(enterprise), udp(address)),
            Transport::Tcp => (Flows::in_a_stream(enterprise), tcp(address, limit)),
        };
        let socket = socket.with_context(|| format!("cannot reach the collector `{address}`"))?;
        let mut collector = Self {
            address: address.to_owned(),
            flows,
            socket,
        };
        let beginning = collector.flows.beginning(now());
        collector.pass_on(&beginning)?;
        collector.check()?;
        Ok(collector)
    }

    /// Sends a message, and templates behind it if it is time.
    fn send(&mut self, message: &[u8]) -> anyhow::Result<()> {
        self.pass_on(message)?;
        let is_due = match &mut self.socket {
            Socket::Udp(_, refresh) => refresh.is_due(),
            Socket::Tcp(..) => false,
        };
        if is_due {
            let templates = self.flows.templates(now());
            self.pass_on(&templates)?;
        }
        Ok(())
    }

    fn pass_on(&mut self, message: &[u8]) -> anyhow::Result<()> {
        self.socket.send(message).with_context(|| self.failure())
    }

    /// What is known by now of what was sent before.
    fn check(&self) -> anyhow::Result<()> {
        let error = match &self.socket {
            Socket::Udp(socket, _) => socket.take_error()?,
            Socket::Tcp(stream, _) => stream.take_error()?,
        };
        error.map_or(Ok(()), Err).with_context(|| self.failure())
    }

    fn failure(&self) -> String {
        format!("cannot send to the collector `{}`", self.address)
    }
}

impl Sink for Collector {
    fn write(&mut self, finding: &Finding<'_>) -> anyhow::Result<()> {
        if !Flows::include(finding) {
            return Ok(());
        }
        match self.flows.add(finding, now()) {
            Some(message) => self.send(&message),
            None => Ok(()),
        }
    }

    fn flush(&mut self) -> anyhow::Result<()> {
        if let Some(message) = self.flows.take(now()) {
            self.send(&message)?;
        }
        self.check()
    }

    fn finish(&mut self) -> anyhow::Result<()> {
        self.flush()
    }
}

impl Refresh {
    /// Whether templates are to be sent now; if so, they count as sent.
    fn is_due(&mut self) -> bool {
        self.messages += 1;
        let is_due = self.messages >= TEMPLATES_AFTER || self.last.elapsed() >= TEMPLATES_EVERY;
        if is_due {
            *self = Self::from_now();
        }
        is_due
    }

    fn from_now() -> Self {
        Self {
            last: Instant::now(),
            messages: 0,
        }
    }
}

impl Socket {
    fn send(&mut self, message: &[u8]) -> io::Result<()> {
        match self {
            Self::Udp(socket, _) => socket.send(message).map(drop),
            Self::Tcp(stream, limit) => stream
                .write_all(message)
                .map_err(|error| stalled(error, *limit)),
        }
    }
}

/// What a time-out of the system means here.
fn stalled(error: io::Error, limit: Duration) -> io::Error {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => {
            let seconds = limit.as_secs_f64();
            let reason = format!("it has taken nothing for {seconds} s (--sink-timeout)");
            io::Error::new(ErrorKind::TimedOut, reason)
        }
        _ => error,
    }
}

fn udp(address: &str) -> anyhow::Result<Socket> {
    let address = first_of(address)?;
    let any = match address {
        SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
        SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(address)?;
    Ok(Socket::Udp(socket, Refresh::from_now()))
}

fn tcp(address: &str, limit: Duration) -> anyhow::Result<Socket> {
    let stream = TcpStream::connect_timeout(&first_of(address)?, limit)?;
    stream.set_write_timeout(Some(limit))?;
    Ok(Socket::Tcp(stream, limit))
}

fn first_of(address: &str) -> anyhow::Result<SocketAddr> {
    let mut addresses = address.to_socket_addrs()?;
    addresses.next().ok_or_else(|| anyhow!("it has no address"))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn templates_are_sent_again_by_udp_after_so_many_messages() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut buffer = [0; 2_000];
        let address = socket.local_addr().unwrap().to_string();
        let limit = Duration::from_mins(1);
        let mut collector = Collector::open(Transport::Udp, &address, 32_473, limit).unwrap();
        let beginning = socket.recv(&mut buffer).unwrap();
        for _ in 0..TEMPLATES_AFTER {
            collector.send(b"records").unwrap();
            let length = socket.recv(&mut buffer).unwrap();
            assert_eq!(buffer[..length], *b"records");
        }
        let length = socket.recv(&mut buffer).unwrap();
        // The version, and the set of templates behind the header.
        assert_eq!((&buffer[..2], &buffer[16..18]), (&[0, 10][..], &[0, 2][..]));
        assert!(length < beginning);
    }

    #[test]
    fn a_collector_that_takes_nothing_by_tcp_is_given_up() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let limit = Duration::from_millis(100);
        let mut collector = Collector::open(Transport::Tcp, &address, 32_473, limit).unwrap();
        let message = vec![0; 1 << 20];
        let error = (0..1_000).find_map(|_| collector.send(&message).err());
        let expected = format!(
            "cannot send to the collector `{address}`: it has taken nothing for 0.1 s \
             (--sink-timeout)"
        );
        assert_eq!(format!("{:#}", error.unwrap()), expected);
    }
}
