//! Samples and sessions as networks are fed them.

mod packets;
mod prefix;
mod segments;
mod variation;

use network::{
    architecture::Shape,
    engine::{Activations, Engine, Outputs},
    input::{Input, PACKET_FEATURES, PACKET_SLICES, STATISTICS},
};
use traffic::{
    link::LinkType,
    session::{PacketSummary, Session},
    slice::Slice,
};

use crate::dataset::LabelledSlices;
pub use prefix::Prefixes;
pub(crate) use variation::Variation;

/// Samples that a network is asked about at once: what [`logits`] holds beside the samples.
pub(crate) const CHUNK: usize = 2048;

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
    /// The first packets' own slices.
    pub packet_slices: PacketSlices<'a>,
}

/// The first packets' own slices, as samples and as sessions hold them.
#[derive(Debug, Clone, Copy)]
pub enum PacketSlices<'a> {
    /// One after another.
    Joined(&'a [u8]),
    /// Each for itself.
    Apart(&'a [Slice]),
}

impl PacketSlices<'_> {
    /// Adds those of `count` packets of `length` bytes, zeros where there are fewer.
    fn append_to(self, bytes: &mut Vec<u8>, count: usize, length: usize) {
        let end = bytes.len() + count * length;
        match self {
            Self::Joined(joined) => {
                bytes.extend_from_slice(&joined[..joined.len().min(count * length)]);
            }
            Self::Apart(slices) => {
                for slice in slices.iter().take(count) {
                    bytes.extend_from_slice(slice.bytes());
                }
            }
        }
        bytes.resize(end, 0);
    }
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
            packet_slices: PacketSlices::Joined(
                samples.packet_slices.get(sample).map_or(&[], Vec::as_slice),
            ),
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
            packet_slices: PacketSlices::Apart(&session.packet_slices),
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
    packet_slices: Vec<u8>,
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
            packet_slices: Vec::new(),
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
        if parts.packet_slices {
            let length = self.shape.slice_length;
            let own = &mut self.packet_slices;
            evidence.packet_slices.append_to(own, PACKET_SLICES, length);
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
            packet_slices: &self.packet_slices,
        }
    }
}

/// What a network of that shape looks at and no sample has: its name, and where to get it.
pub(crate) fn missing_part(
    shape: Shape,
    samples: &LabelledSlices,
) -> Option<(&'static str, &'static str)> {
    let parts = shape.architecture.parts();
    let has_summaries = samples.summaries.iter().any(|one| !one.is_empty());
    let has_own_slices = samples.packet_slices.iter().any(|one| !one.is_empty());
    if (parts.packets || parts.statistics) && !has_summaries {
        let remedy = "slices that others cut know nothing of them; prepare a dataset from captures";
        return Some(("packets", remedy));
    }
    if parts.packet_slices && !has_own_slices {
        let remedy = "prepare it with `--packet-slices 3`";
        return Some(("slices of single packets", remedy));
    }
    None
}

/// Logits `[samples, classes]` of all samples; they do not depend on the number of threads.
pub fn logits(engine: &Engine, samples: &LabelledSlices, threads: usize) -> Vec<f32> {
    let mut logits = Vec::with_capacity(samples.labels.len() * engine.shape().classes);
    for inputs in chunks(engine, samples) {
        logits.extend(engine.logits(inputs.as_input(), threads));
    }
    logits
}

/// Counts what the branches that int8 serves carry for all samples.
pub(crate) fn count_activations(
    engine: &Engine,
    samples: &LabelledSlices,
    counts: &mut Activations,
) {
    for inputs in chunks(engine, samples) {
        engine.count_activations(inputs.as_input(), counts);
    }
}

/// The same logits, and the features that they were made of.
pub fn outputs(engine: &Engine, samples: &LabelledSlices, threads: usize) -> Outputs {
    let mut outputs = Outputs::default();
    for inputs in chunks(engine, samples) {
        let part = engine.outputs(inputs.as_input(), threads);
        outputs.logits.extend(part.logits);
        outputs.features.extend(part.features);
    }
    outputs
}

/// All samples, some at a time.
fn chunks<'a>(
    engine: &'a Engine,
    samples: &'a LabelledSlices,
) -> impl Iterator<Item = Inputs> + 'a {
    let count = samples.labels.len();
    (0..count).step_by(CHUNK).map(move |from| {
        let mut inputs = Inputs::new(engine.shape());
        for sample in from..count.min(from + CHUNK) {
            inputs.push(Evidence::of(samples, sample));
        }
        inputs
    })
}
