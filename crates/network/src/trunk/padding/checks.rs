//! Extents held against a network of numbers that tell everything they were made of.
//!
//! Floats hardly show what reaches them from afar. Here each value is a hash of all it depends
//! on, so that two values are equal if and only if they would be equal under any weights.

use std::hash::{DefaultHasher, Hash, Hasher};

use super::{Convolution, Extent, Plan};

type Row = Vec<u64>;

fn hash(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Position by position, a hash of both.
fn join(one: &[u64], other: &[u64]) -> Row {
    assert_eq!(one.len(), other.len());
    one.iter().zip(other).map(hash).collect()
}

/// What a convolution's outputs read: beyond the ends, zero.
fn windows(convolution: &Convolution, input: &[u64]) -> Row {
    let margin = convolution.taps / 2;
    let window = |output: usize| -> Row {
        (0..convolution.taps)
            .map(|tap| (output * convolution.stride + tap).checked_sub(margin))
            .map(|place| place.and_then(|place| input.get(place)).copied())
            .map(Option::unwrap_or_default)
            .collect()
    };
    (0..convolution.output_length)
        .map(|output| hash(window(output)))
        .collect()
}

/// The gradient that each of a convolution's inputs receives.
fn input_gradient(convolution: &Convolution, gradient: &[u64]) -> Row {
    let margin = convolution.taps / 2;
    let received = |input: usize| -> Vec<Option<u64>> {
        (0..convolution.taps)
            .map(|tap| (input + margin).checked_sub(tap))
            .map(|place| place.filter(|place| place.is_multiple_of(convolution.stride)))
            .map(|place| gradient.get(place? / convolution.stride).copied())
            .collect()
    };
    (0..convolution.input_length)
        .map(|input| hash(received(input)))
        .collect()
}

/// Per convolution, all that its sums over positions add up: forward, what it reads; both ways,
/// that and its gradient.
struct Terms {
    forward: Vec<Row>,
    both: Vec<Row>,
}

fn terms(plan: &Plan, filled: usize) -> Terms {
    let slice: Row = (0..plan.slice_length)
        .map(|place| if place < filled { hash(place) } else { 0 })
        .collect();
    let mut forward = vec![Row::new(); plan.convolutions.len()];
    let mut read = |number: usize, input: &[u64]| {
        forward[number] = windows(&plan.convolutions[number], input);
        forward[number].clone()
    };
    let mut input = read(0, &slice);
    let mut blocks = Vec::new();
    for block in &plan.blocks {
        let middle = read(block.first, &input);
        let residual = match block.shortcut {
            None => input.clone(),
            Some(own) => read(own, &input),
        };
        let output = join(&read(block.second, &middle), &residual);
        blocks.push((block, input, middle));
        input = output;
    }
    let mut both = forward.clone();
    let mut gradient = input;
    for (block, input, middle) in blocks.into_iter().rev() {
        let mut back = |number: usize, gradient: &[u64]| {
            both[number] = join(&forward[number], gradient);
            input_gradient(&plan.convolutions[number], &both[number])
        };
        let inner = join(&back(block.second, &gradient), &middle);
        let residual = match block.shortcut {
            None => gradient.clone(),
            Some(own) => back(own, &gradient),
        };
        gradient = join(&join(&back(block.first, &inner), &residual), &input);
    }
    both[0] = join(&forward[0], &gradient);
    Terms { forward, both }
}

/// Whether each convolution's terms, with those repeated as often as they count, are those of
/// the full slice in some order.
fn is_right(plan: &Plan, extent: Extent, filled: usize, select: fn(Terms) -> Vec<Row>) -> bool {
    let shorter = Plan::new(extent.bytes(plan));
    let full = select(terms(plan, filled));
    let short = select(terms(&shorter, filled));
    let convolutions = plan.convolutions.iter();
    convolutions
        .zip(full)
        .zip(short)
        .all(|((convolution, mut full), mut short)| {
            let repeated = extent.repeated(convolution);
            let again = short[repeated.first..][..repeated.rows].repeat(repeated.times - 1);
            short.extend(again);
            full.sort_unstable();
            short.sort_unstable();
            full == short
        })
}

#[track_caller]
fn check(slice_length: usize, fills: impl Iterator<Item = usize>) {
    let plan = Plan::new(slice_length);
    for filled in fills {
        let training = Extent::of_training(&plan, filled);
        assert!(is_right(&plan, training, filled, |t| t.both), "{filled}");
        let inference = Extent::of_inference(&plan, filled);
        let is_right = is_right(&plan, inference, filled, |t| t.forward);
        assert!(is_right, "{filled} forward");
    }
}

#[test]
fn what_an_extent_counts_is_all_that_the_full_slice_has() {
    check(784, (0..=784).step_by(9));
}

#[test]
fn what_an_extent_counts_is_all_that_a_slice_of_odd_length_has() {
    check(401, (0..=401).step_by(31));
    check(398, (0..=398).step_by(31));
    check(287, (0..=287).step_by(31));
}

#[test]
fn a_period_less_would_be_wrong() {
    let plan = Plan::new(784);
    let shorter = |extent: Extent| Extent {
        times: extent.times + 1,
        ..extent
    };
    // Where the filled bytes do not end at a whole period there may be one to spare.
    let training = shorter(Extent::of_training(&plan, 104));
    assert!(!is_right(&plan, training, 104, |terms| terms.both));
    let inference = shorter(Extent::of_inference(&plan, 104));
    assert!(!is_right(&plan, inference, 104, |terms| terms.forward));
}
