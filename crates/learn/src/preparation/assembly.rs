//! Assembly: parts become one dataset under its filters and its split.

use std::{collections::BTreeMap, fs, path::Path};

use super::{Part, PrepareError};
use crate::{
    dataset::{
        DatasetError, Manifest, Split,
        columns::Form,
        folder::{MANIFEST, SAMPLES, Staging},
        manifest::{CaptureRecord, ClassCounts, SplitRecord},
        samples,
    },
    filters::{Facts, Filters},
    groups::Groups,
    splits::{Assignment, SplitOptions, SplitRule, assign},
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
    let (facts, groups) = together(&all.cut);
    let (keep, tally) = filters.apply(&facts);
    refuse_empty_classes(&facts, &keep, &manifest.classes)?;
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
        .map(|&keep| if keep { sides.next() } else { None })
        .collect();
    manifest.captures = all.captures;
    for fact in &kept_facts {
        manifest.captures[fact.capture as usize].samples += 1;
    }
    for capture in &manifest.captures {
        manifest.traffic += capture.traffic.clone();
    }
    manifest.filters = *filters;
    manifest.tally = tally;
    let names = |group: u32| groups[group as usize].clone();
    manifest.split = record(&kept_facts, &assignment, &manifest.classes, names, split);
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

/// The facts of all parts, with one numbering of groups, and the groups' names.
fn together(parts: &[Part]) -> (Vec<Facts>, Vec<String>) {
    let mut groups = Groups::default();
    let mut facts = Vec::with_capacity(parts.iter().map(|part| part.facts.len()).sum());
    for part in parts {
        let numbers: Vec<u32> = part.groups.iter().map(|name| groups.number(name)).collect();
        facts.extend(part.facts.iter().map(|fact| Facts {
            group: numbers[fact.group as usize],
            ..fact.clone()
        }));
    }
    (facts, groups.into_names())
}

fn refuse_empty_classes(
    facts: &[Facts],
    keep: &[bool],
    classes: &[String],
) -> Result<(), PrepareError> {
    let mut found = vec![(0_usize, 0_usize); classes.len()];
    for (fact, &keep) in facts.iter().zip(keep) {
        let (sessions, samples) = &mut found[fact.label as usize];
        *sessions += 1;
        *samples += usize::from(keep);
    }
    for ((sessions, samples), class) in found.into_iter().zip(classes) {
        if samples == 0 {
            let reason = if sessions == 0 {
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
    assignment: &Assignment,
    classes: &[String],
    group_name: impl Fn(u32) -> String,
    options: &SplitOptions,
) -> SplitRecord {
    let mut counts: Vec<ClassCounts> = classes
        .iter()
        .map(|class| ClassCounts {
            class: class.clone(),
            ..ClassCounts::default()
        })
        .collect();
    let mut sides: BTreeMap<u32, Split> = BTreeMap::new();
    for (fact, &side) in facts.iter().zip(&assignment.splits) {
        let counts = &mut counts[fact.label as usize];
        match side {
            Split::Train => counts.train += 1,
            Split::Validation => counts.validation += 1,
            Split::Test => counts.test += 1,
        }
        counts.background += u64::from(fact.is_background);
        sides.insert(fact.group, side);
    }
    let mut groups: BTreeMap<Split, Vec<String>> = BTreeMap::new();
    if options.rule == SplitRule::Capture {
        for (group, side) in sides {
            groups.entry(side).or_default().push(group_name(group));
        }
        for names in groups.values_mut() {
            names.sort();
        }
    }
    let untestable = assignment.untestable.iter();
    SplitRecord {
        rule: options.rule,
        seed: options.seed,
        fractions: options.fractions,
        classes: counts,
        untestable: untestable
            .map(|&label| classes[label as usize].clone())
            .collect(),
        groups,
    }
}
