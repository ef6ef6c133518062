//! Splitting anew: the same samples under another rule or seed, captures not needed.

use std::path::Path;

use super::{
    PrepareError,
    assembly::{count_samples, finish, record, refuse_torn_sessions},
};
use crate::{
    dataset::{
        DatasetError, Manifest,
        folder::{Existing, SAMPLES, Staging, read_manifest},
        manifest::SCHEMA,
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
    refuse_torn_sessions(&manifest.cutting, options)?;
    let facts = samples::read_facts(&source)?;
    let assignment = assign(&facts, &manifest.classes, options)?;
    let sides = assignment.splits.clone();
    count_samples(&mut manifest.captures, &facts, &assignment);
    let left_out_before = manifest.split.left_out;
    manifest.split = record(&facts, assignment, &manifest.classes, options);
    manifest.split.left_out += left_out_before;
    manifest.schema = SCHEMA;

    let staging = Staging::begin(place, existing)?;
    let schema = samples::schema(&source)?;
    samples::rewrite(
        [source.as_path()],
        &sides,
        &schema,
        &staging.path().join(SAMPLES),
    )?;
    finish(manifest, staging)
}
