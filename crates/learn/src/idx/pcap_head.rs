//! Rows that are heads of pcap files: a global header, packets, and zeros to fill the row.

/// Bytes of a pcap file's header.
const FILE_HEADER: usize = 24;
/// Bytes of a packet record's header.
const RECORD_HEADER: usize = 16;

/// The part of a row that is a pcap file, its padding left off; none if the row is no such head.
///
/// A record header of zeros is padding: no packet was captured at time 0 with length 0. The last
/// packet may be cut off by the row's end, and is kept as far as it goes.
///
/// ```text
/// [ header 24 | record 16 | packet | record 16 | packet | 0 0 0 … ]   784 bytes
///   `--------------- returned ----------------'
/// ```
pub fn pcap_part(row: &[u8]) -> Option<&[u8]> {
    let read = match row.get(..4)? {
        [0xa1, 0xb2, 0xc3, 0xd4] | [0xa1, 0xb2, 0x3c, 0x4d] => u32::from_be_bytes,
        [0xd4, 0xc3, 0xb2, 0xa1] | [0x4d, 0x3c, 0xb2, 0xa1] => u32::from_le_bytes,
        _ => return None,
    };
    if row.len() < FILE_HEADER {
        return None;
    }
    let mut end = FILE_HEADER;
    loop {
        let left = &row[end..];
        let header = &left[..left.len().min(RECORD_HEADER)];
        if header.iter().all(|&byte| byte == 0) {
            return Some(&row[..end]);
        }
        let Some(length) = header.get(8..12) else {
            return Some(row);
        };
        let length = read([length[0], length[1], length[2], length[3]]) as usize;
        end = end.saturating_add(RECORD_HEADER).saturating_add(length);
        if end >= row.len() {
            return Some(row);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A row of 100 bytes with packets of these lengths, each filled with ones.
    fn row(lengths: &[u32]) -> Vec<u8> {
        let mut row = vec![0xa1, 0xb2, 0xc3, 0xd4];
        row.resize(FILE_HEADER, 9);
        for &length in lengths {
            row.extend([0, 0, 0, 7, 0, 0, 0, 0]);
            row.extend(length.to_be_bytes());
            row.extend(length.to_be_bytes());
            row.extend(vec![1; length as usize]);
        }
        row.resize(100, 0);
        row
    }

    /// The one place that calls the API: how many bytes are pcap.
    #[track_caller]
    fn check(row: &[u8], expected: Option<usize>) {
        assert_eq!(pcap_part(row).map(<[u8]>::len), expected);
    }

    #[test]
    fn padding_after_the_last_packet_is_left_off() {
        check(&row(&[10, 5]), Some(24 + 16 + 10 + 16 + 5));
    }

    #[test]
    fn a_packet_that_the_row_cuts_is_kept() {
        check(&row(&[200]), Some(100));
    }

    #[test]
    fn a_packet_that_ends_with_the_row_is_kept() {
        check(&row(&[60]), Some(100));
    }

    #[test]
    fn padding_shorter_than_a_record_header_is_padding() {
        check(&row(&[55]), Some(95));
    }

    #[test]
    fn a_row_without_packets_is_its_header() {
        check(&row(&[]), Some(24));
    }

    #[test]
    fn a_length_of_four_gigabytes_ends_with_the_row() {
        let mut row = row(&[10]);
        row[32..36].fill(0xff);
        check(&row, Some(100));
    }

    proptest::proptest! {
        #[test]
        fn any_row_is_its_own_prefix_or_no_pcap_head(
            start in 0..2_usize,
            mut row in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200),
        ) {
            let magic = [[0xa1, 0xb2, 0xc3, 0xd4], [0xd4, 0xc3, 0xb2, 0xa1]][start];
            if row.len() >= 4 {
                row[..4].copy_from_slice(&magic);
            }
            if let Some(part) = pcap_part(&row) {
                proptest::prop_assert!(row.starts_with(part) && part.len() >= FILE_HEADER);
            }
        }
    }

    #[test]
    fn other_rows_are_no_pcap_heads() {
        check(&[0; 100], None);
        check(&[0xa1, 0xb2, 0xc3, 0xd4], None);
    }
}
