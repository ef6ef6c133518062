//! The best split of one column: classes are counted value by value from below.

use super::{
    super::columns::{Column, Ranks},
    Criterion,
};

/// Distinct values up to which a column is counted and not sorted: those of a byte.
const FEW: usize = 256;

/// Bits of a word.
const WORD: usize = 64;

/// A way to cut samples in two by one column.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Split {
    /// Whatever has at most this goes to the *yes* side.
    pub(super) threshold: f64,
    /// Rank of the largest value on that side.
    pub(super) last_rank: u32,
    /// How pure the sides are together; larger is better, comparable within a node only.
    pub(super) score: f64,
    /// Weight on the *yes* side.
    pub(super) yes_weight: u32,
    /// At how many places the column could have been split.
    pub(super) candidates: u32,
}

/// A sample of a node.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sample {
    pub(super) row: u32,
    pub(super) label: u32,
    /// How often it counts.
    pub(super) weight: u32,
}

/// Memory that is used again for every column.
pub(super) struct Counter {
    criterion: Criterion,
    min_leaf: u32,
    /// x ln x of whole numbers, for [`Criterion::GainRatio`].
    logarithms: Vec<f64>,
    /// `[FEW, classes]`, all 0 between calls.
    histogram: Vec<u32>,
    /// Which classes each value has, 64 a word: `[FEW, words]`, all 0 between calls.
    present: Vec<u64>,
    sorted: Vec<(u32, u32)>,
    yes: Vec<u32>,
}

impl Counter {
    pub(super) fn new(criterion: Criterion, min_leaf: u32, classes: usize, weight: u32) -> Self {
        let logarithm = |number: u32| {
            let number = f64::from(number);
            if number > 0.0 {
                number * number.ln()
            } else {
                0.0
            }
        };
        Self {
            criterion,
            min_leaf,
            logarithms: match criterion {
                Criterion::Gini => Vec::new(),
                Criterion::GainRatio => (0..=weight).map(logarithm).collect(),
            },
            histogram: vec![0; FEW * classes],
            present: vec![0; FEW * classes.div_ceil(WORD)],
            sorted: Vec::new(),
            yes: vec![0; classes],
        }
    }

    /// What a class or a side weighs in the score, whose sum over classes is wanted large.
    #[inline]
    fn power(&self, count: u32) -> f64 {
        match self.criterion {
            Criterion::Gini => f64::from(count) * f64::from(count),
            Criterion::GainRatio => self.logarithms[count as usize],
        }
    }

    /// A side's share of the score, of the sum of its classes' powers and its weight.
    #[inline]
    fn side(&self, powers: f64, weight: u32) -> f64 {
        match self.criterion {
            Criterion::Gini => powers / f64::from(weight),
            Criterion::GainRatio => powers - self.logarithms[weight as usize],
        }
    }

    pub(super) fn criterion(&self) -> Criterion {
        self.criterion
    }

    /// The score of a node that is not split.
    pub(super) fn whole(&self, counts: &[u32]) -> f64 {
        let powers = counts.iter().map(|&count| self.power(count)).sum();
        self.side(powers, counts.iter().sum())
    }

    /// The best split of a column, and whether it has more than one value here.
    ///
    /// `counts` is the weight of each class among the samples.
    pub(super) fn best(
        &mut self,
        column: &Column,
        samples: &[Sample],
        counts: &[u32],
    ) -> (Option<Split>, bool) {
        let scan = Scan::new(self, counts);
        let found = match &column.ranks {
            Ranks::Few(ranks) => self.scan_few(scan, column, ranks, samples),
            Ranks::Many(ranks) => self.scan_many(scan, column, ranks, samples),
        };
        self.yes.fill(0);
        found
    }

