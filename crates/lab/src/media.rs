//! Media to stream and files to transfer: moving pictures in three renditions each, sound, noise.

use std::{
    fs,
    io::{BufWriter, Write},
    path::Path,
    process::Command,
};

use anyhow::Context;

use crate::{draws::Draws, shell};

/// The films: folder, picture source of `ffmpeg`, seconds, seconds a segment, form of the segments.
const FILMS: [(&str, &str, u32, u32, &str); 3] = [
    ("v1", "testsrc2=size=640x360:rate=24", 90, 4, "mpegts"),
    ("v2", "mandelbrot=size=640x360:rate=24", 72, 6, "mpegts"),
    (
        "v3",
        "life=size=320x180:rate=24:ratio=0.4:seed=7,scale=640x360",
        60,
        2,
        "fmp4",
    ),
];

/// Files to transfer ...
const FILES: u32 = 12;
/// ... the smallest of them, in bytes; each next one is larger by the same factor, ...
const SMALLEST: f64 = 20_000.0;
/// ... up to the largest.
const LARGEST: f64 = 20_000_000.0;

/// Makes the media of a lab's folder unless they are there: it takes a minute, once.
///
/// # Errors
///
/// If `ffmpeg` fails or the folder cannot be written.
pub(crate) fn complete(folder: &Path, seed: u64, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let media = folder.join("media");
    if media.exists() {
        return Ok(());
    }
    // Moved to its place when all is there.
    let unfinished = folder.join("media.unfinished");
    if unfinished.exists() {
        fs::remove_dir_all(&unfinished)
            .with_context(|| format!("cannot remove `{}`", unfinished.display()))?;
    }
    say("making films, radio and files, once");
    let cannot = || format!("cannot write `{}`", unfinished.display());
    fs::create_dir_all(unfinished.join("files")).with_context(cannot)?;
    for (name, source, seconds, segment_seconds, form) in FILMS {
        let film = unfinished.join(name);
        fs::create_dir_all(&film).with_context(cannot)?;
        shell::output(&mut film_command(
            &film,
            source,
            [seconds, segment_seconds],
            form,
        ))?;
    }
    let mut radio = encoder();
    radio
        .args([
            "-f",
            "lavfi",
            "-i",
            "anoisesrc=color=brown:sample_rate=44100:seed=7",
        ])
        .args(["-t", "240", "-c:a", "libmp3lame", "-b:a", "128k"])
        .arg(unfinished.join("radio.mp3"));
    shell::output(&mut radio)?;
    for number in 1..=FILES {
        let share = f64::from(number - 1) / f64::from(FILES - 1);
        let bytes = SMALLEST * (LARGEST / SMALLEST).powf(share);
        let path = unfinished.join(format!("files/f{number}.bin"));
        write_noise(
            &path,
            bytes.round() as u64,
            &Draws::new(seed, "file", number.into()),
        )?;
    }
    fs::rename(&unfinished, &media).with_context(cannot)
}

/// Writes so many bytes that cannot be compressed.
///
/// # Errors
///
/// If the file cannot be written.
pub(crate) fn write_noise(path: &Path, bytes: u64, draws: &Draws) -> anyhow::Result<()> {
    let cannot = || format!("cannot write `{}`", path.display());
    let mut file = BufWriter::new(fs::File::create(path).with_context(cannot)?);
    let mut block = [0; 4096];
    let mut left = bytes;
    while left > 0 {
        let length = left.min(block.len() as u64) as usize;
        draws.fill(&mut block[..length]);
        file.write_all(&block[..length]).with_context(cannot)?;
        left -= length as u64;
    }
    file.flush().with_context(cannot)
}

/// `ffmpeg`, out of the way of whatever else the machine does.
fn encoder() -> Command {
    let mut command = Command::new("nice");
    command.args(["-n", "5", "ffmpeg", "-v", "error", "-y", "-nostdin"]);
    command
}

/// Makes a film as HLS in three renditions: `master.m3u8`, `v_0.m3u8` to `v_2.m3u8`, segments.
fn film_command(
    folder: &Path,
    source: &str,
    [seconds, segment_seconds]: [u32; 2],
    form: &str,
) -> Command {
    // The noise keeps the encoder from making next to nothing of a test picture.
    let filter = "[0:v]noise=alls=8:allf=t+u,split=3[a][b][c];\
        [a]scale=320:180[small];[b]scale=512:288[middle];[c]scale=640:360[large]";
    let end = if form == "fmp4" { "m4s" } else { "ts" };
    let mut command = encoder();
    command
        .args(["-f", "lavfi", "-i", source])
        .args([
            "-f",
            "lavfi",
            "-i",
            "anoisesrc=color=pink:sample_rate=44100:seed=7",
        ])
        .args(["-t", &seconds.to_string(), "-filter_complex", filter])
        .args(["-map", "[small]", "-map", "[middle]", "-map", "[large]"])
        .args(["-map", "1:a", "-map", "1:a", "-map", "1:a"])
        .args(["-c:v", "libx264", "-preset", "ultrafast"])
        .args(["-g", "48", "-keyint_min", "48", "-sc_threshold", "0"])
        .args(["-b:v:0", "250k", "-b:v:1", "700k", "-b:v:2", "1500k"])
        .args(["-c:a", "aac", "-b:a", "64k"])
        .args(["-f", "hls", "-hls_time", &segment_seconds.to_string()])
        .args(["-hls_segment_type", form, "-hls_playlist_type", "vod"])
        .args(["-master_pl_name", "master.m3u8"])
        .args(["-var_stream_map", "v:0,a:0 v:1,a:1 v:2,a:2"])
        .arg("-hls_segment_filename")
        .arg(folder.join(format!("s_%v_%03d.{end}")))
        .arg(folder.join("v_%v.m3u8"));
    command
}
