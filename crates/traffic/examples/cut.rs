//! What cutting costs: `cut CAPTURE...` reads captures into sessions and tells processor seconds
//! per gigabyte; `ROUNDS=5` repeats, `END=capture` ends sessions with their capture only, `STAGES=1`
//! cuts in stages, on threads beside one another.
#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{error::Error, num::NonZeroUsize, ops::ControlFlow, path::Path};

use undertone_traffic::{
    capture::CaptureReader,
    cut::{cut, cut_in_stages},
    session::Session,
    session_table::{CutOptions, EndRule},
};

/// What Linux says of this process: processor seconds to a hundredth, and peak memory in MB.
fn used() -> (f64, f64) {
    let line = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: f64 = line
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
        .unwrap_or(f64::NAN);
    (ticks / 100.0, peak / 1e3)
}

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = std::env::var("ROUNDS").map_or(Ok(1), |text| text.parse())?;
    let mut options = CutOptions {
        max_sessions: NonZeroUsize::MAX,
        ..CutOptions::default()
    };
    if std::env::var("END").is_ok_and(|rule| rule == "capture") {
        options.end_rule = EndRule::Capture;
    }
    let in_stages = std::env::var_os("STAGES").is_some();
    for path in std::env::args().skip(1) {
        let gigabytes = std::fs::metadata(&path)?.len() as f64 / 1e9;
        for _ in 0..rounds {
            let (before, _) = used();
            let mut reader = CaptureReader::open(Path::new(&path))?;
            // So that nothing of the slices can be left out.
            let mut filled = 0;
            let mut sink = |session: Session| {
                filled += session.slice.filled();
                ControlFlow::Continue(())
            };
            let tally = if in_stages {
                let goes_on = &mut || ControlFlow::Continue(());
                cut_in_stages(&mut reader, &options, 0, goes_on, &mut sink)?
            } else {
                cut(&mut reader, &options, 0, &mut sink)?
            };
            let (after, peak) = used();
            println!(
                "{path}: {:.3} s/GB of processor, {filled} bytes of slices, peak {peak:.0} MB; {tally}",
                (after - before) / gigabytes
            );
        }
    }
    Ok(())
}