    /// Counts classes value by value; only values and classes that occur are looked at again.
    fn scan_few(
        &mut self,
        mut scan: Scan<'_>,
        column: &Column,
        ranks: &[u8],
        samples: &[Sample],
    ) -> (Option<Split>, bool) {
        let classes = scan.counts.len();
        let words = classes.div_ceil(WORD);
        let mut ranks_present = [0_u64; FEW / WORD];
        for sample in samples {
            let rank = usize::from(ranks[sample.row as usize]);
            let class = sample.label as usize;
            ranks_present[rank / WORD] |= 1 << (rank % WORD);
            self.present[rank * words + class / WORD] |= 1 << (class % WORD);
            self.histogram[rank * classes + class] += sample.weight;
        }
        for (word, bits) in ranks_present.into_iter().enumerate() {
            for bit in ones(bits) {
                let rank = word * WORD + bit;
                scan.offer(self, column, rank as u32);
                for word in 0..words {
                    let bits = std::mem::take(&mut self.present[rank * words + word]);
                    for bit in ones(bits) {
                        let class = word * WORD + bit;
                        let weight = std::mem::take(&mut self.histogram[rank * classes + class]);
                        scan.take(self, class, weight);
                    }
                }
            }
        }
        scan.end()
    }

    /// Sorts samples by value.
    fn scan_many(
        &mut self,
        mut scan: Scan<'_>,
        column: &Column,
        ranks: &[u32],
        samples: &[Sample],
    ) -> (Option<Split>, bool) {
        let mut sorted = std::mem::take(&mut self.sorted);
        sorted.clear();
        let at = |(at, sample): (usize, &Sample)| (ranks[sample.row as usize], at as u32);
        sorted.extend(samples.iter().enumerate().map(at));
        sorted.sort_unstable();
        for &(rank, at) in &sorted {
            scan.offer(self, column, rank);
            let sample = samples[at as usize];
            scan.take(self, sample.label as usize, sample.weight);
        }
        self.sorted = sorted;
        scan.end()
    }
}

/// The places of the bits that are set, rising.
fn ones(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let place = bits.trailing_zeros() as usize;
        (bits != 0).then(|| {
            bits &= bits - 1;
            place
        })
    })
}

/// The way through the values of a column, from the lowest.
struct Scan<'a> {
    counts: &'a [u32],
    weight: u32,
    yes_weight: u32,
    yes_powers: f64,
    no_powers: f64,
    last_rank: Option<u32>,
    candidates: u32,
    best: Option<Split>,
}

impl<'a> Scan<'a> {
    fn new(counter: &Counter, counts: &'a [u32]) -> Self {
        Self {
            counts,
            weight: counts.iter().sum(),
            yes_weight: 0,
            yes_powers: 0.0,
            no_powers: counts.iter().map(|&count| counter.power(count)).sum(),
            last_rank: None,
            candidates: 0,
            best: None,
        }
    }

    /// Considers to split below this rank, if it is a new one.
    #[inline]
    fn offer(&mut self, counter: &Counter, column: &Column, rank: u32) {
        let Some(last_rank) = self.last_rank else {
            self.last_rank = Some(rank);
            return;
        };
        if rank == last_rank {
            return;
        }
        self.last_rank = Some(rank);
        self.candidates += 1;
        let no_weight = self.weight - self.yes_weight;
        if self.yes_weight < counter.min_leaf || no_weight < counter.min_leaf {
            return;
        }
        let score = counter.side(self.yes_powers, self.yes_weight)
            + counter.side(self.no_powers, no_weight);
        if self.best.is_none_or(|best| score > best.score) {
            let (low, high) = (
                column.values[last_rank as usize],
                column.values[rank as usize],
            );
            self.best = Some(Split {
                threshold: f64::midpoint(f64::from(low), f64::from(high)),
                last_rank,
                score,
                yes_weight: self.yes_weight,
                candidates: 0,
            });
        }
    }

    /// Moves weight of a class to the *yes* side.
    #[inline]
    fn take(&mut self, counter: &mut Counter, class: usize, weight: u32) {
        let yes = counter.yes[class];
        let no = self.counts[class] - yes;
        self.yes_powers += counter.power(yes + weight) - counter.power(yes);
        self.no_powers += counter.power(no - weight) - counter.power(no);
        counter.yes[class] = yes + weight;
        self.yes_weight += weight;
    }

    fn end(self) -> (Option<Split>, bool) {
        let candidates = self.candidates;
        let best = self.best.map(|best| Split { candidates, ..best });
        (best, candidates > 0)
    }
}
