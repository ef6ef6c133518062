//! IPFIX: ended sessions as flow records, both directions in one, with what is said of them.
//!
//! Sources: RFC 7011 (messages), RFC 5103 (both directions in one record), RFC 5610 (elements that
//! tell what they are), RFC 5655 (files).

mod field;
mod message;

use learn::classifier::Moment;
use traffic::timestamp::Timestamp;

use self::{
    field::{Field, OURS, Version, fields},
    message::{DESCRIPTIONS, Message, OPTIONS_TEMPLATES, TEMPLATES},
};
use super::finding::Finding;

/// The longest message by UDP, in bytes: with its headers it fits into 1,280, which IPv6 promises of
/// every path, and paths of IPv4 take as well.
const LONGEST_BY_UDP: usize = 1_232;

/// The longest elsewhere, in bytes.
const LONGEST: usize = 32_768;

/// Findings as messages.
pub(super) struct Flows {
    enterprise: u32,
    longest: usize,
    message: Message,
}

impl Flows {
    /// For a file, or a collector that is reached by TCP.
    pub(super) fn in_a_stream(enterprise: u32) -> Self {
        Self::new(enterprise, LONGEST)
    }

    /// For a collector that is reached by UDP.
    pub(super) fn by_udp(enterprise: u32) -> Self {
        Self::new(enterprise, LONGEST_BY_UDP)
    }

    fn new(enterprise: u32, longest: usize) -> Self {
        Self {
            enterprise,
            longest,
            message: Message::default(),
        }
    }

    /// Whether a finding becomes a record: only the last of each session does, since whoever adds up
    /// records would count the packets of an early one twice.
    pub(super) fn include(finding: &Finding<'_>) -> bool {
        finding.moment == Moment::End
    }

    /// The first message: what the elements are that are not IANA's, and what is in records.
    pub(super) fn beginning(&mut self, now: Timestamp) -> Vec<u8> {
        // Readers take an element for what they know of it when a template names it.
        self.message.add(OPTIONS_TEMPLATES, &field::description());
        for field in &OURS {
            self.message
                .add_data(DESCRIPTIONS, &field.described(self.enterprise));
        }
        self.templates(now)
    }

    /// A message that says again what is in records; none of them may be waiting.
    ///
    /// What the elements are is said once: it counts as records of data, which not every collector
    /// (nfcapd 1.7) knows, so that it would find some missing each time.
    pub(super) fn templates(&mut self, now: Timestamp) -> Vec<u8> {
        for version in [Version::Four, Version::Six] {
            self.message
                .add(TEMPLATES, &template(version, self.enterprise));
        }
        self.message.take(now)
    }

    /// Adds a record; the message that was full without it.
    pub(super) fn add(&mut self, finding: &Finding<'_>, now: Timestamp) -> Option<Vec<u8>> {
        let version = Version::of(finding.client().ip());
        let mut record = Vec::new();
        for field in fields(version) {
            field.put(finding, &mut record);
        }
        let is_full = self.message.length_with(version.set(), &record) > self.longest;
        let full = if is_full { self.take(now) } else { None };
        self.message.add_data(version.set(), &record);
        full
    }

    /// The message with the records that wait, if there are any.
    pub(super) fn take(&mut self, now: Timestamp) -> Option<Vec<u8>> {
        (!self.message.is_empty()).then(|| self.message.take(now))
    }
}

fn template(version: Version, enterprise: u32) -> Vec<u8> {
    let fields: Vec<&Field> = fields(version).collect();
    let mut template = version.set().to_be_bytes().to_vec();
    template.extend((fields.len() as u16).to_be_bytes());
    for field in fields {
        field.specify(enterprise, &mut template);
    }
    template
}
