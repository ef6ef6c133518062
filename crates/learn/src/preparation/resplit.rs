//! Splitting anew: the same samples under another rule or seed, captures not needed.

use std::path::Path;

use super::{
    PrepareError,
    assembly::{finish, record},
};
use crate::{
    dataset::{
        DatasetError, Manifest,
        folder::{Existing, SAMPLES, Staging, read_manifest},
        samples,
    },
    splits::{SplitOptions, assign},
};

/// Writes the dataset of `folder` to `place` with another split.
///
/// # Errors
///
/// If the dataset is damaged, the split is refused or the place cannot be written to.
pub fn resplit(
    folder: &Path,
    options: &SplitOptions,
    place: &Path,
    existing: Existing,
) -> Result<Manifest, PrepareError> {
    let mut manifest = read_manifest(folder)?;
    let source = folder.join(SAMPLES);
    if samples::checksum(&source)? != manifest.samples_sha256 {
        return Err(DatasetError::Checksum {
            path: source.display().to_string(),
        }
        .into());
    }
    let (facts, groups) = samples::read_facts(&source)?;
    let assignment = assign(&facts, &manifest.classes, options)?;
    let names = |group: u32| groups[group as usize].clone();
    manifest.split = record(&facts, &assignment, &manifest.classes, names, options);

    let staging = Staging::begin(place, existing)?;
    let sides: Vec<_> = assignment.splits.iter().copied().map(Some).collect();
    let schema = samples::schema(&source)?;
    samples::rewrite(
        [source.as_path()],
        &sides,
        &schema,
        &staging.path().join(SAMPLES),
    )?;
    finish(manifest, staging)
}
