//! Any bytes as a model file. If the first is even, the rest is a header, and as many zeros as it asks for
//! are put behind it: so that contracts and shapes are looked at and not only lengths.
#![no_main]

use learn::model::Model;
use libfuzzer_sys::fuzz_target;

/// The most that is put behind a header.
const MOST: u64 = 8 << 20;

/// The furthest byte that a header's tensors say they end at.
fn end(header: &[u8]) -> u64 {
    let Ok(serde_json::Value::Object(tensors)) = serde_json::from_slice(header) else {
        return 0;
    };
    let ends = tensors
        .values()
        .map(|tensor| tensor["data_offsets"][1].as_u64().unwrap_or(0));
    ends.max().unwrap_or(0)
}

fuzz_target!(|data: &[u8]| {
    let Some((kind, rest)) = data.split_first() else {
        return;
    };
    let file = if kind & 1 == 0 {
        let mut file = (rest.len() as u64).to_le_bytes().to_vec();
        file.extend(rest);
        file.resize(file.len() + end(rest).min(MOST) as usize, 0);
        file
    } else {
        rest.to_vec()
    };
    if let Ok(model) = Model::from_bytes(&file) {
        assert!(Model::from_bytes(&model.to_bytes()).is_ok());
    }
});
