//! What is held against the rules before anything is written.

use super::{MissingClasses, Training, TrainingError};
use network::architecture::Shape;

use crate::{
    dataset::{LabelledSlices, TrainingSet},
    inputs,
    run::DatasetReference,
};

/// Samples of each class, `[classes]`.
pub(super) fn class_counts(labels: &[u32], classes: usize) -> Vec<u64> {
    let mut counts = vec![0; classes];
    for &label in labels {
        counts[label as usize] += 1;
    }
    counts
}

/// Refuses what cannot be learnt from.
pub(super) fn check_set(
    set: &TrainingSet,
    classes: &[String],
    missing_classes: MissingClasses,
) -> Result<(), TrainingError> {
    if classes.len() < 2 {
        return Err(TrainingError::TooFewClasses(classes.len()));
    }
    for (samples, name) in [(&set.train, "training"), (&set.validation, "validation")] {
        if samples.labels.is_empty() {
            return Err(TrainingError::NoSamples(name));
        }
    }
    let missing: Vec<String> = class_counts(&set.train.labels, classes.len())
        .iter()
        .zip(classes)
        .filter(|(count, _)| **count == 0)
        .map(|(_, class)| class.clone())
        .collect();
    if missing_classes == MissingClasses::Refuse && !missing.is_empty() {
        return Err(TrainingError::MissingClasses(missing));
    }
    Ok(())
}

/// Refuses a network that looks at what no training sample has.
pub(super) fn check_parts(train: &LabelledSlices, shape: Shape) -> Result<(), TrainingError> {
    match inputs::missing_part(shape, train) {
        Some((part, remedy)) => Err(TrainingError::NoPart {
            network: shape.architecture,
            part,
            remedy,
        }),
        None => Ok(()),
    }
}

/// Refuses to resume a run with another recipe or dataset than its own, or one whose own cannot
/// be read.
pub(super) fn check_same(training: &Training) -> Result<(), TrainingError> {
    // A folder that holds no run is told better by `Run::begin`; a damaged one is told here.
    let is_there = |name| training.run.file(name).exists();
    if !(is_there("recipe.toml") && is_there("dataset.json")) {
        return Ok(());
    }
    let (recipe, dataset) = (training.run.recipe()?, training.run.dataset()?);
    if recipe != training.recipe {
        return Err(TrainingError::OtherRecipe {
            differences: differences(&recipe.to_toml(), &training.recipe.to_toml()),
        });
    }
    if dataset.held_out_classes != training.dataset.held_out_classes {
        return Err(TrainingError::OtherClasses {
            run: dataset.held_out_classes,
            found: training.dataset.held_out_classes.clone(),
        });
    }
    if dataset.sha256 != training.dataset.sha256 {
        let named = |reference: &DatasetReference| {
            let short: String = reference.sha256.chars().take(12).collect();
            format!("`{}` ({short})", reference.name)
        };
        return Err(TrainingError::OtherDataset {
            run: named(&dataset),
            found: named(&training.dataset),
        });
    }
    Ok(())
}

/// The lines that two recipes do not share: the run's own, then those given.
fn differences(own: &str, given: &str) -> String {
    let only_in = |text: &str, other: &str| {
        text.lines()
            .filter(|line| !other.lines().any(|candidate| candidate == *line))
            .collect::<Vec<_>>()
            .join(", ")
    };
    format!(
        "its own has `{}`, this one `{}`",
        only_in(own, given),
        only_in(given, own)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipes_are_told_apart_by_the_lines_that_differ() {
        assert_eq!(
            differences("epochs = 3\nseed = 1\n", "epochs = 4\nseed = 1\n"),
            "its own has `epochs = 3`, this one `epochs = 4`"
        );
    }
}
