//! Windows: a session cut into stretches of time, each of which ends as a session of its own.

use super::{
    Unit, Windows,
    open_session::{Memory, OpenSession},
};
use crate::{session::Window, timestamp::Timestamp};

/// Where a session is on its way through its windows.
#[derive(Clone)]
pub(super) struct Course {
    windows: Windows,
    /// Time of the session's first packet, whether in a window or not.
    first_seen: Timestamp,
    /// Packets so far that are in no window.
    skipped: u32,
    /// Where the first window begins.
    origin: Timestamp,
    /// The present window, counted from 0.
    window: u64,
}

/// What a packet is to a session.
pub(super) enum Turn {
    /// It joins what there is.
    Stay,
    /// It comes before the first window.
    Skip,
    /// It begins the window of that number.
    Next(u64),
}

impl OpenSession {
    /// Has a session that is to begin cut into windows, if that is asked for.
    pub(super) fn cut_into(&mut self, unit: Unit) {
        if let Unit::Window(windows) = unit {
            self.course = Some(Box::new(Course {
                windows,
                first_seen: self.start,
                skipped: 0,
                origin: self.start,
                window: 0,
            }));
        }
    }

    /// Where a packet of this time belongs; time that runs back leaves no window.
    pub(super) fn turn(&mut self, timestamp: Timestamp) -> Turn {
        let Some(course) = &mut self.course else {
            return Turn::Stay;
        };
        if self.packets == 0 {
            if course.skipped < course.windows.skipped_packets {
                course.skipped += 1;
                return Turn::Skip;
            }
            course.origin = timestamp;
            self.start = timestamp;
            return Turn::Stay;
        }
        let length = course.windows.nanoseconds;
        let window = timestamp.nanoseconds_since(course.origin) / length;
        if window > course.window {
            Turn::Next(window)
        } else {
            Turn::Stay
        }
    }

    /// The same session in its next window, which begins with the packet of this time.
    pub(super) fn next_window(
        &self,
        timestamp: Timestamp,
        window: u64,
        memory: &mut Memory,
    ) -> Self {
        let mut next = self.next_part(timestamp, memory);
        next.course.clone_from(&self.course);
        if let Some(course) = &mut next.course {
            course.window = window;
        }
        next
    }

    /// When the session began, whichever of its windows this is.
    pub(super) fn first_seen(&self) -> Timestamp {
        self.course
            .as_ref()
            .map_or(self.start, |course| course.first_seen)
    }

    /// Whether it is to be cut into windows, and has not come to the first.
    pub(super) fn is_before_windows(&self) -> bool {
        self.course.is_some() && self.packets == 0
    }

    /// Which window of which session it is.
    pub(super) fn window(&self) -> Option<Window> {
        self.course.as_ref().map(|course| Window {
            session: self.number,
            number: course.window,
        })
    }
}
