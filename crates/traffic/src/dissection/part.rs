//! Parts: what a byte of a slice can be.

use crate::policy::Field;

/// What a byte of a slice is: of a header field, of what a payload says in plaintext, or neither.
///
/// Finer than a byte policy's [`Field`]: a payload is told apart as far as it can be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Part {
    /// A pcap file's header, but for its link type; only where rows are heads of pcap files.
    PcapHeader,
    /// The link type in a pcap file's header.
    PcapLinkType,
    /// When a frame was captured, in a pcap record's header.
    RecordTime,
    /// The two lengths in a pcap record's header.
    RecordLength,
    /// A field of the link, IP or transport header.
    Header(Field),
    /// Version and header length of IP.
    IpVersion,
    /// TCP option: the largest segment.
    MaximumSegment,
    /// TCP option: the window's scale.
    WindowScale,
    /// A byte of a transport header that no field names.
    OtherHeader,
    /// Type, version and length of a TLS record, and of the handshake message in it.
    TlsRecord,
    /// The version in a `ClientHello`.
    ClientVersion,
    /// The random value in a `ClientHello`.
    ClientRandom,
    /// The session id in a `ClientHello`.
    ClientSessionId,
    /// The cipher suites in a `ClientHello`.
    CipherSuites,
    /// The extensions of a `ClientHello` but for those named below.
    ClientExtensions,
    /// The server name that a `ClientHello` asks for.
    ServerName,
    /// The application protocols that a hello names.
    Alpn,
    /// The version in a `ServerHello`.
    ServerVersion,
    /// The random value in a `ServerHello`.
    ServerRandom,
    /// The session id in a `ServerHello`.
    ServerSessionId,
    /// The cipher suite in a `ServerHello`.
    ServerCipherSuite,
    /// The extensions of a `ServerHello`.
    ServerExtensions,
    /// What else TLS records carry: certificates, alerts, ciphertext.
    TlsData,
    /// The version line of SSH.
    SshBanner,
    /// DNS, and what looks like it: mDNS, LLMNR, NetBIOS names.
    Dns,
    /// The header of a QUIC packet, as far as it is in plaintext.
    QuicHeader,
    /// Payload that is none of the above.
    Payload,
    /// The zeros after the last byte.
    Padding,
    /// Bytes that could not be taken apart.
    Undissected,
}

impl Part {
    /// Its name, as a policy spells it where it is a field of one.
    pub fn name(self) -> &'static str {
        match self {
            Self::PcapHeader => "pcap-header",
            Self::PcapLinkType => "pcap-link-type",
            Self::RecordTime => "record-time",
            Self::RecordLength => "record-length",
            Self::Header(field) => field.name(),
            Self::IpVersion => "ip-version",
            Self::MaximumSegment => "maximum-segment",
            Self::WindowScale => "window-scale",
            Self::OtherHeader => "other-header",
            Self::TlsRecord => "tls-record",
            Self::ClientVersion => "client-hello-version",
            Self::ClientRandom => "client-hello-random",
            Self::ClientSessionId => "client-hello-session-id",
            Self::CipherSuites => "client-hello-cipher-suites",
            Self::ClientExtensions => "client-hello-extensions",
            Self::ServerName => "server-name",
            Self::Alpn => "alpn",
            Self::ServerVersion => "server-hello-version",
            Self::ServerRandom => "server-hello-random",
            Self::ServerSessionId => "server-hello-session-id",
            Self::ServerCipherSuite => "server-hello-cipher-suite",
            Self::ServerExtensions => "server-hello-extensions",
            Self::TlsData => "tls-data",
            Self::SshBanner => "ssh-banner",
            Self::Dns => "dns",
            Self::QuicHeader => "quic-header",
            Self::Payload => "payload",
            Self::Padding => "padding",
            Self::Undissected => "undissected",
        }
    }

    /// Whether it belongs to no packet's content: padding, or what could not be read.
    pub fn is_blank(self) -> bool {
        matches!(self, Self::Padding | Self::Undissected)
    }
}
