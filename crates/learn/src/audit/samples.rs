//! Samples of an audit: rows of a dataset, each taken apart into its parts.

use rayon::prelude::*;
use traffic::{
    background::Background,
    decode::Tunnels,
    dissection::{CutSlice, Dissection, Place, dissect, dissect_pcap_head},
    policy::{BytePolicy, PolicyError},
};

use crate::dataset::{
    Manifest, Rows,
    manifest::{RAW, TunnelsRecord},
};

/// How the slices of a dataset are taken apart.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    /// They were cut under this policy from these packets of tunnels.
    Cut(BytePolicy, Tunnels),
    /// They were taken as they were found.
    Raw,
}

impl Form {
    pub(super) fn of(manifest: &Manifest) -> Result<Self, PolicyError> {
        if manifest.policy == RAW {
            return Ok(Self::Raw);
        }
        let tunnels = match manifest.cutting.tunnels {
            TunnelsRecord::Outer => Tunnels::Outer,
            TunnelsRecord::Inner => Tunnels::Inner,
        };
        Ok(Self::Cut(manifest.policy.parse()?, tunnels))
    }
}

/// Rows and what each byte of theirs is.
#[derive(Debug, Clone)]
pub(super) struct Samples {
    /// The rows; of heads of pcap files, with what their first packet says.
    pub(super) rows: Rows,
    /// `[samples]`.
    pub(super) places: Vec<Vec<Place>>,
}

impl Samples {
    /// Takes rows apart.
    pub(super) fn of(rows: &Rows, form: Form) -> Self {
        let mut rows = rows.clone();
        let length = rows.samples.slice_length.max(1);
        let samples = &rows.samples;
        let places = rows
            .origins
            .par_iter_mut()
            .zip(samples.slices.par_chunks_exact(length))
            .enumerate()
            .map(|(sample, (origin, bytes))| match form {
                Form::Cut(policy, tunnels) => dissect(&CutSlice {
                    bytes,
                    policy,
                    tunnels,
                    link_type: origin.link_type,
                    five_tuple: origin.five_tuple,
                    packets: samples.summaries.get(sample).map_or(&[], Vec::as_slice),
                }),
                Form::Raw => match dissect_pcap_head(bytes) {
                    Some(head) => {
                        origin.link_type = head.link_type;
                        if let Some(first) = head.first {
                            origin.five_tuple = first.five_tuple;
                            origin.background =
                                Background::of(&first.five_tuple, first.is_to_group);
                        }
                        head.dissection
                    }
                    None => Dissection::unknown(bytes),
                },
            })
            .map(|dissection| dissection.places())
            .collect();
        Self { rows, places }
    }

    /// Adds others behind them.
    pub(super) fn append(&mut self, others: Self) {
        let (to, from) = (&mut self.rows.samples, others.rows.samples);
        to.slices.extend(from.slices);
        to.labels.extend(from.labels);
        to.link_types.extend(from.link_types);
        to.five_tuples.extend(from.five_tuples);
        to.summaries.extend(from.summaries);
        to.statistics.extend(from.statistics);
        to.packet_slices.extend(from.packet_slices);
        self.rows.origins.extend(others.rows.origins);
        self.places.extend(others.places);
    }

    /// Some of them.
    pub(super) fn only(&self, which: impl Iterator<Item = usize>) -> Self {
        let mut only = Self {
            rows: Rows::default(),
            places: Vec::new(),
        };
        let (from, to) = (&self.rows.samples, &mut only.rows.samples);
        to.slice_length = from.slice_length;
        for sample in which {
            to.slices.extend_from_slice(self.slice(sample));
            to.labels.push(from.labels[sample]);
            to.link_types.extend(from.link_types.get(sample).copied());
            to.five_tuples.extend(from.five_tuples.get(sample).copied());
            to.summaries.extend(from.summaries.get(sample).cloned());
            to.statistics.extend(from.statistics.get(sample).cloned());
            to.packet_slices
                .extend(from.packet_slices.get(sample).cloned());
            only.rows.origins.push(self.rows.origins[sample].clone());
            only.places.push(self.places[sample].clone());
        }
        only
    }

    pub(super) fn len(&self) -> usize {
        self.places.len()
    }

    pub(super) fn labels(&self) -> &[u32] {
        &self.rows.samples.labels
    }

    /// The bytes of one sample's slice.
    pub(super) fn slice(&self, sample: usize) -> &[u8] {
        let length = self.rows.samples.slice_length;
        &self.rows.samples.slices[sample * length..(sample + 1) * length]
    }
}
