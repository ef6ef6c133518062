//! Any bytes as a capture: it ends, with frames that are no longer than believed, or an error.
#![no_main]

use std::io::Cursor;

use libfuzzer_sys::fuzz_target;
use traffic::capture::{CaptureReader, LONGEST_FRAME};

fuzz_target!(|data: &[u8]| {
    let Ok(mut reader) = CaptureReader::new(Box::new(Cursor::new(data.to_vec()))) else {
        return;
    };
    while let Ok(Some(frame)) = reader.next_frame() {
        assert!(frame.bytes.len() <= LONGEST_FRAME as usize);
    }
    let _ = reader.cut_short();
});
