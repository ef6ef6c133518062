//! Samples and sessions as networks are fed them.

mod packets;
mod prefix;

use network::{
    architecture::Shape,
    engine::Engine,
    input::{Input, PACKET_FEATURES, STATISTICS},
};
use traffic::{
    link::LinkType,
    session::{PacketSummary, Session},
};

use crate::dataset::LabelledSlices;
pub use prefix::Prefixes;

/// Samples that a network is asked about at once: what [`logits`] holds beside the samples.
const CHUNK: usize = 2048;

/// What a network may look at of one sample or session.
#[derive(Debug, Clone, Copy)]
pub struct Evidence<'a> {
    /// Its slice.
    pub slice: &'a [u8],
    /// Its first packets.
    pub summaries: &'a [PacketSummary],
    /// Link type of its first frame.
    pub link_type: LinkType,
    /// CENTIME's statistics of the whole session.
    pub statistics: [f32; STATISTICS],
}

impl<'a> Evidence<'a> {
    /// That of one sample; what the dataset does not know is empty.
    pub fn of(samples: &'a LabelledSlices, sample: usize) -> Self {
        let length = samples.slice_length;
        Self {
            slice: &samples.slices[sample * length..(sample + 1) * length],
            summaries: samples.summaries.get(sample).map_or(&[], Vec::as_slice),
            link_type: samples
                .link_types
                .get(sample)
                .copied()
                .unwrap_or(LinkType::ETHERNET),
            statistics: samples
                .statistics
                .get(sample)
                .map_or([0.0; STATISTICS], |all| all.centime),
        }
    }
}

impl<'a> From<&'a Session> for Evidence<'a> {
    fn from(session: &'a Session) -> Self {
        Self {
            slice: session.slice.bytes(),
            summaries: &session.summaries,
            link_type: session.link_type,
            statistics: session.statistics.centime,
        }
    }
}

/// The inputs of a network, gathered one by one: only the parts that it looks at.
#[derive(Debug, Clone)]
pub struct Inputs {
    shape: Shape,
    samples: usize,
    slices: Vec<u8>,
    packets: Vec<f32>,
    seen: Vec<u32>,
    statistics: Vec<f32>,
}

impl Inputs {
    /// None yet, for a network of that shape.
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            samples: 0,
            slices: Vec::new(),
            packets: Vec::new(),
            seen: Vec::new(),
            statistics: Vec::new(),
        }
    }

    /// How many there are.
    pub fn samples(&self) -> usize {
        self.samples
    }

    /// Adds one.
    pub fn push(&mut self, evidence: Evidence<'_>) {
        self.samples += 1;
        let parts = self.shape.architecture.parts();
        if parts.slices {
            self.slices.extend_from_slice(evidence.slice);
        }
        if parts.packets {
            let first = &evidence.summaries[..evidence.summaries.len().min(self.shape.packets)];
            let from = self.packets.len();
            self.packets
                .resize(from + self.shape.packets * PACKET_FEATURES, 0.0);
            packets::describe(first, &mut self.packets[from..]);
            self.seen.push(first.len() as u32);
        }
        if parts.statistics {
            self.statistics.extend_from_slice(&evidence.statistics);
        }
    }

    /// Adds one of which only the first `packets` packets are known, and the slice as far as
    /// these filled it: `slice_bytes`.
    pub fn push_prefix(&mut self, evidence: Evidence<'_>, packets: usize, slice_bytes: usize) {
        let summaries = &evidence.summaries[..evidence.summaries.len().min(packets)];
        self.push(Evidence {
            summaries,
            ..evidence
        });
        if self.shape.architecture.parts().slices {
            let length = self.shape.slice_length;
            let from = self.slices.len() - length + slice_bytes.min(length);
            self.slices[from..].fill(0);
        }
    }

    /// As the network takes them.
    pub fn as_input(&self) -> Input<'_> {
        Input {
            slices: &self.slices,
            packets: &self.packets,
            seen: &self.seen,
            statistics: &self.statistics,
        }
    }
}

/// Logits `[samples, classes]` of all samples; they do not depend on the number of threads.
pub fn logits(engine: &Engine, samples: &LabelledSlices, threads: usize) -> Vec<f32> {
    let count = samples.labels.len();
    let mut logits = Vec::with_capacity(count * engine.shape().classes);
    for from in (0..count).step_by(CHUNK) {
        let mut inputs = Inputs::new(engine.shape());
        for sample in from..count.min(from + CHUNK) {
            inputs.push(Evidence::of(samples, sample));
        }
        logits.extend(engine.logits(inputs.as_input(), threads));
    }
    logits
}
