//! What rows hold of their packets: summaries, statistics, packet slices.

use arrow::{
    array::{ArrayRef, AsArray, FixedSizeListArray, ListArray, RecordBatch},
    datatypes::{ArrowPrimitiveType, Float32Type, Int8Type, UInt16Type, UInt64Type},
};
use traffic::{packet::Direction, session::PacketSummary, statistics::Statistics};

use super::column;
use crate::dataset::LabelledSlices;

/// The columns of a batch.
pub(super) struct PacketColumns<'a> {
    direction: &'a ListArray,
    length: &'a ListArray,
    payload_length: &'a ListArray,
    offset: &'a ListArray,
    centime: &'a FixedSizeListArray,
    time: &'a FixedSizeListArray,
    slices: Option<&'a ListArray>,
}

impl<'a> PacketColumns<'a> {
    /// Finds them; a dataset made without `--packet-slices` has none of these.
    pub(super) fn of(batch: &'a RecordBatch) -> Result<Self, String> {
        let list = |name| column(batch, name).map(AsArray::as_list::<i32>);
        let fixed = |name| column(batch, name).map(AsArray::as_fixed_size_list);
        let has_slices = batch.column_by_name("packet_slices").is_some();
        Ok(Self {
            direction: list("packet_direction")?,
            length: list("packet_length")?,
            payload_length: list("packet_payload_length")?,
            offset: list("packet_offset_nanoseconds")?,
            centime: fixed("statistics_centime")?,
            time: fixed("statistics_time")?,
            slices: has_slices.then(|| list("packet_slices")).transpose()?,
        })
    }

    /// Adds what a row has to the samples.
    pub(super) fn push(&self, at: usize, samples: &mut LabelledSlices) -> Result<(), String> {
        let direction = values::<Int8Type>(&self.direction.value(at));
        let length = values::<UInt16Type>(&self.length.value(at));
        let payload_length = values::<UInt16Type>(&self.payload_length.value(at));
        let offset = values::<UInt64Type>(&self.offset.value(at));
        let packets = direction.len();
        if [length.len(), payload_length.len(), offset.len()] != [packets; 3] {
            return Err(format!(
                "a row has {packets} packet directions, {} lengths, {} payload lengths and {} offsets",
                length.len(),
                payload_length.len(),
                offset.len()
            ));
        }
        let summary = |packet: usize| PacketSummary {
            direction: if direction[packet] < 0 {
                Direction::Backward
            } else {
                Direction::Forward
            },
            length: length[packet],
            payload_length: payload_length[packet],
            offset_nanoseconds: offset[packet],
        };
        samples.summaries.push((0..packets).map(summary).collect());
        samples.statistics.push(Statistics {
            centime: fixed(&self.centime.value(at))?,
            time: fixed(&self.time.value(at))?,
        });
        let mut slices = Vec::new();
        if let Some(column) = self.slices {
            let row = column.value(at);
            for slice in row.as_fixed_size_binary().iter().flatten() {
                slices.extend_from_slice(slice);
            }
        }
        samples.packet_slices.push(slices);
        Ok(())
    }
}

fn values<T: ArrowPrimitiveType>(row: &ArrayRef) -> Vec<T::Native> {
    row.as_primitive::<T>().values().to_vec()
}

fn fixed<const N: usize>(row: &ArrayRef) -> Result<[f32; N], String> {
    let values = values::<Float32Type>(row);
    let length = values.len();
    values
        .try_into()
        .map_err(|_| format!("a row has {length} statistics, {N} are expected"))
}
