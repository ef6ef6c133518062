//! Bytes, one at a time: what the value at one place of the slice tells alone.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use traffic::dissection::Part;

use super::{
    samples::Samples,
    task::{Task, TaskName},
};
use crate::baselines::frequency::most_frequent;

/// The place in the slice whose byte tells most.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BestByte {
    /// Which task.
    pub task: TaskName,
    /// Where, counted from 0.
    pub offset: usize,
    /// What most often is there.
    pub field: String,
    /// The share of right answers on the test samples.
    pub accuracy: f64,
}

/// What lies at each place of the slice, and what it tells.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ByteScores {
    /// What most often is there, `[slice length]`.
    pub fields: Vec<String>,
    /// The share of classes that its value alone tells, on the test samples, `[slice length]`.
    pub accuracy: Vec<f64>,
    /// The best by task; the place is chosen on the training samples.
    pub best: Vec<BestByte>,
}

impl ByteScores {
    pub(super) fn of(train: &Samples, test: &Samples, tasks: &[Task]) -> Self {
        let length = test.rows.samples.slice_length;
        let fields = usual_parts(test, length);
        let mut accuracy = Vec::new();
        let mut best = Vec::new();
        for task in tasks {
            let known = task.labels(train.labels());
            let asked = task.labels(test.labels());
            let scores: Vec<(f64, f64)> = (0..length)
                .into_par_iter()
                .map(|offset| look_up(offset, (train, &known), (test, &asked), task.answers.len()))
                .collect();
            if task.name == TaskName::Class {
                accuracy = scores.iter().map(|score| score.1).collect();
            }
            let mut place = 0;
            for (offset, score) in scores.iter().enumerate() {
                if score.0 > scores[place].0 {
                    place = offset;
                }
            }
            best.extend(scores.get(place).map(|score| BestByte {
                task: task.name,
                offset: place,
                field: fields[place].clone(),
                accuracy: score.1,
            }));
        }
        Self {
            fields,
            accuracy,
            best,
        }
    }
}

/// Answers for each value what it most often was, and scores that on both sides.
fn look_up(
    offset: usize,
    train: (&Samples, &[u32]),
    test: (&Samples, &[u32]),
    answers: usize,
) -> (f64, f64) {
    let mut counts = vec![0_u32; 256 * answers];
    let value = |samples: &Samples, sample| usize::from(samples.slice(sample)[offset]);
    let mut all = vec![0_u32; answers];
    for (sample, &label) in train.1.iter().enumerate() {
        counts[value(train.0, sample) * answers + label as usize] += 1;
        all[label as usize] += 1;
    }
    // A value never seen is answered like everything.
    let usual = most_frequent(&all);
    let answer: Vec<u32> = counts
        .chunks_exact(answers)
        .map(|counts| {
            if counts.iter().any(|&count| count > 0) {
                most_frequent(counts)
            } else {
                usual
            }
        })
        .collect();
    let score = |(samples, labels): (&Samples, &[u32])| {
        let right = (0..samples.len())
            .filter(|&sample| answer[value(samples, sample)] == labels[sample])
            .count();
        right as f64 / samples.len().max(1) as f64
    };
    (score(train), score(test))
}

/// What most often is at each place; padding only where nothing else ever is.
fn usual_parts(samples: &Samples, length: usize) -> Vec<String> {
    let mut counts: Vec<BTreeMap<Part, u32>> = vec![BTreeMap::new(); length];
    for place in samples.places.iter().flatten() {
        for counts in &mut counts[place.range.clone()] {
            *counts.entry(place.part).or_default() += 1;
        }
    }
    counts
        .iter()
        .map(|counts| {
            let content = counts.iter().filter(|(part, _)| **part != Part::Padding);
            let usual = content.max_by_key(|(_, count)| **count);
            usual
                .map_or(Part::Padding, |(&part, _)| part)
                .name()
                .to_owned()
        })
        .collect()
}
