//! Preparation on the screen: progress on standard error while it runs, a summary afterwards.

use std::{
    io::{self, IsTerminal, Write},
    sync::atomic::AtomicBool,
};

use clap::ValueEnum;
use comfy_table::{CellAlignment, Table, presets};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use learn::{
    dataset::{
        Manifest,
        manifest::{AddressForm, RowTally},
    },
    evaluation::leak,
    model::card::TrainedOn,
    preparation::{Observer, PrepareError, Step},
    registry::PublishedFiles,
};

use crate::numbers::{count, counted, share, short};

/// Text for people, or JSON for programs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people
    #[default]
    Text,
    /// For programs
    Json,
}

/// Runs `work` on `threads` threads with its progress shown, and stops it on Ctrl-C.
///
/// # Errors
///
/// Those of the work, or that threads cannot be started.
pub(crate) fn watched<T: Send>(
    threads: usize,
    work: impl FnOnce(Observer<'_>) -> Result<T, PrepareError> + Send,
) -> anyhow::Result<T> {
    let stop = crate::interrupt::flag()?;
    watched_with(threads, &stop, work)
}

/// [`watched`] for who watches for Ctrl-C already.
///
/// # Errors
///
/// Those of the work, or that threads cannot be started.
pub(crate) fn watched_with<T: Send>(
    threads: usize,
    stop: &AtomicBool,
    work: impl FnOnce(Observer<'_>) -> Result<T, PrepareError> + Send,
) -> anyhow::Result<T> {
    let bar = bar();
    let tell = |step: Step<'_>| show(&bar, step);
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()?;
    let observer = Observer { step: &tell, stop };
    let outcome = pool.install(|| work(observer));
    bar.finish_and_clear();
    Ok(outcome?)
}

/// A bar on a terminal; nothing elsewhere, where the summary says all.
fn bar() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    if let Ok(style) = ProgressStyle::with_template("{wide_bar} {pos} of {len}, {eta} left, {msg}")
    {
        bar.set_style(style);
    }
    bar
}

fn show(bar: &ProgressBar, step: Step<'_>) {
    match step {
        Step::Cut { done, of, file, .. } => {
            bar.set_length(of as u64);
            // Threads finish out of order.
            bar.set_position(bar.position().max(done as u64));
            bar.set_message(file.to_owned());
        }
        Step::Writing => bar.set_message("writing"),
    }
}

/// Writes what was made, in the form asked for.
pub(crate) fn report(
    manifest: &Manifest,
    place: &std::path::Path,
    format: Format,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match format {
        Format::Json => {
            serde_json::to_writer(&mut *out, manifest)?;
            writeln!(out)?;
        }
        Format::Text => summarise(manifest, place, out)?,
    }
    Ok(())
}

fn summarise(manifest: &Manifest, place: &std::path::Path, out: &mut dyn Write) -> io::Result<()> {
    let tally = &manifest.tally;
    writeln!(
        out,
        "{}: {} of {}, policy {}, slices of {}",
        place.display(),
        counted(tally.samples - manifest.split.left_out, "sample"),
        counted(manifest.captures.len() as u64, "capture"),
        manifest.policy,
        counted(manifest.slice_length as u64, "byte")
    )?;
    let split = &manifest.split;
    writeln!(
        out,
        "split by rule {}, seed {}; checksum {}",
        split.rule,
        split.seed,
        short(&manifest.samples_sha256)
    )?;
    writeln!(out, "{}", class_table(manifest).trim_fmt())?;
    let removed = [
        (tally.unknown_site, "with an unknown site"),
        (tally.empty, "without payload"),
        (tally.background, "background"),
        (tally.duplicates, "duplicates"),
        (tally.beyond_maximum, "beyond the maximum of their class"),
        (manifest.split.left_out, "of a run that is on another side"),
    ];
    let removed: Vec<String> = removed
        .iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, why)| format!("{} {why}", count(*number)))
        .collect();
    writeln!(
        out,
        "sessions: {} found, {} left out{}",
        count(tally.sessions),
        count(tally.sessions - tally.samples + manifest.split.left_out),
        if removed.is_empty() {
            String::new()
        } else {
            format!(" ({})", removed.join(", "))
        }
    )?;
    for line in remarks(manifest) {
        writeln!(out, "{line}")?;
    }
    Ok(())
}

/// Samples by class and side.
fn class_table(manifest: &Manifest) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(["class", "train", "validation", "test", "background"]);
    let mut sums = [0; 3];
    for class in &manifest.split.classes {
        let sides = [class.train, class.validation, class.test];
        let all = sides.iter().sum();
        for (sum, side) in sums.iter_mut().zip(sides) {
            *sum += side;
        }
        let mut cells = vec![class.class.clone()];
        cells.extend(sides.map(count));
        cells.push(share(class.background, all));
        table.add_row(cells);
    }
    let background = manifest
        .split
        .classes
        .iter()
        .map(|class| class.background)
        .sum();
    let mut cells = vec!["all".to_owned()];
    cells.extend(sums.map(count));
    cells.push(share(background, sums.iter().sum()));
    table.add_row(cells);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// What became of the rows of an IDX file.
