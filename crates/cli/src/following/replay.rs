//! A capture that is read at the pace at which it was captured, or at a multiple of it.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use traffic::{
    capture::{CaptureReader, Frame},
    link::LinkType,
    timestamp::Timestamp,
};

use super::source::Arrival;

/// How long to sleep at most before saying that nothing has come.
const NAP: Duration = Duration::from_millis(20);

/// How many times faster than it was captured.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Speed(f64);

impl FromStr for Speed {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let speed = text.trim_end_matches('x').parse();
        match speed {
            Ok(speed) if (0.001..=1e6).contains(&speed) => Ok(Self(speed)),
            _ => Err(
                "give a number from 0.001 to 1000000, such as 10 for ten times as fast".to_owned(),
            ),
        }
    }
}

impl Speed {
    /// How long what took so long takes.
    fn shortened(self, captured: Duration) -> Duration {
        Duration::try_from_secs_f64(captured.as_secs_f64() / self.0).unwrap_or(Duration::MAX)
    }

    /// How much of the capture passes in such a time.
    fn stretched(self, passed: Duration) -> Duration {
        Duration::try_from_secs_f64(passed.as_secs_f64() * self.0).unwrap_or(Duration::MAX)
    }
}

/// A reader, and the frame that was read last.
pub(super) struct Replay {
    reader: CaptureReader,
    speed: Speed,
    /// When the first frame came, here and in the capture.
    begin: Option<(Instant, Timestamp)>,
    last: Option<Held>,
    /// Whether the time of that frame has not come yet.
    is_waiting: bool,
}

/// A frame with bytes of its own.
struct Held {
    timestamp: Timestamp,
    link_type: LinkType,
    interface: u32,
    original_length: u32,
    bytes: Vec<u8>,
}

impl Replay {
    /// What that reader has from now on.
    pub(super) fn of(reader: CaptureReader, speed: Speed) -> Self {
        Self {
            reader,
            speed,
            begin: None,
            last: None,
            is_waiting: false,
        }
    }

    pub(super) fn reader(&self) -> &CaptureReader {
        &self.reader
    }

    /// The next frame once its time has come; until then, that there is none.
    pub(super) fn next(&mut self) -> anyhow::Result<Arrival<'_>> {
        if !self.is_waiting {
            self.last = self.reader.next_frame()?.as_ref().map(Held::from);
        }
        let Some(held) = &self.last else {
            return Ok(Arrival::End);
        };
        let (here, there) = *self
            .begin
            .get_or_insert_with(|| (Instant::now(), held.timestamp));
        let captured = Duration::from_nanos(held.timestamp.nanoseconds_since(there));
        let due = self.speed.shortened(captured);
        let passed = here.elapsed();
        self.is_waiting = passed < due;
        if !self.is_waiting {
            return Ok(Arrival::Frame(held.frame()));
        }
        std::thread::sleep(NAP.min(due.saturating_sub(passed)));
        let passed = self
            .speed
            .stretched(here.elapsed())
            .min(captured)
            .as_nanos();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        let now = there.nanoseconds().saturating_add(passed);
        Ok(Arrival::Silence(Timestamp::from_nanoseconds(now)))
    }
}

impl From<&Frame<'_>> for Held {
    fn from(frame: &Frame<'_>) -> Self {
        Self {
            timestamp: frame.timestamp,
            link_type: frame.link_type,
            interface: frame.interface,
            original_length: frame.original_length,
            bytes: frame.bytes.to_vec(),
        }
    }
}

impl Held {
    fn frame(&self) -> Frame<'_> {
        Frame {
            timestamp: self.timestamp,
            link_type: self.link_type,
            interface: self.interface,
            original_length: self.original_length,
            bytes: &self.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use traffic::synth::{self, Conversation};

    use super::*;

    #[test]
    fn a_speed_is_a_number_within_reason() {
        assert_eq!("1".parse(), Ok(Speed(1.0)));
        assert_eq!("2.5x".parse(), Ok(Speed(2.5)));
        for text in ["0", "-1", "NaN", "inf", "fast", ""] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn frames_come_in_their_time_and_silences_between_them() {
        check(30_000_000, Speed(1.0));
        check(3_000_000_000, Speed(100.0));
    }

    fn check(gap_nanoseconds: i64, speed: Speed) {
        let records = Conversation {
            gap_nanoseconds,
            ..Conversation::default()
        }
        .frames();
        let capture = Cursor::new(synth::pcap(LinkType::ETHERNET, &records));
        let mut replay = Replay::of(CaptureReader::new(Box::new(capture)).unwrap(), speed);
        let mut frames = Vec::new();
        let mut silences = Vec::new();
        loop {
            match replay.next().unwrap() {
                Arrival::Frame(frame) => {
                    assert_eq!(
                        frame.bytes,
                        records[frames.len()].frame(LinkType::ETHERNET).bytes
                    );
                    frames.push(frame.timestamp);
                }
                Arrival::Silence(now) => silences.push((frames.len(), now)),
                Arrival::End => break,
            }
        }
        assert_eq!(frames.len(), records.len());
        // None tells of a time that is to come, nor of one that is over.
        assert!(!silences.is_empty());
        for (next, now) in silences {
            let rounding = now.nanoseconds() + 1_000;
            assert!(rounding > frames[next - 1].nanoseconds() && now <= frames[next]);
        }
    }
}
