//! The sessions of the table: open ones and the last that ended, as many as memory is given for.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, VecDeque},
};

use learn::classifier::{Moment, SessionName};
use traffic::session::Session;

use super::{line::Line, timeline::Timeline};
use crate::following::Told;

/// Open sessions that are kept; beyond, those that were silent for longest are forgotten.
const MOST_OPEN: usize = 10_000;

/// Ended sessions that are kept.
const MOST_ENDED: usize = 2_000;

/// Which sessions come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Those last heard of.
    Latest,
    /// Those of most bytes.
    Bytes,
    /// Those of most packets.
    Packets,
    /// The surest; those that the model was not asked about come last.
    Confidence,
    /// By group, those of most bytes first in each.
    Class,
}

impl Order {
    /// Every order with its name.
    pub(crate) const ALL: [(Self, &str); 5] = [
        (Self::Latest, "latest"),
        (Self::Bytes, "bytes"),
        (Self::Packets, "packets"),
        (Self::Confidence, "confidence"),
        (Self::Class, "class"),
    ];

    /// The order of that name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        let found = Self::ALL.iter().find(|(_, known)| *known == name);
        found.map(|&(order, _)| order)
    }
}

/// Open and ended sessions.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    open: BTreeMap<SessionName, Line>,
    ended: VecDeque<Line>,
    heard: u64,
}

impl Lines {
    /// Those that are open.
    pub(super) fn open(&self) -> impl Iterator<Item = &Line> {
        self.open.values()
    }

    /// How many there are, or how many are in one group.
    pub(super) fn count(&self, group: Option<usize>) -> usize {
        let all = self.open.values().chain(&self.ended);
        match group {
            None => self.open.len() + self.ended.len(),
            Some(_) => all.filter(|line| line.group == group).count(),
        }
    }

    /// An open session has grown.
    pub(super) fn grow(&mut self, session: &Session, timeline: &mut Timeline) {
        let line = self.line(session);
        line.grow(session);
        // Before anything is said, nobody knows its colour.
        if let Some(group) = line.group {
            draw(line, group, timeline);
        }
    }

    /// A session got a verdict of that group.
    pub(super) fn tell(&mut self, told: &Told, group: usize, timeline: &mut Timeline) {
        let session = &told.session;
        let line = self.line(session);
        line.grow(session);
        line.verdict = Some(told.verdict);
        line.group = Some(group);
        draw(line, group, timeline);
        if told.moment != Moment::End {
            return;
        }
        let ended = self.open.remove(&SessionName::from(&**session));
        self.ended.extend(ended);
        if self.ended.len() > MOST_ENDED {
            self.ended.pop_front();
        }
    }

    /// The first of all in that order, or of those in one group.
    pub(super) fn first(&self, order: Order, group: Option<usize>, most: usize) -> Vec<&Line> {
        let all = self.open.values().chain(&self.ended);
        let is_wanted = |line: &&Line| group.is_none() || line.group == group;
        let mut lines: Vec<&Line> = all.filter(is_wanted).collect();
        match order {
            Order::Latest => lines.sort_by_key(|line| Reverse(line.heard)),
            Order::Bytes => lines.sort_by_key(|line| Reverse((line.bytes, line.heard))),
            Order::Packets => lines.sort_by_key(|line| Reverse((line.packets, line.heard))),
            Order::Confidence => lines.sort_by(|one, other| {
                let sure = |line: &Line| line.confidence().unwrap_or(-1.0);
                let later = other.heard.cmp(&one.heard);
                sure(other).total_cmp(&sure(one)).then(later)
            }),
            Order::Class => lines.sort_by_key(|line| {
                let group = line.group.unwrap_or(usize::MAX);
                (group, Reverse(line.bytes), Reverse(line.heard))
            }),
        }
        lines.truncate(most);
        lines
    }

    fn line(&mut self, session: &Session) -> &mut Line {
        self.heard += 1;
        let name = SessionName::from(session);
        if self.open.len() >= MOST_OPEN && !self.open.contains_key(&name) {
            self.forget_silent();
        }
        let line = self
            .open
            .entry(name)
            .and_modify(|line| {
                // Nobody has told of the end of the one before.
                if line.start != session.start {
                    *line = Line::of(session);
                }
            })
            .or_insert_with(|| Line::of(session));
        line.heard = self.heard;
        line
    }

    /// Forgets the half that was not heard of for longest.
    fn forget_silent(&mut self) {
        let mut heard: Vec<u64> = self.open.values().map(|line| line.heard).collect();
        heard.sort_unstable();
        let middle = heard[heard.len() / 2];
        self.open.retain(|_, line| line.heard >= middle);
    }
}

/// Puts what is not on the timeline yet there.
fn draw(line: &mut Line, group: usize, timeline: &mut Timeline) {
    let (drawn, since) = line.drawn;
    timeline.add(group, since, line.end, line.bytes.saturating_sub(drawn));
    line.drawn = (line.bytes, line.end);
}
