//! Windows: a session cut into stretches of time, each of which ends as a session of its own.

use super::{
    Unit, Windows,
    open_session::{OpenSession, Rarities},
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
            self.rarities.get_or_insert_default().course = Some(Course {
                windows,
                first_seen: self.start,
                skipped: 0,
                origin: self.start,
                window: 0,
            });
        }
    }

    /// Where a packet of this time belongs; time that runs back leaves no window.
    pub(super) fn turn(&mut self, timestamp: Timestamp) -> Turn {
        let Some(course) = course_of(&mut self.rarities) else {
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

    /// Goes on to a window that begins with the packet of this time; what was seen of TCP's flags
    /// is kept.
    pub(super) fn enter_window(&mut self, start: Timestamp, window: u64) {
        self.start = start;
        self.packets = 0;
        if let Some(course) = course_of(&mut self.rarities) {
            course.window = window;
        }
    }

    fn course(&self) -> Option<&Course> {
        self.rarities.as_ref()?.course.as_ref()
    }

    /// When the session began, whichever of its windows this is.
    pub(super) fn first_seen(&self) -> Timestamp {
        self.course().map_or(self.start, |course| course.first_seen)
    }

    /// Whether it is to be cut into windows, and has not come to the first.
    pub(super) fn is_before_windows(&self) -> bool {
        self.course().is_some() && self.packets == 0
    }

    /// Which window of which session it is.
    pub(super) fn window(&self) -> Option<Window> {
        self.course().map(|course| Window {
            session: self.number,
            number: course.window,
        })
    }
}

fn course_of(rarities: &mut Option<Box<Rarities>>) -> Option<&mut Course> {
    rarities.as_mut()?.course.as_mut()
}
