//! Nearest neighbours: the class of the training samples that are most alike.

use rayon::prelude::*;

use super::{
    Predictor,
    features::{Features, Scale},
    threads,
};

/// The training samples, each column scaled to mean 0 and deviation 1.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbours {
    count: usize,
    classes: usize,
    scale: Scale,
    columns: usize,
    points: Vec<f32>,
    labels: Vec<u32>,
}

impl Neighbours {
    /// Remembers the samples; `count` of them are asked for each answer.
    pub fn fit(features: &Features, labels: &[u32], classes: usize, count: usize) -> Self {
        let scale = Scale::of(features);
        Self {
            count: count.min(labels.len()),
            classes,
            points: scale.apply(features),
            scale,
            columns: features.columns(),
            labels: labels.to_vec(),
        }
    }

    /// Each of the nearest by Euclidean distance has one vote; of equally near ones, the earlier
    /// samples have it.
    fn votes(&self, asked: &[f32]) -> impl Iterator<Item = f64> + use<> {
        // Rising by distance; a handful, so an insertion is cheaper than a heap.
        let mut nearest: Vec<(f32, u32)> = Vec::with_capacity(self.count + 1);
        let points = self.points.chunks_exact(self.columns.max(1));
        for (point, &label) in points.zip(&self.labels) {
            let distance = squared_distance(asked, point);
            let is_full = nearest.len() == self.count;
            if is_full && nearest.last().is_some_and(|last| distance >= last.0) {
                continue;
            }
            let at = nearest.partition_point(|known| known.0 <= distance);
            nearest.insert(at, (distance, label));
            nearest.truncate(self.count);
        }
        let mut votes = vec![0.0; self.classes];
        for (_, label) in &nearest {
            votes[*label as usize] += 1.0;
        }
        let all = nearest.len().max(1) as f64;
        votes.into_iter().map(move |vote| vote / all)
    }
}

impl Predictor for Neighbours {
    /// Every number of every training sample.
    fn parameters(&self) -> usize {
        self.points.len()
    }

    fn probabilities(&self, features: &Features, threads: usize) -> Vec<f64> {
        let asked = self.scale.apply(features);
        threads::on(threads, || {
            asked
                .par_chunks_exact(self.columns.max(1))
                .flat_map_iter(|asked| self.votes(asked))
                .collect()
        })
    }
}

/// Summed in eight lanes, always the same way, so that the compiler may use vectors.
fn squared_distance(one: &[f32], other: &[f32]) -> f32 {
    const LANES: usize = 8;
    let mut lanes = [0.0_f32; LANES];
    let (ones, others) = (one.chunks_exact(LANES), other.chunks_exact(LANES));
    let rest: f32 = ones
        .remainder()
        .iter()
        .zip(others.remainder())
        .map(|(a, b)| (a - b) * (a - b))
        .sum();
    for (ones, others) in ones.zip(others) {
        for (lane, (a, b)) in lanes.iter_mut().zip(ones.iter().zip(others)) {
            *lane += (a - b) * (a - b);
        }
    }
    lanes.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(count: usize, asked: f32, expected: [f64; 3]) {
        let features = Features::numbers(1, vec![0.0, 10.0, 11.0, 12.0]);
        let fitted = Neighbours::fit(&features, &[0, 1, 1, 2], 3, count);
        let found = fitted.probabilities(&Features::numbers(1, vec![asked]), 1);
        assert_eq!(found, expected);
    }

    #[test]
    fn the_nearest_decides() {
        check(1, 4.0, [1.0, 0.0, 0.0]);
        check(1, 6.0, [0.0, 1.0, 0.0]);
        check(2, 13.0, [0.0, 0.5, 0.5]);
    }

    #[test]
    fn of_equally_near_samples_the_earlier_decides() {
        check(1, 5.0, [1.0, 0.0, 0.0]);
    }

    #[test]
    fn there_are_no_more_neighbours_than_samples() {
        check(9, 0.0, [0.25, 0.5, 0.25]);
    }
}
