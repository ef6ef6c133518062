//! Byte policies: for every header field, keep or zero.

mod field;
mod places;
mod zeros;

use std::{fmt, str::FromStr};

pub use field::{Field, Fields};
pub(crate) use places::mask as field_mask;
pub use places::visit_fields;
pub(crate) use zeros::Zeros;

/// From which header on a packet's bytes enter a slice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Start {
    /// From the link header on (the innermost one, where a tunnel was entered).
    Link,
    /// From the IP header on.
    Ip,
    /// The transport payload only.
    Payload,
}

/// Which bytes of a packet enter a slice.
///
/// Written as a name and changes to it: `paper`, `ip`, `ip,zero=ports,keep=ttl`. Several
/// fields may be joined: `ip,zero=ports+ttl`. Two policies are equal if they mean the same,
/// however they were written.
///
/// | name | from | zeroed |
/// |---|---|---|
/// | `paper` | link header | `mac`, `addresses` |
/// | `centime` | link header | also `ports` |
/// | `ip` | IP header | `addresses`, `ip-checksum`, `transport-checksum` |
/// | `strict` | IP header | also `ports`, `ip-id`, `flow-label`, `ttl`, `sequence`, `acknowledgement`, `window`, `timestamps`, `sack` |
/// | `payload` | transport payload | nothing |
///
/// `paper` and `centime` keep checksums, as the paper does, though zeroed addresses are partly
/// recoverable from them. What encapsulates an inner packet of a tunnel enters no slice, and
/// neither does the trailer that pads short Ethernet frames (SplitCap keeps that one).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct BytePolicy {
    start: Start,
    zeroed: Fields,
}

/// Names and what they mean, from the most to the least usual.
const NAMED: [(&str, BytePolicy); 5] = [
    ("paper", BytePolicy::paper()),
    ("centime", BytePolicy::centime()),
    ("ip", BytePolicy::ip()),
    ("strict", BytePolicy::strict()),
    ("payload", BytePolicy::payload()),
];

impl BytePolicy {
    /// From the link header on, MAC and IP addresses zeroed: the paper's.
    pub const fn paper() -> Self {
        Self {
            start: Start::Link,
            zeroed: Fields::of(&[Field::Mac, Field::Addresses]),
        }
    }

    /// As [`BytePolicy::paper`], with ports zeroed: CENTIME's.
    pub const fn centime() -> Self {
        Self {
            start: Start::Link,
            zeroed: Self::paper().zeroed.with(Field::Ports),
        }
    }

    /// From the IP header on, addresses and checksums zeroed.
    pub const fn ip() -> Self {
        Self {
            start: Start::Ip,
            zeroed: Fields::of(&[
                Field::Addresses,
                Field::IpChecksum,
                Field::TransportChecksum,
            ]),
        }
    }

    /// As [`BytePolicy::ip`], with everything zeroed that tells hosts and moments apart.
    pub const fn strict() -> Self {
        Self {
            start: Start::Ip,
            zeroed: Self::ip()
                .zeroed
                .with(Field::Ports)
                .with(Field::IpId)
                .with(Field::FlowLabel)
                .with(Field::Ttl)
                .with(Field::Sequence)
                .with(Field::Acknowledgement)
                .with(Field::Window)
                .with(Field::Timestamps)
                .with(Field::Sack),
        }
    }

    /// The transport payload only.
    pub const fn payload() -> Self {
        Self {
            start: Start::Payload,
            zeroed: Fields::none(),
        }
    }

    /// The policy of this name.
    pub fn named(name: &str) -> Option<Self> {
        NAMED
            .iter()
            .find(|(known, _)| *known == name)
            .map(|&(_, policy)| policy)
    }

    /// Every name, for help and error messages.
    pub fn names() -> impl Iterator<Item = &'static str> {
        NAMED.iter().map(|&(name, _)| name)
    }

    /// From which header on.
    pub fn start(&self) -> Start {
        self.start
    }

    /// Which fields are zero.
    pub fn zeroed(&self) -> Fields {
        self.zeroed
    }

    /// Whether a slice shows a field as it is on the wire.
    pub fn shows(self, field: Field) -> bool {
        !self.lacks(field) && !self.zeroed.contains(field)
    }

    /// Whether a field is outside the slice altogether, so that zeroing it changes nothing.
    fn lacks(self, field: Field) -> bool {
        match self.start {
            Start::Link => false,
            Start::Ip => field.is_of_link(),
            Start::Payload => field != Field::Payload,
        }
    }
}

/// Not a byte policy.
#[derive(Debug, thiserror::Error)]
#[error("`{text}` is no byte policy: {reason}")]
pub struct PolicyError {
    /// What was given.
    pub text: String,
    /// What is wrong with it, and what would be right.
    pub reason: String,
}

impl FromStr for BytePolicy {
    type Err = PolicyError;

