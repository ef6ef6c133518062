//! Fields: the parts of a packet that a byte policy keeps or zeroes, one by one.

/// A header field, or a group of bytes that is kept or zeroed as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Field {
    /// Link-layer addresses.
    Mac,
    /// VLAN tags: priority and id.
    Vlan,
    /// The rest of the link header, up to the IP header.
    Link,
    /// IPv4 type of service or IPv6 traffic class (DSCP and ECN).
    Tos,
    /// IPv4 total length or IPv6 payload length.
    IpLength,
    /// IPv4 identification, or that of an IPv6 fragment header.
    IpId,
    /// IPv4 flags and fragment offset.
    IpFlags,
    /// IPv6 flow label.
    FlowLabel,
    /// IPv4 time to live or IPv6 hop limit.
    Ttl,
    /// IPv4 protocol or IPv6 next header.
    Protocol,
    /// IPv4 header checksum.
    IpChecksum,
    /// IP addresses, also those in IPv4 options and IPv6 routing and home address headers.
    Addresses,
    /// IPv4 options and IPv6 extension headers, whole.
    IpOptions,
    /// TCP, UDP and SCTP ports.
    Ports,
    /// TCP sequence number.
    Sequence,
    /// TCP acknowledgement number.
    Acknowledgement,
    /// TCP data offset and flags.
    TcpFlags,
    /// TCP window.
    Window,
    /// TCP, UDP or SCTP checksum; the values of an IPsec authentication header.
    TransportChecksum,
    /// TCP urgent pointer.
    Urgent,
    /// TCP time stamp option, both values.
    Timestamps,
    /// TCP selective acknowledgement option, its edges.
    Sack,
    /// TCP options, whole.
    TcpOptions,
    /// UDP length.
    UdpLength,
    /// SCTP verification tag.
    VerificationTag,
    /// The transport payload.
    Payload,
}

impl Field {
    /// Every field, in the order of a packet's bytes, as spelled canonically.
    pub const ALL: [Self; 26] = [
        Self::Mac,
        Self::Vlan,
        Self::Link,
        Self::Tos,
        Self::IpLength,
        Self::IpId,
        Self::IpFlags,
        Self::FlowLabel,
        Self::Ttl,
        Self::Protocol,
        Self::IpChecksum,
        Self::Addresses,
        Self::IpOptions,
        Self::Ports,
        Self::Sequence,
        Self::Acknowledgement,
        Self::TcpFlags,
        Self::Window,
        Self::TransportChecksum,
        Self::Urgent,
        Self::Timestamps,
        Self::Sack,
        Self::TcpOptions,
        Self::UdpLength,
        Self::VerificationTag,
        Self::Payload,
    ];

    /// Its name in a policy's spelling.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mac => "mac",
            Self::Vlan => "vlan",
            Self::Link => "link",
            Self::Tos => "tos",
            Self::IpLength => "ip-length",
            Self::IpId => "ip-id",
            Self::IpFlags => "ip-flags",
            Self::FlowLabel => "flow-label",
            Self::Ttl => "ttl",
            Self::Protocol => "protocol",
            Self::IpChecksum => "ip-checksum",
            Self::Addresses => "addresses",
            Self::IpOptions => "ip-options",
            Self::Ports => "ports",
            Self::Sequence => "sequence",
            Self::Acknowledgement => "acknowledgement",
            Self::TcpFlags => "tcp-flags",
            Self::Window => "window",
            Self::TransportChecksum => "transport-checksum",
            Self::Urgent => "urgent",
            Self::Timestamps => "timestamps",
            Self::Sack => "sack",
            Self::TcpOptions => "tcp-options",
            Self::UdpLength => "udp-length",
            Self::VerificationTag => "verification-tag",
            Self::Payload => "payload",
        }
    }

    /// Whether it lies before the IP header.
    pub(super) fn is_of_link(self) -> bool {
        matches!(self, Self::Mac | Self::Vlan | Self::Link)
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

/// A set of fields.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fields(u32);

impl Fields {
    /// No field.
    pub const fn none() -> Self {
        Self(0)
    }

    /// These fields.
    pub const fn of(fields: &[Field]) -> Self {
        let mut bits = 0;
        let mut position = 0;
        while position < fields.len() {
            bits |= fields[position].bit();
            position += 1;
        }
        Self(bits)
    }

    /// The field of this name, or the fields of this group: `checksums` is both of them.
    pub fn named(name: &str) -> Option<Self> {
        if name == "checksums" {
            return Some(Self::of(&[Field::IpChecksum, Field::TransportChecksum]));
        }
        Field::ALL
            .into_iter()
            .find(|field| field.name() == name)
            .map(|field| Self::of(&[field]))
    }

    /// With one more.
    #[must_use]
    pub const fn with(self, field: Field) -> Self {
        Self(self.0 | field.bit())
    }

    /// Without this one.
    #[must_use]
    pub const fn without(self, field: Field) -> Self {
        Self(self.0 & !field.bit())
    }

    /// Whether a field is in the set.
    pub const fn contains(self, field: Field) -> bool {
        self.0 & field.bit() != 0
    }

    /// Whether no field is in the set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its fields in the order of [`Field::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Field> {
        Field::ALL
            .into_iter()
            .filter(move |&field| self.contains(field))
    }
}
