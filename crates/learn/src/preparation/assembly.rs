//! Assembly: parts become one dataset under its filters and its split.

use std::{fs, path::Path};

use super::{Part, PrepareError};
use crate::{
    dataset::{
        DatasetError, Manifest, Split,
        columns::Form,
        folder::{MANIFEST, SAMPLES, Staging},
        manifest::{CaptureRecord, ClassCounts, Cutting, SplitRecord, UnitRecord},
        samples,
    },
    filters::{Facts, Filters},
    registry::PublishedFiles,
    splits::{Assignment, SplitError, SplitOptions, SplitRule, assign},
};

/// Everything that was cut.
pub(crate) struct Parts {
    /// The form of the rows.
    pub(crate) form: Form,
    /// The parts, in the order of their rows.
    pub(crate) cut: Vec<Part>,
    /// The captures, by the number that rows know them by.
    pub(crate) captures: Vec<CaptureRecord>,
}

/// The parts, or the first error that is not just the echo of another.
pub(crate) fn first_error(
    parts: Vec<Result<Part, PrepareError>>,
) -> Result<Vec<Part>, PrepareError> {
    let mut whole = Vec::with_capacity(parts.len());
    let mut stopped = None;
    for part in parts {
        match part {
            Ok(part) => whole.push(part),
            Err(PrepareError::Stopped) => stopped = Some(PrepareError::Stopped),
            Err(error) => return Err(error),
        }
    }
    stopped.map_or(Ok(whole), Err)
}

/// Filters, splits and writes; the folder is in its place afterwards.
pub(crate) fn assemble(
    all: Parts,
    mut manifest: Manifest,
    filters: &Filters,
    split: &SplitOptions,
    staging: Staging,
) -> Result<Manifest, PrepareError> {
    refuse_torn_sessions(&manifest.cutting, split)?;
    let facts: Vec<Facts> = all.cut.iter().flat_map(|part| part.facts.clone()).collect();
    let (keep, mut tally) = filters.apply(&facts);
    for lab in all
        .captures
        .iter()
        .filter_map(|capture| capture.lab.as_ref())
    {
        tally.sessions += lab.unknown_site;
        tally.unknown_site += lab.unknown_site;
    }
    refuse_empty_classes(&facts, &keep, &manifest.classes, &all.captures)?;
    let mut kept_facts = Vec::with_capacity(tally.samples as usize);
    kept_facts.extend(
        facts
            .iter()
            .zip(&keep)
            .filter(|(_, keep)| **keep)
            .map(|(one, _)| one.clone()),
    );
    let assignment = assign(&kept_facts, &manifest.classes, split)?;

    let mut sides = assignment.splits.iter().copied();
    let sides: Vec<Option<Split>> = keep
        .iter()
        .map(|&keep| if keep { sides.next().flatten() } else { None })
        .collect();
    manifest.captures = all.captures;
    count_samples(&mut manifest.captures, &kept_facts, &assignment);
    for capture in &manifest.captures {
        manifest.traffic += capture.traffic.clone();
    }
    manifest.filters = *filters;
    manifest.tally = tally;
    manifest.split = record(&kept_facts, assignment, &manifest.classes, split);
    let sources: Vec<&Path> = all.cut.iter().map(|part| part.path.as_path()).collect();
    let path = staging.path().join(SAMPLES);
    samples::rewrite(sources, &sides, &all.form.schema(), &path)?;
    for part in &all.cut {
        fs::remove_file(&part.path).map_err(DatasetError::write(&part.path))?;
    }
    finish(manifest, staging)
}

/// Sums the samples up, writes the manifest and moves the folder to its place.
pub(super) fn finish(mut manifest: Manifest, staging: Staging) -> Result<Manifest, PrepareError> {
    manifest.published_files = PublishedFiles::of(&manifest);
    manifest.samples_sha256 = samples::checksum(&staging.path().join(SAMPLES))?;
    let path = staging.path().join(MANIFEST);
    let mut text =
        serde_json::to_string_pretty(&manifest).map_err(|source| DatasetError::Manifest {
            path: path.display().to_string(),
            source,
        })?;
    text.push('\n');
    fs::write(&path, text).map_err(DatasetError::write(&path))?;
    staging.commit()?;
    Ok(manifest)
}

/// Counts the samples of each capture that are on any side.
pub(super) fn count_samples(
    captures: &mut [CaptureRecord],
    facts: &[Facts],
    assignment: &Assignment,
) {
    for capture in captures.iter_mut() {
        capture.samples = 0;
    }
    for (fact, side) in facts.iter().zip(&assignment.splits) {
        captures[fact.capture as usize].samples += u64::from(side.is_some());
    }
}

/// A session is known again by any of its windows: no rule may put two of them on two sides.
pub(super) fn refuse_torn_sessions(
    cutting: &Cutting,
    split: &SplitOptions,
) -> Result<(), SplitError> {
    let is_window = matches!(cutting.unit, UnitRecord::Window { .. });
    if is_window && split.rule == SplitRule::Session {
        return Err(SplitError::TornSessions);
    }
    Ok(())
}

fn refuse_empty_classes(
    facts: &[Facts],
    keep: &[bool],
    classes: &[String],
    captures: &[CaptureRecord],
) -> Result<(), PrepareError> {
    let mut found = vec![(0_usize, 0_usize); classes.len()];
    for (fact, &keep) in facts.iter().zip(keep) {
        let (sessions, samples) = &mut found[fact.label as usize];
        *sessions += 1;
        *samples += usize::from(keep);
    }
    for ((sessions, samples), class) in found.into_iter().zip(classes) {
        if samples == 0 {
            let own = captures
                .iter()
                .filter(|capture| capture.class.as_ref() == Some(class));
            let unknown_site: u64 = own
                .filter_map(|capture| capture.lab.as_ref())
                .map(|lab| lab.unknown_site)
                .sum();
            let reason = if sessions == 0 && unknown_site > 0 {
                format!("its sidecars know no site of any of its {unknown_site} sessions")
            } else if sessions == 0 {
                "its captures hold no session; see what `undertone inspect` says of them".to_owned()
            } else {
                format!(
                    "each of its sessions ({sessions}) is empty, background or a duplicate; choose other filters"
                )
            };
            return Err(PrepareError::EmptyClass {
                class: class.clone(),
                reason,
            });
        }
    }
    Ok(())
}

/// What the manifest says of a split.
pub(super) fn record(
    facts: &[Facts],
    assignment: Assignment,
    classes: &[String],
    options: &SplitOptions,
) -> SplitRecord {
    let mut counts: Vec<ClassCounts> = classes
        .iter()
        .map(|class| ClassCounts {
            class: class.clone(),
            ..ClassCounts::default()
        })
        .collect();
    let mut left_out = 0;
    for (fact, &side) in facts.iter().zip(&assignment.splits) {
        let counts = &mut counts[fact.label as usize];
        match side {
            Some(Split::Train) => counts.train += 1,
            Some(Split::Validation) => counts.validation += 1,
            Some(Split::Test) => counts.test += 1,
            None => left_out += 1,
        }
        counts.background += u64::from(fact.is_background && side.is_some());
    }
    let named = |labels: Vec<u32>| {
        let name = |label: u32| classes[label as usize].clone();
        labels.into_iter().map(name).collect()
    };
    SplitRecord {
        rule: options.rule,
        seed: options.seed,
        fractions: options.fractions,
        classes: counts,
        untestable: named(assignment.untestable),
        groups: assignment.groups,
        hold_out: options.hold_out.clone(),
        held_out_classes: Vec::new(),
        validation_by_run: named(assignment.validation_by_run),
        left_out,
    }
}