    fn from_str(text: &str) -> Result<Self, PolicyError> {
        let fail = |reason: String| PolicyError {
            text: text.to_owned(),
            reason,
        };
        let mut parts = text.split(',').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let mut policy = Self::named(name).ok_or_else(|| {
            let names: Vec<_> = Self::names().collect();
            fail(format!("it must begin with one of {}", names.join(", ")))
        })?;
        for change in parts {
            let (verb, fields) = change
                .split_once('=')
                .filter(|(verb, _)| matches!(*verb, "zero" | "keep"))
                .ok_or_else(|| {
                    fail(format!(
                        "`{change}` is no change, write zero=FIELD or keep=FIELD"
                    ))
                })?;
            for field_name in fields.split('+') {
                let fields = Fields::named(field_name).ok_or_else(|| {
                    let names: Vec<_> = Field::ALL.into_iter().map(Field::name).collect();
                    fail(format!(
                        "`{field_name}` is no field, the fields are {}",
                        names.join(", ")
                    ))
                })?;
                for field in fields.iter() {
                    if policy.lacks(field) {
                        return Err(fail(format!(
                            "`{name}` slices do not hold the field `{}`",
                            field.name()
                        )));
                    }
                    policy.zeroed = match verb {
                        "zero" => policy.zeroed.with(field),
                        _ => policy.zeroed.without(field),
                    };
                }
            }
        }
        Ok(policy)
    }
}

/// The canonical spelling, which parses to the same policy: the nearest name, then changes.
impl fmt::Display for BytePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let changes = |named: &Self| {
            Field::ALL.into_iter().filter({
                let named = *named;
                move |&field| self.zeroed.contains(field) != named.zeroed.contains(field)
            })
        };
        let nearest = NAMED
            .iter()
            .filter(|(_, named)| named.start == self.start)
            .min_by_key(|(_, named)| changes(named).count());
        // Every start has a name in the table, so there is always a nearest one.
        let Some((name, named)) = nearest else {
            return Ok(());
        };
        f.write_str(name)?;
        for field in changes(named) {
            let verb = if self.zeroed.contains(field) {
                "zero"
            } else {
                "keep"
            };
            write!(f, ",{verb}={}", field.name())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, canonical: &str) {
        let policy: BytePolicy = text.parse().unwrap();
        assert_eq!(policy.to_string(), canonical);
        assert_eq!(canonical.parse::<BytePolicy>().unwrap(), policy);
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        let error = text.parse::<BytePolicy>().unwrap_err();
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_name_is_its_own_canonical_spelling() {
        for name in BytePolicy::names() {
            check(name, name);
        }
    }

    #[test]
    fn changes_are_spelled_in_the_order_of_the_fields() {
        check(
            "ip,keep=ip-checksum,zero=ttl",
            "ip,zero=ttl,keep=ip-checksum",
        );
    }

    #[test]
    fn a_policy_that_has_a_name_is_called_by_it() {
        check("paper,zero=ports", "centime");
        check("ip,zero=ports,keep=ports", "ip");
    }

    #[test]
    fn several_fields_may_be_joined_and_groups_named() {
        check(
            "paper,zero=checksums+ttl",
            "paper,zero=ttl,zero=ip-checksum,zero=transport-checksum",
        );
    }

    #[test]
    fn a_policy_near_another_name_is_called_by_that() {
        check(
            "ip,zero=ports+ip-id+flow-label+ttl+sequence+acknowledgement+window+timestamps",
            "strict,keep=sack",
        );
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        check_error(
            "papers",
            "`papers` is no byte policy: it must begin with one of paper, centime, ip, strict, payload",
        );
    }

    #[test]
    fn an_unknown_change_says_what_to_write() {
        check_error(
            "ip,ports",
            "`ip,ports` is no byte policy: `ports` is no change, write zero=FIELD or keep=FIELD",
        );
    }

    #[test]
    fn an_unknown_field_lists_the_known_ones() {
        let error = "ip,zero=tll".parse::<BytePolicy>().unwrap_err();
        assert!(
            error
                .reason
                .starts_with("`tll` is no field, the fields are mac, ")
        );
    }

    #[test]
    fn a_field_that_the_slice_lacks_is_refused() {
        check_error(
            "payload,zero=ttl",
            "`payload,zero=ttl` is no byte policy: `payload` slices do not hold the field `ttl`",
        );
    }

    proptest! {
        #[test]
        fn any_policy_parses_from_its_own_spelling(name in 0..5_usize, bits in any::<u32>()) {
            let (_, mut policy) = NAMED[name];
            for (position, field) in Field::ALL.into_iter().enumerate() {
                if bits >> position & 1 == 1 && !policy.lacks(field) {
                    policy.zeroed = policy.zeroed.with(field);
                }
            }
            prop_assert_eq!(policy.to_string().parse::<BytePolicy>().unwrap(), policy);
        }
    }
}
