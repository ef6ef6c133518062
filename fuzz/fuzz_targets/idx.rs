//! Any bytes as an IDX file: rows of the length that it says, and the captures that they begin.
#![no_main]

use std::io::Cursor;

use learn::idx::{IdxReader, pcap_part};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Ok(mut reader) = IdxReader::new(Box::new(Cursor::new(data.to_vec())), "input") else {
        return;
    };
    let mut row = Vec::new();
    while let Ok(true) = reader.next_row(&mut row) {
        assert_eq!(row.len(), reader.row_length());
        assert!(pcap_part(&row).is_none_or(|part| part.len() <= row.len()));
    }
});
