//! An inspection as text for people.

use std::{collections::BTreeMap, io::Write};

use super::inspection::Inspection;
use crate::numbers::{count, counted, share};

/// Writes an inspection, a fact a line; facts that are nothing are left out.
pub(super) fn write(inspection: &Inspection, out: &mut dyn Write) -> std::io::Result<()> {
    let tally = &inspection.tally;
    let compression = inspection
        .compression
        .as_ref()
        .map_or(String::new(), |kind| format!(", compressed with {kind}"));
    writeln!(
        out,
        "{}: {}{compression}",
        inspection.capture, inspection.format
    )?;
    let mut line = |name: &str, text: String| writeln!(out, "  {name:<12}{text}");
    if let (Some(first), Some(last)) = (&inspection.first, &inspection.last) {
        let seconds = inspection.seconds;
        line("time", format!("{first} to {last}, {seconds:.3} s"))?;
    }
    if inspection.interfaces > 1 {
        line("interfaces", count(inspection.interfaces as u64))?;
    }
    if !inspection.link_types.is_empty() {
        line("link types", list(&inspection.link_types, tally.frames))?;
    }
    let mut frames = vec![format!(
        "{}, {}",
        counted(tally.frames, "frame"),
        counted(tally.frame_bytes, "byte")
    )];
    if tally.truncated_frames > 0 {
        frames.push(format!("{} truncated", count(tally.truncated_frames)));
    }
    if tally.cut_short_captures > 0 {
        frames.push("the capture ends inside a frame".to_owned());
    }
    line("frames", frames.join("; "))?;
    line("packets", count(tally.packets))?;
    if tally.fragments > 0 {
        line("fragments", count(tally.fragments))?;
    }
    if !tally.tunnels.is_empty() {
        let tunnels = tally.tunnels.iter();
        let tunnels = tunnels.map(|(kind, &number)| (kind.name().to_owned(), number));
        line("tunnels", list(&tunnels.collect(), tally.frames))?;
    }
    line("skipped", count(tally.skipped()))?;
    for (reason, &number) in &tally.skips {
        line("", format!("{} {}", count(number), reason.name()))?;
    }
    let sessions = inspection.sessions;
    let mut counts = vec![count(sessions)];
    if inspection.empty_sessions > 0 {
        counts.push(format!(
            "{} without payload",
            count(inspection.empty_sessions)
        ));
    }
    if tally.evicted() > 0 {
        counts.push(format!("{} flushed early", count(tally.evicted())));
    }
    line("sessions", counts.join(", "))?;
    if !inspection.background.is_empty() {
        let all = inspection.background.values().sum();
        let kinds = list(&inspection.background, sessions);
        line("background", format!("{}: {kinds}", share(all, sessions)))?;
    }
    for (at, service) in inspection.services.iter().enumerate() {
        let name = if at == 0 { "services" } else { "" };
        line(
            name,
            format!(
                "{:<12}{}, {}, {}",
                service.name,
                counted(service.sessions, "session"),
                counted(service.packets, "packet"),
                counted(service.bytes, "byte")
            ),
        )?;
    }
    Ok(())
}

/// Counts with their names and shares, the largest first.
fn list(counts: &BTreeMap<String, u64>, whole: u64) -> String {
    let mut counts: Vec<(&String, &u64)> = counts.iter().collect();
    counts.sort_by_key(|&(_, &number)| std::cmp::Reverse(number));
    let shown = counts
        .into_iter()
        .map(|(name, &number)| format!("{name} {} ({})", count(number), share(number, whole)));
    shown.collect::<Vec<_>>().join(", ")
}