fn read_rows(file: &str, rows: RowTally) -> String {
    let left_out = if rows.left_out > 0 {
        format!("{} left out by the label map, ", count(rows.left_out))
    } else {
        String::new()
    };
    format!(
        "{file}: {}, {left_out}{} cut off by their length, {} broken in their middle, {} without a \
         session, {} with several",
        counted(rows.rows, "row"),
        count(rows.cut_off),
        count(rows.broken),
        count(rows.without_session),
        count(rows.with_several_sessions)
    )
}

/// Whether the files are the published ones.
pub(crate) fn published_files(files: &PublishedFiles) -> String {
    let PublishedFiles {
        registry,
        same,
        different,
        unknown,
    } = files;
    let others = match unknown {
        0 => String::new(),
        _ => format!(
            "; of {} no published checksum is known",
            counted(*unknown, "file")
        ),
    };
    match (same.len(), different.len()) {
        (0, 0) => format!(
            "whether these are the published files of {registry} is not known: there are no \
             checksums of them"
        ),
        (_, 0) if *unknown == 0 => format!("these are the published files of {registry} (SHA-256)"),
        (same, 0) => format!(
            "{} of the published files of {registry} (SHA-256){others}",
            counted(same as u64, "file")
        ),
        (same, _) => format!(
            "not the published files of {registry}: {} {} another checksum; {} are as published{others}",
            different.join(", "),
            if different.len() == 1 { "has" } else { "have" },
            count(same as u64)
        ),
    }
}

/// What a reader of the numbers above should know.
fn remarks(manifest: &Manifest) -> Vec<String> {
    let tally = &manifest.tally;
    let slices = counted(tally.conflicting_slices, "slice");
    let conflicting = format!("with the same bytes under more than one label ({slices})");
    let kept = [
        (tally.empty_kept, "sample", "without payload"),
        (
            tally.duplicates_kept,
            "sample",
            "with the slice and the label of another",
        ),
        (
            tally.duplicates_across_splits,
            "duplicate",
            "with its twin in another given split",
        ),
        (tally.conflicting_samples, "sample", &conflicting),
    ];
    let mut lines: Vec<String> = kept
        .into_iter()
        .filter(|&(number, ..)| number > 0)
        .map(|(number, noun, what)| format!("{} {what}", counted(number, noun)))
        .collect();
    for capture in &manifest.captures {
        lines.extend(capture.rows.map(|rows| read_rows(&capture.file, rows)));
    }
    lines.extend(manifest.published_files.as_ref().map(published_files));
    if let AddressForm::HmacSha256 { key_id } = &manifest.addresses {
        lines.push(format!(
            "addresses are digests under the key {key_id}; names of captures are as they were"
        ));
    }
    if !manifest.set_aside.is_empty() {
        let shown: Vec<String> = manifest
            .set_aside
            .iter()
            .take(3)
            .map(|one| format!("{} ({})", one.file, one.reason))
            .collect();
        let more = manifest.set_aside.len() - shown.len();
        lines.push(format!(
            "{} not used: {}{}",
            counted(manifest.set_aside.len() as u64, "file"),
            shown.join(", "),
            if more > 0 {
                format!(" and {more} more, see manifest.json")
            } else {
                String::new()
            }
        ));
    }
    if manifest.traffic.skipped() > 0 {
        lines.push(format!(
            "{} of {} skipped; `undertone inspect` says why",
            count(manifest.traffic.skipped()),
            counted(manifest.traffic.frames, "frame")
        ));
    }
    let held_out = manifest.split.held_out();
    if !held_out.is_empty() {
        lines.push(format!("held out for the test: {}", held_out.join(", ")));
    }
    if !manifest.split.validation_by_run.is_empty() {
        lines.push(format!(
            "of too few {}s for validation, which is whole runs of those in train: {}",
            manifest.split.rule,
            manifest.split.validation_by_run.join(", ")
        ));
    }
    if !manifest.split.untestable.is_empty() {
        lines.push(format!(
            "not testable, for lack of train or test samples: {}",
            manifest.split.untestable.join(", ")
        ));
    }
    lines.extend(leak::of(manifest));
    let without: Vec<&str> = manifest
        .split
        .classes
        .iter()
        .filter(|class| class.validation == 0)
        .map(|class| class.class.as_str())
        .collect();
    if !without.is_empty() {
        lines.push(format!(
            "without validation samples: {}",
            without.join(", ")
        ));
    }
    let note = TrainedOn::from(manifest).vpn_note(&manifest.classes);
    lines.extend(note.map(str::to_owned));
    lines
}
