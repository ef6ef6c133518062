//! A message of IPFIX: sets of records behind a header that counts them.
//!
//! Source: RFC 7011, section 3.

use traffic::timestamp::Timestamp;

/// The set of templates.
pub(super) const TEMPLATES: u16 = 2;
/// The set of templates of options.
pub(super) const OPTIONS_TEMPLATES: u16 = 3;
/// The set of records that tell what an element is.
pub(super) const DESCRIPTIONS: u16 = 258;

const VERSION: u16 = 10;
const HEADER: usize = 16;
const SET_HEADER: usize = 4;

/// Sets that are to be sent together, and how many records of data were sent before.
#[derive(Default)]
pub(super) struct Message {
    /// Identifier and records of each set.
    sets: Vec<(u16, Vec<u8>)>,
    records: u32,
    /// Records of data in the messages before, modulo 2^32.
    sequence: u32,
}

impl Message {
    /// Whether nothing was added.
    pub(super) fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// How long it would be with one record more, in bytes.
    pub(super) fn length_with(&self, set: u16, record: &[u8]) -> usize {
        let is_new = self.sets.last().is_none_or(|(last, _)| *last != set);
        let more = if is_new { SET_HEADER } else { 0 };
        self.length() + more + record.len()
    }

    /// Adds a template, to the last set if it is of that kind.
    pub(super) fn add(&mut self, set: u16, record: &[u8]) {
        match self.sets.last_mut() {
            Some((last, records)) if *last == set => records.extend(record),
            _ => self.sets.push((set, record.to_vec())),
        }
    }

    /// Adds a record of data, which is counted.
    pub(super) fn add_data(&mut self, set: u16, record: &[u8]) {
        self.add(set, record);
        self.records += 1;
    }

    /// Its bytes, as sent at that time; it is then empty.
    pub(super) fn take(&mut self, now: Timestamp) -> Vec<u8> {
        let length = self.length();
        let seconds = now.nanoseconds().div_euclid(1_000_000_000);
        let mut bytes = Vec::with_capacity(length);
        bytes.extend(VERSION.to_be_bytes());
        bytes.extend((length as u16).to_be_bytes());
        bytes.extend((seconds as u32).to_be_bytes());
        bytes.extend(self.sequence.to_be_bytes());
        // No domain: all that is observed here is meant.
        bytes.extend(0_u32.to_be_bytes());
        for (set, records) in self.sets.drain(..) {
            bytes.extend(set.to_be_bytes());
            bytes.extend(((SET_HEADER + records.len()) as u16).to_be_bytes());
            bytes.extend(records);
        }
        self.sequence = self.sequence.wrapping_add(self.records);
        self.records = 0;
        bytes
    }

    fn length(&self) -> usize {
        let sets = self.sets.iter();
        HEADER
            + sets
                .map(|(_, records)| SET_HEADER + records.len())
                .sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Worked out by hand from the figures of RFC 7011, sections 3.1 and 3.3.2.
    #[test]
    fn a_message_counts_its_bytes_and_the_records_before_it() {
        let now = Timestamp::from_nanoseconds(0x5000_0000 * 1_000_000_000 + 999_999_999);
        let mut message = Message::default();
        message.add(TEMPLATES, &[1, 2]);
        message.add_data(256, &[3]);
        assert_eq!(message.length_with(256, &[4, 4]), 16 + 6 + 7);
        assert_eq!(message.length_with(257, &[4, 4]), 16 + 6 + 5 + 6);
        message.add_data(256, &[4, 4]);
        let first = [
            [0, 10, 0, 29, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].as_slice(),
            &[0, 2, 0, 6, 1, 2, 1, 0, 0, 7, 3, 4, 4],
        ];
        assert_eq!(message.take(now), first.concat());
        assert!(message.is_empty());
        message.add_data(257, &[5]);
        assert_eq!(message.take(now)[8..12], [0, 0, 0, 2]);
        message.sequence = u32::MAX;
        message.add_data(257, &[5]);
        message.take(now);
        message.add_data(257, &[5]);
        assert_eq!(message.take(now)[8..12], [0, 0, 0, 0]);
    }
}
